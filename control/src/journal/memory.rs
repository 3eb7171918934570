//! A journal that ends with its process, for simulations and tests in virtual time.
//!
//! It answers at once and in the order of the calls, so that a run of it is the same every time.
//! Daemons that share one are a pair, as with a database. It fences as the others do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, ready};

use super::JournalError;
use super::event::Event;
use super::store::{Held, Reply, Snapshot, Store, Tail, Written};

/// What several daemons of one process share. A clone is another handle on the same one.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<Tables>>);

struct Tables {
    held: Held,
    /// The event with seq `n` is at `n - 1`.
    events: Vec<Event>,
    snapshots: Vec<Snapshot>,
}

impl Default for Memory {
    fn default() -> Self {
        let held = Held { holder: String::new(), epoch: 0, beat: 0 };
        Self(Arc::new(Mutex::new(Tables { held, events: vec![], snapshots: vec![] })))
    }
}

impl Memory {
    /// Whoever panicked with the tables left them whole: each change below is one step.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn fence(&self, epoch: u64) -> Result<(), Written> {
        let theirs = self.held.epoch;
        if theirs == epoch { Ok(()) } else { Err(Written::Superseded { theirs }) }
    }
}

fn reply<'a, T: Send + 'a>(value: T) -> Reply<'a, T> {
    Box::pin(ready(Ok(value)))
}

impl Store for Memory {
    fn held(&self) -> Reply<'_, Held> {
        reply(self.tables().held.clone())
    }

    fn take<'a>(&'a self, holder: &'a str, seen: &'a Held) -> Reply<'a, bool> {
        let mut tables = self.tables();
        let free = tables.held == *seen;
        if free {
            tables.held = Held { holder: holder.to_owned(), epoch: seen.epoch + 1, beat: 0 };
        }
        reply(free)
    }

    fn renew(&self, epoch: u64) -> Reply<'_, bool> {
        let mut tables = self.tables();
        let ours = tables.held.epoch == epoch;
        tables.held.beat += u64::from(ours);
        reply(ours)
    }

    fn release(&self, epoch: u64) -> Reply<'_, ()> {
        let mut tables = self.tables();
        if tables.held.epoch == epoch {
            tables.held.holder.clear();
        }
        reply(())
    }

    fn tail(&self) -> Reply<'_, Tail> {
        let tables = self.tables();
        let last = tables.events.last();
        reply(last.map_or(Tail::START, |event| Tail { seq: event.seq, hash: event.hash }))
    }

    fn insert<'a>(&'a self, epoch: u64, events: &'a [Event]) -> Reply<'a, Written> {
        let mut tables = self.tables();
        if let Err(superseded) = tables.fence(epoch) {
            return reply(superseded);
        }
        tables.events.extend_from_slice(events);
        reply(Written::Yes)
    }

    fn since<'a>(
        &'a self,
        seq: u64,
        kinds: &'a [&'a str],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, JournalError>> {
        let tables = self.tables();
        let skipped = usize::try_from(seq).unwrap_or(usize::MAX).min(tables.events.len());
        let later = tables.events[skipped..].iter();
        let of = |event: &&Event| {
            kinds.is_empty() || kinds.iter().any(|kind| event.kind.starts_with(kind))
        };
        let found = later.filter(of);
        let page: Vec<Event> = found.take(usize::try_from(limit).unwrap_or(0)).cloned().collect();
        Box::pin(ready(Ok(page)))
    }

    fn snapshots<'a>(&'a self, fold: &'a str) -> Reply<'a, Vec<Snapshot>> {
        let tables = self.tables();
        let mut found: Vec<Snapshot> =
            tables.snapshots.iter().filter(|one| one.fold == fold).cloned().collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.seq));
        reply(found)
    }

    fn keep<'a>(&'a self, epoch: u64, snapshot: &'a Snapshot, oldest: u64) -> Reply<'a, Written> {
        let mut tables = self.tables();
        if let Err(superseded) = tables.fence(epoch) {
            return reply(superseded);
        }
        let stays = |one: &Snapshot| {
            one.fold != snapshot.fold || (one.seq >= oldest && one.seq != snapshot.seq)
        };
        tables.snapshots.retain(stays);
        tables.snapshots.push(snapshot.clone());
        reply(Written::Yes)
    }
}
