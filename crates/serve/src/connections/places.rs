//! Places for connections: so many in all, so many for one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// See the head of this file.
#[derive(Debug)]
pub struct Places {
    all_max: usize,
    pub each_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One place; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub fn new(all_max: usize, each_max: usize) -> Self {
        Self { all_max, each_max, taken: Mutex::default() }
    }

    /// A place, unless all are taken or the address has its most.
    pub fn take(self: &Arc<Self>, address: IpAddr, each_max: usize) -> Option<Place> {
        let mut taken = self.taken.lock();
        let has = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.all >= self.all_max || has >= each_max {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, has + 1);
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all -= 1;
        match taken.by_address.get_mut(&self.address) {
            Some(has) if *has > 1 => *has -= 1,
            _ => {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_places() {
        let (places, one, other) = (Arc::new(Places::new(3, 2)), "192.0.2.1", "192.0.2.2");
        let take = |address: &str| places.take(address.parse().unwrap(), places.each_max);
        let held = (take(one).unwrap(), take(one).unwrap());
        assert!(take(one).is_none());
        let third = take(other).unwrap();
        assert!(take(other).is_none(), "all are taken");
        drop(held);
        assert!(take(one).is_some());
        drop(third);
        assert!(places.taken.lock().by_address.is_empty(), "what is free is forgotten");
    }
}
