//! Numbers of bank accounts and of payment cards.
//!
//! Keeps true: an IBAN has its country's length and remainder 1 modulo 97 (ISO 13616); a card has the prefix and length
//! of an issuer and Luhn's check digit (ISO/IEC 7812), and digits in groups as cards have them.

use super::run::{Run, compact, digits};
use crate::finding::{Finding, Kind};
use crate::text::{before, holds_word};

/// Country and length of its IBAN, from the registry of SWIFT.
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

/// An IBAN at the beginning of a run; the run may go on behind it.
pub fn iban(text: &str, run: Run) -> Option<Finding> {
    let run_text = run.text(text);
    let country = run_text.get(..2)?;
    let length = LENGTHS.iter().find(|(name, _)| *name == country)?.1;
    let mut taken = String::with_capacity(length);
    for (at, byte) in run_text.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() {
            taken.push(char::from(byte));
        }
        if taken.len() == length {
            let is_whole = !run_text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
            let end = run.start + at + 1;
            return (is_whole && remainder_97(&taken) == 1)
                .then(|| Finding::new(Kind::Iban, "IBAN", run.start, end));
        }
    }
    None
}

/// Of the number that the text becomes with its first four characters last, and letters as 10 to 35.
fn remainder_97(text: &str) -> u32 {
    let turned = text.chars().skip(4).chain(text.chars().take(4));
    turned
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
}

/// First and last prefix of an issuer, and the lengths of its cards.
const ISSUERS: &[(&str, u32, u32, &[usize])] = &[
    ("Visa card", 4, 4, &[13, 16, 19]),
    ("Mastercard", 51, 55, &[16]),
    ("Mastercard", 2221, 2720, &[16]),
    ("American Express card", 34, 34, &[15]),
    ("American Express card", 37, 37, &[15]),
    ("Diners Club card", 300, 305, &[14]),
    ("Diners Club card", 36, 36, &[14]),
    ("Diners Club card", 38, 39, &[14]),
    ("Discover card", 6011, 6011, &[16, 19]),
    ("Discover card", 644, 659, &[16, 19]),
    ("JCB card", 3528, 3589, &[16, 19]),
    ("UnionPay card", 62, 62, &[16, 17, 18, 19]),
    ("Maestro card", 6304, 6304, &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("Maestro card", 6759, 6763, &[12, 13, 14, 15, 16, 17, 18, 19]),
];

/// Words that name a card's number, in lower case, and how far before it they may stand.
const NAMES: &[&str] =
    &["card", "visa", "maestro", "discover", "unionpay", "karte", "kreditkarte", "carte", "tarjeta"];
const NAME_BYTES: usize = 32;

pub fn card(text: &str, run: Run) -> Option<Finding> {
    let run_text = run.text(text);
    let digits = digits(run_text);
    let what = issuer(&digits)?;
    // In tables of long numbers one of ten fits; most cards have 14 to 16 digits.
    let is_usual = (14..=16).contains(&digits.len()) || run_text.len() > digits.len();
    let is_card = is_usual || holds_word(before(text, run.start, NAME_BYTES), NAMES);
    (is_card && is_grouped(run_text) && luhn(&digits) && !is_repeated(&digits))
        .then(|| Finding::new(Kind::Card, what, run.start, run.end))
}

fn issuer(digits: &[u32]) -> Option<&'static str> {
    let prefix = |width: usize| digits.iter().take(width).fold(0, |number, digit| number * 10 + digit);
    let issuer = ISSUERS.iter().find(|(_, first, last, lengths)| {
        let width = first.to_string().len();
        lengths.contains(&digits.len()) && (*first..=*last).contains(&prefix(width))
    });
    issuer.map(|(what, ..)| *what)
}

/// One group of all digits, or groups as cards have them (4-4-4-4, 4-6-5, 4-6-4) with one separator throughout.
fn is_grouped(run: &str) -> bool {
    let separator = run.chars().find(|c| !c.is_ascii_digit());
    let groups: Vec<usize> = match separator {
        None => return true,
        Some(separator @ (' ' | '-')) => run.split(separator).map(str::len).collect(),
        Some(_) => return false,
    };
    let fours =
        groups.split_last().is_some_and(|(last, rest)| *last <= 4 && rest.iter().all(|group| *group == 4));
    (fours || matches!(groups[..], [4, 6, 5] | [4, 6, 4]))
        && run.len() == groups.iter().sum::<usize>() + groups.len() - 1
}

/// Luhn's check: every second digit from the right doubled, all summed, divisible by ten.
pub fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

fn is_repeated(digits: &[u32]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

/// Whether a run holds letters: then it is no card and no telephone number.
pub fn has_letter(text: &str) -> bool {
    compact(text).contains(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::run::runs;

    fn one(text: &str) -> Option<Finding> {
        let run = runs(text).next()?;
        iban(text, run).or_else(|| card(text, run))
    }

    #[test]
    fn accounts_are_proved_by_their_check_digits() {
        for text in [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "GB29 NWBK 6016 1331 9268 19",
            "FR14 2004 1010 0505 0001 3M02 606",
            "NO93 8601 1117 947",
            "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        ] {
            assert_eq!(one(text).map(|found| found.end), Some(text.len()), "{text}");
        }
        for text in ["DE88370400440532013000", "DE8937040044053201300", "XX89370400440532013000"] {
            assert_eq!(one(text).filter(|found| found.kind == Kind::Iban), None, "{text}");
        }
    }

    #[test]
    fn cards_need_issuer_length_groups_and_luhn() {
        for text in [
            "4111111111111111",
            "4111-1111-1111-1111",
            "5555 5555 5555 4444",
            "3782 822463 10005",
            "2223003122003222",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
        ] {
            assert_eq!(one(text).map(|found| found.kind), Some(Kind::Card), "{text}");
        }
        for text in [
            "4111111111111112",
            "1111111111111117",
            "41111 11111 11111 1",
            "4111 1111-1111 1111",
            "0000000000000000",
            "4044404959645932768",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn luhn_is_the_known_check() {
        assert!(luhn(&digits("79927398713")) && !luhn(&digits("79927398710")) && !luhn(&[]));
    }
}
