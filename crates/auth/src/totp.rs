//! One-time codes of authenticator apps: RFC 6238 with the values that every app takes (SHA-1, six digits, 30 seconds).
//!
//! Keeps true: a code is right within one step of the clock, and once: whoever stores the step of the last code that
//! was right makes a second use of it impossible (RFC 6238, section 5.2).

use std::fmt;

use data_encoding::BASE32_NOPAD;
use ibid_types::{Error, Result, Secret, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

use ibid_seal::random_bytes;
use ibid_seal::secret::secrets_equal;

/// RFC 4226, section 4, R6: the length of SHA-1's output is advised.
const SECRET_BYTES: usize = 20;
const STEP_MS: i64 = 30_000;
const DIGITS: u32 = 6;
/// Steps before and after now whose codes are right too (RFC 6238, section 5.2: at most one for transmission), for
/// clocks that are half a minute off.
const WINDOW_STEPS: i64 = 1;

/// What stands unescaped in a URI (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the app and we share. Does not print; store it sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl TotpSecret {
    /// A new one of 160 bits. Errors: `chance_unavailable`.
    pub fn generate() -> Result<Self> {
        random_bytes().map(Self)
    }

    #[must_use]
    pub const fn to_bytes(&self) -> [u8; SECRET_BYTES] {
        self.0
    }

    /// Errors: `totp_secret_malformed`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| {
            Error::internal(
                "totp_secret_malformed",
                "the secret of the authenticator app is damaged; set it up again",
            )
        })
    }

    /// What a person types into an app that cannot read the picture: base 32, groups of four.
    #[must_use]
    pub fn typed(&self) -> Secret {
        let text = BASE32_NOPAD.encode(&self.0);
        let groups: Vec<&str> = (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
        Secret::new(groups.join(" "))
    }

    /// The address that the picture holds: `otpauth://totp/ISSUER:ACCOUNT?secret=...`.
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> Secret {
        let issuer = utf8_percent_encode(issuer, ESCAPED);
        let account = utf8_percent_encode(account, ESCAPED);
        let secret = BASE32_NOPAD.encode(&self.0);
        Secret::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={}",
            STEP_MS / 1000
        ))
    }

    /// The code that an app shows at the time.
    #[must_use]
    pub fn code(&self, now: Timestamp) -> Secret {
        Secret::new(code(&self.0, step(now), DIGITS))
    }

    /// The step whose code this is, if it is one of now and later than `step_used`: store it as the next `step_used`.
    /// Spaces are passed over. All steps of the window are computed, whichever is right.
    #[must_use]
    pub fn verify(&self, typed: &str, now: Timestamp, step_used: Option<i64>) -> Option<i64> {
        let typed = digits_of(typed)?;
        let now = step(now);
        let mut found = None;
        for step in now.saturating_sub(WINDOW_STEPS)..=now.saturating_add(WINDOW_STEPS) {
            let is_right = secrets_equal(&code(&self.0, step, DIGITS), &typed);
            if is_right && step_used.is_none_or(|used| step > used) && step >= 0 {
                found = Some(step);
            }
        }
        found
    }
}

