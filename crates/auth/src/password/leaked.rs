//! Passwords that were found in leaks often enough to be tried on every account, as the first bytes of their hashes.
//!
//! Keeps true: those that the policy would take for their length are there, the most frequent first among them; the program holds none of
//! them in the clear. `scripts/leaked-passwords.py` made the list from that of SecLists (MIT, Daniel Miessler) and says how.

use crate::signature::sha256;

const HASH_BYTES: usize = 8;
/// Sorted. With so few of 2^64 no other password is refused by chance.
static HASHES: &[u8] = include_bytes!("leaked.bin");

/// Whether a password, as passwords are compared, is one of them.
pub fn is_leaked(password: &str) -> bool {
    let digest = sha256(password.as_bytes());
    let hash = digest.get(..HASH_BYTES).unwrap_or_default();
    let (hashes, _) = HASHES.as_chunks::<HASH_BYTES>();
    hashes.binary_search_by(|known| known.as_slice().cmp(hash)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_longer_than_the_standard_asks() {
        let (hashes, rest) = HASHES.as_chunks::<HASH_BYTES>();
        assert!(rest.is_empty() && hashes.is_sorted());
        assert!(hashes.len() >= 3000, "{}", hashes.len());
    }

    #[test]
    fn leaked_ones_are_known_and_others_are_not() {
        for leaked in ["websolutions", "ghostbusters", "123456789987654321", "gfhjkmgfhjkm"] {
            assert!(is_leaked(leaked), "{leaked}");
        }
        for other in ["lamp river stone", "seven grey herons wade slowly", "", "websolution"] {
            assert!(!is_leaked(other), "{other}");
        }
    }
}
