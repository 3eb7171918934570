//! A bounded memory of what was used recently.
//!
//! Two generations of a map: what is used lives in the young one; when that is full it becomes the
//! old one, and the old one's leftovers are forgotten. So the last `capacity / 2` distinct keys
//! used are always there, a lookup costs one lock and one hash, and no list has to be kept in
//! order as an exact LRU would. Values are cheap to clone, or an `Arc`.

#![expect(clippy::disallowed_types, reason = "a hash map in the hot path; it is never iterated")]

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    sync::{Mutex, PoisonError},
};

/// A map that holds at most `capacity` entries, the recently used ones.
#[derive(Debug)]
pub struct Recent<K, V> {
    generations: Mutex<Generations<K, V>>,
    young_entries_max: usize,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    /// An empty memory for at most `capacity` entries (at least 2).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new() };
        Self { generations: Mutex::new(generations), young_entries_max: (capacity / 2).max(1) }
    }

    /// The value of `key`, if it is still remembered.
    pub fn get(&self, key: &K) -> Option<V> {
        let mut generations = self.lock();
        if let Some(value) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = generations.old.remove_entry(key)?;
        self.store(&mut generations, key, value.clone());
        Some(value)
    }

    /// Remembers `value` for `key`.
    pub fn insert(&self, key: K, value: V) {
        self.store(&mut self.lock(), key, value);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut generations = self.lock();
        generations.young.clear();
        generations.old.clear();
    }

    fn store(&self, generations: &mut Generations<K, V>, key: K, value: V) {
        if generations.young.len() >= self.young_entries_max {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(key, value);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations<K, V>> {
        // Each change leaves both maps whole, so a panic elsewhere spoils nothing.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(recent: &Recent<u32, u32>) -> usize {
        let generations = recent.lock();
        generations.young.len() + generations.old.len()
    }

    #[test]
    fn the_bound_holds_whatever_is_asked() {
        let recent = Recent::new(100);
        for i in 0..10_000_u32 {
            recent.insert(i, i);
            recent.get(&(i / 2));
            assert!(entries(&recent) <= 100, "{} entries after {i}", entries(&recent));
        }
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let recent = Recent::new(10);
        recent.insert(0, 0);
        recent.insert(1, 1);
        for i in 2..50 {
            recent.insert(i, i);
            assert_eq!(recent.get(&0), Some(0), "after {i}");
        }
        assert_eq!(recent.get(&1), None);
    }

    #[test]
    fn a_cleared_memory_knows_nothing() {
        let recent = Recent::new(10);
        recent.insert(1, 1);
        recent.clear();
        assert_eq!(recent.get(&1), None);
    }
}
