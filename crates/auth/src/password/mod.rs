//! Passwords: what may be one, how it is stored, and whether one is right.
//!
//! Keeps true: a check takes the same time for a user who does not exist as for one who does; a password is stored only
//! as an Argon2id hash with a salt of its own; two spellings of one text in Unicode are one password.

mod common;
mod leaked;
mod policy;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use ibid_types::{Error, Result};
use unicode_normalization::UnicodeNormalization;

use ibid_seal::random_bytes;
pub use policy::{CHARACTERS_MAX, CHARACTERS_MIN, check_policy};

// The least that OWASP's Password Storage Cheat Sheet asks of Argon2id: 19 MiB, two passes, one lane. A check costs an
// attacker as much memory as it costs us; more of it would let a few sign-ins at once fill a small server.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// RFC 9106, section 3.1: 16 bytes of salt are enough for passwords.
const SALT_BYTES: usize = 16;
/// Of a stored hash that asks for more than this we believe that it is damaged, and do not try.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 64;

/// What is checked when there is no such user: as dear as any, and no password has it.
const OF_NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSE$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash to store, as a PHC string (`$argon2id$v=19$m=...`). The policy is not asked.
///
/// Errors: `password_length` where it is longer than a password may be, `chance_unavailable`, `password_hash_failed`.
pub fn hash(password: &str) -> Result<String> {
    if is_too_long(password) {
        return Err(policy::too_long());
    }
    let salt = random_bytes::<SALT_BYTES>()?;
    let hash = argon2()?.hash_password_with_salt(normal(password).as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| hash_failed().caused_by(error))
}

/// Whether the password has the stored hash. `None` is a user who does not exist: the answer is false, after the same
/// work.
///
/// Errors: `password_hash_malformed`, `password_hash_failed`.
pub fn verify(password: &str, stored: Option<&str>) -> Result<bool> {
    if is_too_long(password) {
        return Ok(false);
    }
    let hash =
        PasswordHash::new(stored.unwrap_or(OF_NOBODY)).map_err(|error| malformed().caused_by(error))?;
    let parameters = Params::try_from(&hash).map_err(|error| malformed().caused_by(error))?;
    let is_whole = hash.salt.is_some() && hash.hash.is_some();
    if !is_whole || parameters.m_cost() > MEMORY_KIB_MAX || parameters.t_cost() > PASSES_MAX {
        return Err(malformed());
    }
    match argon2()?.verify_password(normal(password).as_bytes(), &hash) {
        Ok(()) => Ok(stored.is_some()),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(hash_failed().caused_by(error)),
    }
}

/// Whether the stored hash was made with other parameters than today's: then store a new one at the next sign-in.
#[must_use]
pub fn needs_rehash(stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else { return true };
    let Ok(parameters) = Params::try_from(&hash) else { return true };
    let today = (MEMORY_KIB, PASSES, LANES);
    hash.algorithm != Algorithm::Argon2id.ident()
        || hash.version != Some(Version::V0x13.into())
        || (parameters.m_cost(), parameters.t_cost(), parameters.p_cost()) != today
}

/// The form of NIST SP 800-63B, section 3.1.1.2: the same text, however a keyboard composed it, is the same password.
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

/// Longer ones are not hashed, so that nobody makes us normalise a megabyte.
fn is_too_long(password: &str) -> bool {
    password.chars().nth(CHARACTERS_MAX).is_some()
}

fn argon2() -> Result<Argon2<'static>> {
    let parameters =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| hash_failed().caused_by(error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

fn hash_failed() -> Error {
    Error::internal("password_hash_failed", "the password could not be hashed; look for free memory (19 MiB)")
}

fn malformed() -> Error {
    Error::internal(
        "password_hash_malformed",
        "the stored hash of the password is damaged; set a new password",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "a quiet lamp burns";

    #[test]
    fn a_password_has_its_own_hash_only() {
        let stored = hash(PASSWORD).unwrap();
        assert!(verify(PASSWORD, Some(&stored)).unwrap());
        assert!(!verify("a quiet lamp burn", Some(&stored)).unwrap());
        assert!(!verify("", Some(&stored)).unwrap());
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        assert_ne!(hash(PASSWORD).unwrap(), hash(PASSWORD).unwrap());
    }

    #[test]
    fn nobody_has_a_password() {
        assert!(!verify(PASSWORD, None).unwrap());
        assert!(!verify("", None).unwrap());
    }

    #[test]
    fn checking_for_nobody_is_the_same_work() {
        assert!(!needs_rehash(OF_NOBODY));
    }

    #[test]
    fn the_parameters_are_those_of_owasp() {
        let stored = hash(PASSWORD).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!needs_rehash(&stored));
    }

    #[test]
    fn hashes_with_other_parameters_are_made_again() {
        for other in ["$argon2id$v=19$m=65536", "$argon2i$v=19$m=19456", "$argon2id$v=16$m=19456"] {
            assert!(needs_rehash(&OF_NOBODY.replace("$argon2id$v=19$m=19456", other)), "{other}");
        }
        assert!(needs_rehash("not a hash"));
    }

    #[test]
    fn a_hash_with_other_parameters_is_still_checked() {
        let parameters = Params::new(32, 3, 1, None).unwrap();
        let former = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let stored = former.hash_password_with_salt(b"a quiet lamp burns", b"some salt").unwrap().to_string();
        assert!(verify(PASSWORD, Some(&stored)).unwrap());
        assert!(!verify("another", Some(&stored)).unwrap());
    }

    #[test]
    fn however_a_text_is_composed_it_is_the_same_password() {
        let stored = hash("caf\u{e9} au lait noir").unwrap();
        assert!(verify("cafe\u{301} au lait noir", Some(&stored)).unwrap());
    }

    /// A salt, and no hash after it.
    const UNFINISHED: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSE";

    #[test]
    fn a_damaged_hash_is_an_error_and_asks_for_no_memory() {
        for damaged in ["", "$", "$argon2id$v=19", "hunter2", &"$".repeat(1000), UNFINISHED] {
            assert_eq!(
                verify(PASSWORD, Some(damaged)).unwrap_err().code,
                "password_hash_malformed",
                "{damaged}"
            );
        }
        let greedy = OF_NOBODY.replace("m=19456", "m=4294967295");
        assert_eq!(verify(PASSWORD, Some(&greedy)).unwrap_err().code, "password_hash_malformed");
        let endless = OF_NOBODY.replace("t=2", "t=4294967295");
        assert_eq!(verify(PASSWORD, Some(&endless)).unwrap_err().code, "password_hash_malformed");
    }

    #[test]
    fn what_is_too_long_is_not_hashed() {
        let long = "x".repeat(CHARACTERS_MAX + 1);
        assert_eq!(hash(&long).unwrap_err().code, "password_length");
        let made_elsewhere =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(32, 3, 1, None).unwrap());
        let stored =
            made_elsewhere.hash_password_with_salt(long.as_bytes(), b"some salt").unwrap().to_string();
        assert!(!verify(&long, Some(&stored)).unwrap());
    }

    #[test]
    fn the_longest_of_the_widest_characters_is_hashed() {
        // U+FDFA becomes 18 characters.
        let wide = "\u{fdfa}".repeat(CHARACTERS_MAX);
        assert!(verify(&wide, Some(&hash(&wide).unwrap())).unwrap());
    }
}
