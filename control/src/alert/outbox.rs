//! Hands messages over to the channels and writes down what came of it.
//!
//! Each is written down as `sending` before it is handed over. A crash in between leaves it so,
//! and the next start sends it again under the same id: at most one double for a crash, and never
//! a page lost. Messages are handed over at the same time, so that one slow channel keeps no other
//! waiting.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt};

use super::Alerts;
use super::book::delivery_entry;
use super::deliver::Delivery;
use crate::driver::Pass;
use crate::error::chain;
use crate::journal::JournalError;

/// Calls at once. SNS takes hundreds a second; an answer takes 10 s at most.
const CALLS_MAX: usize = 8;
/// Messages of one pass: four rounds of calls end within 40 s even when none is answered.
const PASS_MAX: usize = 16;

impl Alerts {
    /// Hands over what is due, the most severe first, and what wakes people before what is read
    /// later.
    pub(super) async fn deliver(&self, now: DateTime<Utc>) -> Result<(), JournalError> {
        let mut due: Vec<Delivery> = {
            let book = self.book.lock().await;
            book.deliveries.values().filter(|one| one.due(now)).cloned().collect()
        };
        due.sort_by_key(|one| (one.severity, one.channel, one.next_at));
        due.truncate(PASS_MAX);
        let handed = stream::iter(due).map(|one| self.hand_over(one, now));
        let outcomes: Vec<_> = handed.buffer_unordered(CALLS_MAX).collect().await;
        outcomes.into_iter().collect()
    }

    async fn hand_over(&self, delivery: Delivery, now: DateTime<Utc>) -> Result<(), JournalError> {
        let sending = delivery.sending();
        self.note(&[&sending], "", now).await?;
        // The book is free meanwhile: evaluating goes on while a channel is slow.
        match self.cloud.change(&sending.publish()).await {
            Ok(receipt) => self.note(&[&sending.accepted(&receipt.0)], &receipt.0, now).await,
            Err(error) => {
                let (after, next) = sending.refused(now);
                let both: Vec<&Delivery> = std::iter::once(&after).chain(&next).collect();
                self.note(&both, &chain(&error), now).await
            }
        }
    }

    async fn note(
        &self,
        deliveries: &[&Delivery],
        detail: &str,
        now: DateTime<Utc>,
    ) -> Result<(), JournalError> {
        let mut book = self.book.lock().await;
        let name = &self.live.wanted().name;
        let entries = deliveries.iter().map(|one| delivery_entry(name, one, detail));
        self.journal.append_all(entries.collect()).await?;
        for one in deliveries {
            book.deliveries.insert(one.id.clone(), (*one).clone());
        }
        self.show(&book, now);
        Ok(())
    }
}

/// The loop that hands messages over.
pub struct Deliver(pub Arc<Alerts>);

impl Pass for Deliver {
    type Error = JournalError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), JournalError> {
        self.0.deliver(now).await
    }
}
