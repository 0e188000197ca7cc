//! Wrong passwords for names that nobody has: they cost the same waits as those of accounts, so that nobody learns by them
//! which names there are.

use std::collections::HashMap;

use ibid_types::Timestamp;
use parking_lot::Mutex;

use super::sign_in::wait_ms;

/// Names that are remembered. Above it those go that cost no wait.
const NAMES_MAX: usize = 10_000;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Guesses {
    /// Held by the attempt that is being looked at.
    pub attempt: Mutex<()>,
    names: Mutex<HashMap<String, Guessed>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Guessed {
    failures: u32,
    locked_until: Option<Timestamp>,
}

impl Guesses {
    /// When the next attempt can be made, where that is not now.
    pub fn locked_until(&self, name: &str, now: Timestamp) -> Option<Timestamp> {
        self.names.lock().get(name)?.locked_until.filter(|until| *until > now)
    }

    pub fn failed(&self, name: &str, now: Timestamp) {
        let mut names = self.names.lock();
        if names.len() >= NAMES_MAX {
            names.retain(|_, guessed| guessed.locked_until.is_some_and(|until| until > now));
        }
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        let guessed = names.entry(name.to_owned()).or_default();
        guessed.failures += 1;
        guessed.locked_until = wait_ms(guessed.failures).map(|ms| now.plus_ms(ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has_are_locked_like_others() {
        let (guesses, now) = (Guesses::default(), Timestamp(1_000_000));
        for _ in 0..4 {
            guesses.failed("eve", now);
        }
        assert_eq!(guesses.locked_until("eve", now), None);
        guesses.failed("eve", now);
        assert_eq!(guesses.locked_until("eve", now), Some(now.plus_ms(1000)));
        assert_eq!(guesses.locked_until("eve", now.plus_ms(1000)), None);
        assert_eq!(guesses.locked_until("adam", now), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (guesses, now) = (Guesses::default(), Timestamp(1_000_000));
        (0..NAMES_MAX * 2).for_each(|number| guesses.failed(&number.to_string(), now));
        assert!(guesses.names.lock().len() <= NAMES_MAX);
    }
}
