//! Places for connections: a bounded number, and not all of them for one address.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Connections at once. Each costs a task and some 20 KiB; streams are 64 of them.
const PLACES_MAX: usize = 512;
/// Of one address: an office, or one node of a load balancer.
const PLACES_PER_ADDRESS_MAX: usize = 128;

/// Who has places, and how many.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One place. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    /// A place for this address, if there is one.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.lock();
        let all: usize = taken.values().sum();
        let own = taken.get(&address).copied().unwrap_or_default();
        if all >= PLACES_MAX || own >= PLACES_PER_ADDRESS_MAX {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place { places: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whose place it is.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        let own = taken.get(&self.address).copied().unwrap_or_default();
        if own > 1 {
            taken.insert(self.address, own - 1);
        } else {
            taken.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_one_address_and_for_all_and_come_back() {
        let places = Places::default();
        let from = |host: u8| IpAddr::from([10, 0, 0, host]);
        let mut taken: Vec<Place> = (0..500).filter_map(|_| places.take(from(1))).collect();
        assert_eq!(taken.len(), PLACES_PER_ADDRESS_MAX);
        for host in 2..10 {
            taken.extend((0..500).filter_map(|_| places.take(from(host))));
        }
        assert_eq!(taken.len(), PLACES_MAX);
        taken.pop();
        assert!(places.take(from(1)).is_none() && places.take(from(9)).is_some());
        taken.clear();
        assert!(places.lock().is_empty(), "nobody is remembered");
    }
}
