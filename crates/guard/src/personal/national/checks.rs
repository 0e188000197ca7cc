//! Check digits and shapes of national ids. Each function takes letters and digits without separators.
//!
//! Keeps true: a text of another length or with other characters is false, never an error.

use crate::personal::money::luhn;
use crate::personal::run::digits;

/// The digits, if there are exactly as many and nothing else.
fn exact(text: &str, count: usize) -> Option<Vec<u32>> {
    let digits = digits(text);
    (digits.len() == count && text.len() == count).then_some(digits)
}

fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn is_month_and_day(month: u64, day: u64) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Area not 000, 666 or 900 and above, group not 00, serial not 0000 (SSA, since 2011), and not one printed in adverts.
pub fn us_ssn(text: &str) -> bool {
    let Some(digits) = exact(text, 9) else { return false };
    let (area, group, serial) = (number(&digits[..3]), number(&digits[3..5]), number(&digits[5..]));
    let is_given_out = area != 0 && area != 666 && area < 900 && group != 0 && serial != 0;
    is_given_out && !["078051120", "219099999", "123456789"].contains(&text)
}

/// Two letters that HMRC uses, six digits, A to D.
pub fn gb_nino(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [first, second, middle @ .., last] = bytes else { return false };
    let is_letter = |byte: &u8, never: &[u8]| byte.is_ascii_uppercase() && !never.contains(byte);
    let never_pairs: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    middle.len() == 6
        && middle.iter().all(u8::is_ascii_digit)
        && is_letter(first, b"DFIQUV")
        && is_letter(second, b"DFIOQUV")
        && !never_pairs.contains(&&bytes[..2])
        && (b'A'..=b'D').contains(last)
}

/// ISO 7064 mod 11,10; of the first ten digits exactly one comes twice or three times (§ 139b AO and its rules).
pub fn de_tax(text: &str) -> bool {
    let Some(digits) = exact(text, 11) else { return false };
    let count = |digit: u32| digits[..10].iter().filter(|one| **one == digit).count();
    let repeated = (0..10).filter(|digit| count(*digit) > 1).count();
    let product = digits[..10].iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    let check = (11 - product) % 10;
    digits[0] != 0 && repeated == 1 && (0..10).all(|digit| count(digit) <= 3) && check == digits[10]
}

/// Sex, year, month, department (2A and 2B for Corsica), and 97 less the remainder modulo 97 (INSEE).
pub fn fr_nir(text: &str) -> bool {
    let corsican = [("2A", "19"), ("2B", "18")].into_iter().find(|(code, _)| text.get(5..7) == Some(code));
    let plain = match corsican {
        Some((_, as_digits)) => {
            [text.get(..5).unwrap_or_default(), as_digits, text.get(7..).unwrap_or_default()].concat()
        }
        None => text.to_owned(),
    };
    let Some(digits) = exact(&plain, 15) else { return false };
    let month = number(&digits[3..5]);
    let is_month = (1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50;
    matches!(digits[0], 1 | 2 | 7 | 8) && is_month && 97 - number(&digits[..13]) % 97 == number(&digits[13..])
}

/// Weights 9 to 2 and -1, sum divisible by 11.
pub fn nl_bsn(text: &str) -> bool {
    let Some(digits) = exact(text, 9) else { return false };
    let sum = weighed(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum > 0 && sum % 11 == digits[8] % 11 && digits[8] < 10
}

/// Eight digits, or X, Y or Z and seven, and the letter that their remainder modulo 23 says.
pub fn es_dni(text: &str) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let Some((body, letter)) = text.split_at_checked(8) else { return false };
    let plain = match body.as_bytes().first() {
        Some(b'X') => body.replacen('X', "0", 1),
        Some(b'Y') => body.replacen('Y', "1", 1),
        Some(b'Z') => body.replacen('Z', "2", 1),
        _ => body.to_owned(),
    };
    let Some(digits) = exact(&plain, 8) else { return false };
    let at = usize::try_from(number(&digits) % 23).unwrap_or_default();
    letter.as_bytes() == &LETTERS[at..=at]
}

/// Six letters, year, letter of the month, day (40 more for women), place, and a letter from the sum of all.
pub fn it_fiscale(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = b"AAAAAA99A99A999A";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'A' => byte.is_ascii_uppercase(),
        _ => byte.is_ascii_digit(),
    };
    let is_shaped = bytes.len() == shape.len() && bytes.iter().zip(shape).all(fits);
    if !is_shaped || !b"ABCDEHLMPRST".contains(&bytes[8]) {
        return false;
    }
    let value = |byte: u8| usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let sum: usize = bytes[..15]
        .iter()
        .enumerate()
        .map(|(at, byte)| if at % 2 == 0 { ODD[value(*byte)] } else { value(*byte) })
        .sum();
    value(bytes[15]) == sum % 26
}

