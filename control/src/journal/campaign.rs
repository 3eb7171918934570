//! Waiting to lead: a daemon that shares its journal acts only while it holds the lease.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::address::{Address, Location};
use super::lease::{LEASE_TTL, Lease};
use super::lifeline::Lifeline;
use super::memory::Memory;
use super::store::{self, Held, Store};
use super::{Journal, JournalError};
use crate::driver::Clock;

/// How often a standby looks. A leader that dies just after a renewal is followed within the
/// lease's 15 s, one look and one look's answer: under 20 s.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What one look came to.
pub enum Look {
    /// We lead.
    Lead(Journal),
    /// Somebody else does, and this is its name.
    Follow { leader: String },
}

/// One daemon's wish to lead.
pub struct Campaign {
    store: Arc<dyn Store>,
    clock: Clock,
    /// Our name, another one for each process that ever ran.
    name: String,
    lifeline: Option<Lifeline>,
    /// The lease as it stood, and when it was first seen so.
    seen: Option<(Held, Instant)>,
}

impl Campaign {
    /// Opens the journal and leaves its lease alone.
    ///
    /// # Errors
    ///
    /// When the journal cannot be opened.
    pub async fn open(location: &Location, name: &str, clock: Clock) -> Result<Self, JournalError> {
        let store = store::open(location).await?;
        let lifeline = match &location.address {
            Address::File(path) => Some(lifeline(path)?),
            Address::MySql { .. } => None,
        };
        Ok(Self { store, clock, name: name.to_owned(), lifeline, seen: None })
    }

    /// A daemon of a simulation.
    #[must_use]
    pub fn in_memory(memory: &Memory, name: &str, clock: Clock) -> Self {
        let store = Arc::new(memory.clone());
        Self { store, clock, name: name.to_owned(), lifeline: None, seen: None }
    }

    /// Looks once, and leads if the lease is free: given back, its holder dead, or no sign of life
    /// for as long as a lease lasts.
    ///
    /// # Errors
    ///
    /// When the store does not answer. Looking again is the retry.
    pub async fn look(&mut self) -> Result<Look, JournalError> {
        let read = |source| JournalError::Read { source };
        let held = self.store.held().await.map_err(read)?;
        let now = Instant::now();
        let since = match &self.seen {
            Some((before, since)) if *before == held => *since,
            _ => now,
        };
        self.seen = Some((held.clone(), since));
        let silent = now - since >= LEASE_TTL;
        // Our own name stands there when taking over succeeded and reading on did not.
        let free = held.holder.is_empty() || held.holder == self.name;
        if !(free || silent || self.dead(&held.holder)) {
            return Ok(Look::Follow { leader: held.holder });
        }
        let asked_at = Instant::now();
        if !self.store.take(&self.name, &held).await.map_err(read)? {
            // Somebody was faster; the next look says who.
            return Ok(Look::Follow { leader: held.holder });
        }
        let lease = Lease::asked_at(asked_at);
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
        let journal = Journal::lead(store, clock, &self.name, (held.epoch + 1, lease)).await?;
        if let Some(mut lifeline) = self.lifeline.take() {
            lifeline.hold(&self.name);
            journal.hold(lifeline);
        }
        Ok(Look::Lead(journal))
    }

    fn dead(&mut self, holder: &str) -> bool {
        self.lifeline.as_mut().is_some_and(|lifeline| lifeline.proves_dead(holder))
    }
}

fn lifeline(journal: &Path) -> Result<Lifeline, JournalError> {
    let fail = |source: io::Error| JournalError::Lifeline {
        path: Lifeline::path(journal).display().to_string(),
        source,
    };
    Lifeline::open(journal).map_err(fail)
}
