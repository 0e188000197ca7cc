//! Recovery codes: ten codes on paper, each of which replaces the second factor once.
//!
//! Keeps true: a code has 120 bits of chance, more than the 112 from which NIST SP 800-63B, section 3.1.2.2, lets it be
//! stored under a plain hash; a code that was taken is gone.

use ibid_types::{Result, Secret};
use serde::{Deserialize, Serialize};

use crate::base64::Base64;
use ibid_seal::random_bytes;
use ibid_seal::secret;

pub const CODES: usize = 10;
/// Fifteen bytes are 24 characters of five bits: six groups of four.
const CODE_BYTES: usize = 15;
const CODE_CHARACTERS: usize = 24;
const GROUP_CHARACTERS: usize = 4;
/// Crockford's base 32: no `i`, `l`, `o`, `u`, which are read as other characters or make words.
const ALPHABET: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";

/// The hashes of the codes that are left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoveryCodes(Vec<Base64>);

impl RecoveryCodes {
    /// Ten new codes (`k3mq-7w2x-9abc-defg-hjkm-npqr`) to be shown once, and what is stored of them.
    ///
    /// Errors: `chance_unavailable`.
    pub fn generate() -> Result<(Vec<Secret>, Self)> {
        let mut shown = Vec::with_capacity(CODES);
        let mut stored = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            let code = text_of(random_bytes()?);
            stored.push(Base64(secret::hash(&code).to_vec()));
            shown.push(Secret::new(grouped(&code)));
        }
        Ok((shown, Self(stored)))
    }

    /// Whether the typed code is one of those left; then it is no longer, and `self` is to be stored. Case, spaces and
    /// hyphens do not matter. All hashes are compared.
    #[must_use]
    pub fn take(&mut self, typed: &str) -> bool {
        let Some(code) = normal(typed) else { return false };
        let left = self.0.len();
        self.0.retain(|stored| !secret::has_hash(&code, &stored.0));
        self.0.len() < left
    }

    /// How many codes are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.0.len()
    }
}

fn text_of(bytes: [u8; CODE_BYTES]) -> String {
    let mut text = String::with_capacity(CODE_CHARACTERS);
    let mut bits: u16 = 0;
    let mut bits_held = 0;
    for byte in bytes {
        bits = (bits << 8) | u16::from(byte);
        bits_held += 8;
        while bits_held >= 5 {
            bits_held -= 5;
            let digit = usize::from((bits >> bits_held) & 31);
            text.extend(ALPHABET.get(digit).copied().map(char::from));
        }
    }
    text
}

fn grouped(code: &str) -> String {
    let groups = (0..code.len()).step_by(GROUP_CHARACTERS);
    let groups: Vec<&str> = groups.filter_map(|at| code.get(at..at + GROUP_CHARACTERS)).collect();
    groups.join("-")
}

/// The code as it was hashed: lower case, nothing between, and what is easily confused read as what it must be.
fn normal(typed: &str) -> Option<String> {
    let typed = typed.trim();
    if typed.len() > 2 * CODE_CHARACTERS {
        return None;
    }
    let significant = typed.chars().filter(|character| !matches!(character, '-' | ' '));
    let code: String = significant.map(read).collect();
    (code.len() == CODE_CHARACTERS && code.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(code)
}

const fn read(character: char) -> char {
    match character.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_code_works_once() {
        let (shown, mut stored) = RecoveryCodes::generate().unwrap();
        assert_eq!((shown.len(), stored.left()), (CODES, CODES));
        for (taken, code) in shown.iter().enumerate() {
            assert!(stored.take(code.reveal()));
            assert!(!stored.take(code.reveal()));
            assert_eq!(stored.left(), CODES - taken - 1);
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = text_of([0x10; CODE_BYTES]);
        let typed = grouped(&code).replace('0', "O").replace('1', "l").to_uppercase().replace('-', " ");
        let mut stored = RecoveryCodes(vec![Base64(secret::hash(&code).to_vec())]);
        assert!(stored.take(&typed));
    }

    #[test]
    fn what_cannot_be_a_code_is_not_hashed() {
        assert!(normal(&"0".repeat(CODE_CHARACTERS)).is_some());
        assert!(normal(&"0".repeat(CODE_CHARACTERS - 1)).is_none());
        assert!(normal(&"u".repeat(CODE_CHARACTERS)).is_none());
        assert!(normal(&format!("0{}{}", "-".repeat(40), "0".repeat(CODE_CHARACTERS - 1))).is_none());
    }

    #[test]
    fn codes_are_groups_of_readable_characters() {
        let (shown, _) = RecoveryCodes::generate().unwrap();
        for code in shown {
            let groups: Vec<&str> = code.reveal().split('-').collect();
            assert_eq!(groups.len(), 6);
            assert!(groups.iter().all(|group| group.len() == 4));
            assert!(!code.reveal().contains(['i', 'l', 'o', 'u']));
        }
    }

    #[test]
    fn bits_are_written_without_loss() {
        assert_eq!(text_of([0xff; CODE_BYTES]), "z".repeat(CODE_CHARACTERS));
        assert_eq!(text_of([0; CODE_BYTES]), "0".repeat(CODE_CHARACTERS));
        assert_ne!(text_of([1; CODE_BYTES]), text_of([2; CODE_BYTES]));
    }

    #[test]
    fn what_is_stored_comes_back_and_holds_no_code() {
        let (shown, mut stored) = RecoveryCodes::generate().unwrap();
        let text = serde_json::to_string(&stored).unwrap();
        let again: RecoveryCodes = serde_json::from_str(&text).unwrap();
        assert_eq!(again, stored);
        assert!(!text.contains(shown[0].reveal()));
        assert!(stored.take(shown[0].reveal()));
    }

    #[test]
    fn nothing_is_left_of_nothing() {
        assert!(!RecoveryCodes::default().take("0000-0000-0000-0000-0000-0000"));
    }

    proptest! {
        #[test]
        fn anything_typed_gets_an_answer(typed in "\\PC{0,60}") {
            let (_, mut stored) = RecoveryCodes::generate().unwrap();
            prop_assert!(!stored.take(&typed));
        }

        #[test]
        fn different_bytes_are_different_codes(a: [u8; 15], b: [u8; 15]) {
            prop_assert_eq!(text_of(a) == text_of(b), a == b);
        }
    }
}