/// The six digits, without the spaces between which apps show them.
fn digits_of(typed: &str) -> Option<String> {
    let typed = typed.trim();
    if typed.len() > 2 * DIGITS as usize {
        return None;
    }
    let digits: String = typed.chars().filter(|character| *character != ' ').collect();
    (digits.len() == DIGITS as usize && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

const fn step(now: Timestamp) -> i64 {
    now.0.div_euclid(STEP_MS)
}

/// HOTP (RFC 4226, section 5.3) of the step: HMAC-SHA-1, four bytes at the place that its last nibble names.
fn code(secret: &[u8], step: i64, digits: u32) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let place = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let word = tag.get(place..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % 10_u32.pow(digits);
    format!("{number:0width$}", width = digits as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The secret of both RFCs' tables.
    const SECRET: &[u8; 20] = b"12345678901234567890";

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn secret() -> TotpSecret {
        TotpSecret(*SECRET)
    }

    fn code_of(steps: i64) -> String {
        secret().code(NOW.plus_ms(steps * STEP_MS)).reveal().to_owned()
    }

    #[test]
    fn the_table_of_rfc_6238_appendix_b_for_sha_1() {
        let table = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (seconds, expected) in table {
            assert_eq!(code(SECRET, step(Timestamp(seconds * 1000)), 8), expected);
        }
    }

    #[test]
    fn the_table_of_rfc_4226_appendix_d() {
        let table = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, expected) in (0..).zip(table) {
            assert_eq!(code(SECRET, step, 6), expected);
        }
    }

    #[test]
    fn the_code_of_now_and_its_neighbours_is_right() {
        let now = step(NOW);
        for steps in -1..=1 {
            assert_eq!(secret().verify(&code_of(steps), NOW, None), Some(now + steps));
        }
        for steps in [-3, -2, 2, 3] {
            assert_eq!(secret().verify(&code_of(steps), NOW, None), None);
        }
    }

    #[test]
    fn a_code_is_right_once() {
        let used = secret().verify(&code_of(0), NOW, None);
        assert!(used.is_some());
        assert_eq!(secret().verify(&code_of(0), NOW, used), None);
        assert_eq!(secret().verify(&code_of(-1), NOW, used), None);
        assert!(secret().verify(&code_of(1), NOW, used).is_some());
    }

    #[test]
    fn spaces_are_passed_over_and_nothing_else() {
        let code = code_of(0);
        let (first, last) = code.split_at(3);
        assert!(secret().verify(&format!(" {first} {last} "), NOW, None).is_some());
        for other in
            [format!("{first}-{last}"), format!("{code}0"), format!("+{}", &code[1..]), String::new()]
        {
            assert_eq!(secret().verify(&other, NOW, None), None, "{other}");
        }
    }

    #[test]
    fn what_is_much_longer_than_a_code_is_not_looked_at() {
        let spaced = |spaces: usize| format!("1{}23456", " ".repeat(spaces));
        assert_eq!(digits_of(&spaced(6)).as_deref(), Some("123456"));
        assert_eq!(digits_of(&spaced(7)), None);
    }

    #[test]
    fn digits_of_other_scripts_are_none() {
        assert_eq!(digits_of("١٢٣٤٥٦"), None);
        assert_eq!(digits_of("12345６"), None);
        assert_eq!(digits_of("abcdef"), None);
    }

    #[test]
    fn another_secret_has_other_codes() {
        assert_eq!(TotpSecret([7; 20]).verify(&code_of(0), NOW, None), None);
        assert_ne!(TotpSecret::generate().unwrap(), TotpSecret::generate().unwrap());
    }

    #[test]
    fn the_address_is_escaped() {
        let uri = secret().uri("Ibid & Co", "ann@example.org");
        assert_eq!(
            uri.reveal(),
            "otpauth://totp/Ibid%20%26%20Co:ann%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Ibid%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn a_secret_comes_back_from_its_bytes_and_does_not_print() {
        assert_eq!(TotpSecret::from_bytes(&secret().to_bytes()).unwrap(), secret());
        assert_eq!(TotpSecret::from_bytes(b"short").unwrap_err().code, "totp_secret_malformed");
        assert_eq!(secret().typed().reveal(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(format!("{:?}", secret()), "[secret]");
    }

    proptest! {
        #[test]
        fn anything_typed_at_any_time_gets_an_answer(typed in "\\PC{0,20}", now: i64, used: Option<i64>) {
            let step = secret().verify(&typed, Timestamp(now), used);
            prop_assert!(step.is_none_or(|step| used.is_none_or(|used| step > used)));
        }

        #[test]
        fn a_code_has_six_digits(bytes: [u8; 20], now in 0..i64::MAX) {
            prop_assert!(digits_of(TotpSecret(bytes).code(Timestamp(now)).reveal()).is_some());
        }
    }
}
