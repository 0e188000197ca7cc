//! Places for connections, requests and streams: so many in all, so many for each of those who take them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// See the head of this file.
#[derive(Debug)]
pub struct Places<K> {
    all_max: usize,
    taken: Mutex<Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    all: usize,
    by_whom: HashMap<K, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// Whoever asks has as many as one may have.
    Own,
}

/// One place; free again when it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    whom: K,
}

impl<K: Copy + Eq + Hash> Places<K> {
    pub fn new(all_max: usize) -> Self {
        Self { all_max, taken: Mutex::new(Taken { all: 0, by_whom: HashMap::new() }) }
    }

    /// A place, unless all are taken or whoever asks has so many.
    pub fn take(self: &Arc<Self>, whom: K, each_max: usize) -> Result<Place<K>, Full> {
        let mut taken = self.taken.lock();
        let has = taken.by_whom.get(&whom).copied().unwrap_or(0);
        if taken.all >= self.all_max {
            return Err(Full::All);
        }
        if has >= each_max {
            return Err(Full::Own);
        }
        taken.all += 1;
        taken.by_whom.insert(whom, has + 1);
        Ok(Place { places: Arc::clone(self), whom })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all -= 1;
        match taken.by_whom.get_mut(&self.whom) {
            Some(has) if *has > 1 => *has -= 1,
            _ => {
                taken.by_whom.remove(&self.whom);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let (places, one, other) = (Arc::new(Places::new(3)), "192.0.2.1", "192.0.2.2");
        let take = |whom: &'static str| places.take(whom, 2);
        let held = (take(one).unwrap(), take(one).unwrap());
        assert_eq!(take(one).unwrap_err(), Full::Own);
        let third = take(other).unwrap();
        assert_eq!(take(other).unwrap_err(), Full::All);
        drop(held);
        assert!(take(one).is_ok());
        drop(third);
        assert!(places.taken.lock().by_whom.is_empty(), "what is free is forgotten");
    }
}