/// What letters and digits at odd places count (decree of 23 December 1976).
const ODD: [usize; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// Date of birth with the century in its month, and weights 1 3 7 9.
pub fn pl_pesel(text: &str) -> bool {
    let Some(digits) = exact(text, 11) else { return false };
    let sum = weighed(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    let (month, day) = (number(&digits[2..4]) % 20, number(&digits[4..6]));
    is_month_and_day(month, day) && (10 - sum % 10) % 10 == digits[10]
}

/// 756 and the check digit of EAN-13.
pub fn ch_ahv(text: &str) -> bool {
    let Some(digits) = exact(text, 13) else { return false };
    let sum = weighed(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    text.starts_with("756") && (10 - sum % 10) % 10 == digits[12]
}

/// Two digits, each from weights down to 2, modulo 11; not all the same.
pub fn br_cpf(text: &str) -> bool {
    let Some(digits) = exact(text, 11) else { return false };
    let check = |count: usize| {
        let sum: u32 = digits[..count]
            .iter()
            .zip((2..=count + 1).rev())
            .map(|(digit, weight)| digit * weight as u32)
            .sum();
        sum * 10 % 11 % 10
    };
    digits.windows(2).any(|pair| pair[0] != pair[1]) && check(9) == digits[9] && check(10) == digits[10]
}

/// Date of birth, and 97 less the remainder modulo 97; since 2000 with a 2 in front.
pub fn be_national(text: &str) -> bool {
    let Some(digits) = exact(text, 11) else { return false };
    let (body, check) = (number(&digits[..9]), number(&digits[9..]));
    let is_date = number(&digits[2..4]) <= 12 && number(&digits[4..6]) <= 31;
    is_date && [body, body + 2_000_000_000].iter().any(|body| 97 - body % 97 == check)
}

/// Date of birth and Luhn.
pub fn se_personal(text: &str) -> bool {
    let Some(digits) = exact(text, 10) else { return false };
    is_month_and_day(number(&digits[2..4]), number(&digits[4..6])) && luhn(&digits)
}

/// Luhn; 0 and 8 begin none that is given out, but 0 is what examples have.
pub fn ca_sin(text: &str) -> bool {
    exact(text, 9).is_some_and(|digits| digits[0] != 8 && luhn(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [fn(&str) -> bool; 13] = [
        us_ssn,
        gb_nino,
        de_tax,
        fr_nir,
        nl_bsn,
        es_dni,
        it_fiscale,
        pl_pesel,
        ch_ahv,
        br_cpf,
        be_national,
        se_personal,
        ca_sin,
    ];

    #[test]
    fn any_text_is_true_or_false() {
        for check in ALL {
            for text in
                ["", "1", "é", "éééé", "AAAAAAAAAAAAAAAA", "00000000000", "123456789é", "999999999999999"]
            {
                assert!(!check(text) || text.starts_with('0') || text.starts_with('9'), "{text}");
            }
        }
    }

    #[test]
    fn one_changed_digit_is_noticed() {
        for (check, good) in [
            (de_tax as fn(&str) -> bool, "86095742719"),
            (fr_nir, "255081416802538"),
            (nl_bsn, "111222333"),
            (pl_pesel, "44051401359"),
            (ch_ahv, "7569217076985"),
            (br_cpf, "52998224725"),
            (be_national, "85073003328"),
            (se_personal, "8112189876"),
            (ca_sin, "046454286"),
        ] {
            assert!(check(good), "{good}");
            let last = (good.as_bytes()[good.len() - 1] - b'0' + 1) % 10;
            assert!(!check(&format!("{}{last}", &good[..good.len() - 1])), "{good}");
        }
    }

    #[test]
    fn corsica_has_letters() {
        let body: u64 = 1_990_119_033_123; // department 2A counts as 19
        let key = 97 - body % 97;
        assert!(fr_nir(&format!("199012A033123{key:02}")));
    }
}
