//! What was begun and waits for its answer: registrations of passkeys, sign-ins.
//!
//! Keeps true: an answer is taken once, and in its time; what waits is bounded: the one whose time ends first makes room.

use std::collections::HashMap;

use ibid_seal::random_bytes;
use ibid_types::{Result, Timestamp};
use parking_lot::Mutex;

/// Kept at most.
const WAITING_MAX: usize = 10_000;

/// See the head of this file.
#[derive(Debug)]
pub struct Pending<T>(Mutex<HashMap<String, (T, Timestamp)>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pending<T> {
    /// Keeps it until then; says under which name, which nobody guesses. Error: `chance_unavailable`.
    pub fn put(&self, what: T, until: Timestamp, now: Timestamp) -> Result<String> {
        let name: String = random_bytes::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut waiting = self.0.lock();
        if waiting.len() >= WAITING_MAX {
            waiting.retain(|_, (_, until)| *until > now);
        }
        if waiting.len() >= WAITING_MAX
            && let Some(first) =
                waiting.iter().min_by_key(|(_, (_, until))| *until).map(|(name, _)| name.clone())
        {
            waiting.remove(&first);
        }
        waiting.insert(name.clone(), (what, until));
        Ok(name)
    }

    /// Lets it wait again, as after an answer that was only mistyped.
    pub fn put_back(&self, name: &str, what: T, until: Timestamp) {
        self.0.lock().insert(name.to_owned(), (what, until));
    }

    /// What waits under the name, which then waits no more.
    pub fn take(&self, name: &str, now: Timestamp) -> Option<T> {
        let (what, until) = self.0.lock().remove(name)?;
        (until > now).then_some(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn an_answer_is_taken_once_and_in_time() {
        let pending = Pending::default();
        let name = pending.put(7, NOW.plus_ms(10), NOW).unwrap();
        assert_eq!(pending.take("other", NOW), None);
        assert_eq!(pending.take(&name, NOW), Some(7));
        assert_eq!(pending.take(&name, NOW), None);
        let late = pending.put(7, NOW.plus_ms(10), NOW).unwrap();
        assert_eq!(pending.take(&late, NOW.plus_ms(10)), None);
    }

    #[test]
    fn what_waits_is_bounded_and_the_first_to_end_makes_room() {
        let pending = Pending::default();
        let first = pending.put(0, NOW.plus_ms(1), NOW).unwrap();
        let names: Vec<String> =
            (0..WAITING_MAX).map(|number| pending.put(number, NOW.plus_ms(10), NOW).unwrap()).collect();
        assert_eq!(pending.take(&first, NOW), None);
        assert_eq!(pending.0.lock().len(), WAITING_MAX);
        assert!(pending.take(&names[0], NOW).is_some());
    }
}
