//! Numbers for keys that many items share: terms, owners, speakers, series, entities.
//!
//! Keeps true: a key is held as long as it is used, so nothing of what was forgotten stays; a number that was given
//! back is given out again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

#[derive(Debug)]
pub(super) struct Interner<K> {
    numbers: HashMap<K, u32, RandomState>,
    /// By number; `None` where it is free.
    keys: Vec<Option<K>>,
    uses: Vec<u32>,
    free: Vec<u32>,
}

impl<K> Default for Interner<K> {
    fn default() -> Self {
        Self { numbers: HashMap::default(), keys: Vec::new(), uses: Vec::new(), free: Vec::new() }
    }
}

impl<K: Hash + Eq + Clone> Interner<K> {
    /// The key's number, used once more; `make` makes what is kept of it.
    pub(super) fn hold<Q>(&mut self, key: &Q, make: impl FnOnce() -> K) -> u32
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let number = self.numbers.get(key).copied().unwrap_or_else(|| self.give(make()));
        self.uses[number as usize] += 1;
        number
    }

    /// Whether that was the last use.
    pub(super) fn release(&mut self, number: u32) -> bool {
        let uses = &mut self.uses[number as usize];
        *uses -= 1;
        if *uses > 0 {
            return false;
        }
        if let Some(key) = self.keys[number as usize].take() {
            self.numbers.remove(&key);
            self.free.push(number);
        }
        true
    }

    pub(super) fn find<Q>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.numbers.get(key).copied()
    }

    pub(super) fn key(&self, number: u32) -> Option<&K> {
        self.keys.get(number as usize)?.as_ref()
    }

    /// One more than the greatest number given out.
    pub(super) const fn end(&self) -> usize {
        self.keys.len()
    }

    fn give(&mut self, key: K) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.keys.push(None);
            self.uses.push(0);
            (self.keys.len() - 1) as u32
        });
        self.keys[number as usize] = Some(key.clone());
        self.numbers.insert(key, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_key_goes_with_its_last_use_and_its_number_is_given_again() {
        let mut interner = Interner::<Arc<str>>::default();
        let first = interner.hold("one", || "one".into());
        assert_eq!(interner.hold("one", || "one".into()), first);
        assert!(!interner.release(first));
        assert!(interner.release(first));
        assert_eq!((interner.find("one"), interner.key(first)), (None, None));
        assert_eq!(interner.hold("two", || "two".into()), first);
        assert_eq!(interner.end(), 1);
    }
}
