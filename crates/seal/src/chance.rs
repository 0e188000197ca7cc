//! Random bytes from the system, the source of chance of everything that must not be guessed.

use ibid_types::{Error, Result};

/// As many random bytes as the caller's array holds. Errors: `chance_unavailable`.
pub fn random_bytes<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::internal("chance_unavailable", "the system gives no random bytes").caused_by(error.to_string())
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_differ_each_time() {
        assert_ne!(random_bytes::<32>().unwrap(), random_bytes::<32>().unwrap());
    }
}
