//! Random secrets that programs and browsers carry: keys, sessions, links. Each kind has a mark by which people and
//! secret scanners recognise it; only the hash is stored.
//!
//! Keeps true: a secret has 256 bits of chance, so that a plain hash protects it at rest and guessing is hopeless.

use ibid_types::{Result, Secret};

use crate::chance::random_bytes;

const SECRET_BYTES: usize = 32;
/// Digits after the mark by which a secret is recognised in lists: 32 bits of 256, which help nobody to guess the rest.
const PREFIX_DIGITS: usize = 8;

/// What a secret opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An API key of a program.
    Key,
    /// A browser's session.
    Session,
    /// A link that works once: the owner's first sign-in, an invitation, a new password.
    Link,
    /// The key of this machine, in the data directory.
    Machine,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Key, Self::Session, Self::Link, Self::Machine];

    /// What every secret of the kind begins with. No mark begins another.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Key => "ibid_",
            Self::Session => "ibids_",
            Self::Link => "ibidl_",
            Self::Machine => "ibidm_",
        }
    }

    /// The kind of a text that has the form of a secret: mark and 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let has_form = |kind: &Self| {
            text.strip_prefix(kind.mark())
                .is_some_and(|digits| digits.len() == 2 * SECRET_BYTES && digits.bytes().all(is_digit))
        };
        Self::ALL.into_iter().find(has_form)
    }
}

const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// A new secret: the mark and 64 hexadecimal digits. Errors: `chance_unavailable`.
pub fn random_secret(kind: Kind) -> Result<Secret> {
    let digits: String = random_bytes::<SECRET_BYTES>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Secret::new(format!("{}{digits}", kind.mark())))
}

/// What lists show of a secret: its mark and eight digits; of another text nothing.
#[must_use]
pub fn prefix(secret: &str) -> &str {
    let length = Kind::of(secret).map_or(0, |kind| kind.mark().len() + PREFIX_DIGITS);
    secret.get(..length).unwrap_or_default()
}

/// The BLAKE3 hash under which a secret is stored and found.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    *blake3::hash(secret.as_bytes()).as_bytes()
}

/// Whether the secret has the stored hash, in a time that does not depend on where they differ.
#[must_use]
pub fn has_hash(secret: &str, stored: &[u8]) -> bool {
    bytes_equal(&hash(secret), stored)
}

/// Compares in a time that does not depend on where the texts differ: their hashes are compared, all of them.
#[must_use]
pub fn secrets_equal(a: &str, b: &str) -> bool {
    bytes_equal(a.as_bytes(), b.as_bytes())
}

/// The same for bytes.
#[must_use]
pub fn bytes_equal(a: &[u8], b: &[u8]) -> bool {
    blake3::hash(a) == blake3::hash(b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_tells_its_kind() {
        for kind in Kind::ALL {
            let secret = random_secret(kind).unwrap();
            assert_eq!(Kind::of(secret.reveal()), Some(kind));
        }
    }

    #[test]
    fn no_mark_begins_another() {
        for (a, b) in Kind::ALL.iter().flat_map(|a| Kind::ALL.iter().map(move |b| (a, b))) {
            assert_eq!(a.mark().starts_with(b.mark()), a == b);
        }
    }

    #[test]
    fn a_thousand_secrets_differ() {
        let secrets: std::collections::BTreeSet<String> =
            (0..1000).map(|_| random_secret(Kind::Key).unwrap().reveal().to_owned()).collect();
        assert_eq!(secrets.len(), 1000);
    }

    #[test]
    fn a_prefix_shows_the_mark_and_eight_digits() {
        let secret = format!("ibids_{}", "0123456789abcdef".repeat(4));
        assert_eq!(prefix(&secret), "ibids_01234567");
        assert_eq!(prefix("ibids_short"), "");
        assert_eq!(prefix("é"), "");
    }

    #[test]
    fn other_forms_are_no_secrets() {
        assert_eq!(Kind::of(&format!("ibid_{}", "A".repeat(64))), None);
        assert_eq!(Kind::of(&format!("ibid_{}", "a".repeat(63))), None);
        assert_eq!(Kind::of(&format!("ibid_{}", "a".repeat(65))), None);
        assert_eq!(Kind::of(""), None);
    }

    #[test]
    fn only_the_secret_itself_has_its_hash() {
        assert!(has_hash("ibid_a", &hash("ibid_a")));
        assert!(!has_hash("ibid_b", &hash("ibid_a")));
        assert!(!has_hash("ibid_a", &hash("ibid_a")[..31]));
        assert!(!has_hash("", &[]));
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked(text in ".{0,80}") {
            prop_assert!(prefix(&text).len() <= text.len());
            prop_assert!(secrets_equal(&text, &text));
            let longer = text.clone() + "x";
            prop_assert!(!secrets_equal(&text, &longer));
        }
    }
}
