//! Evaluates the rules of one environment, keeps the episodes, and hands the messages over.
//!
//! An episode's event and its delivery are written in one transaction: no page without a record,
//! no record without a page. A journal that cannot be written pages nobody; that it cannot is an
//! error of the loop, and the heartbeat outside must notice.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, Notify};

use super::Rule;
use super::book::{Book, delivery_entry, episode_entry};
use super::deliver::Delivery;
use super::rule::{Finding, evaluate};
use super::state::{Change, Episode, State, next};
use crate::app::Live;
use crate::aws::Cloud;
use crate::driver::Pass;
use crate::error::chain;
use crate::journal::{Entry, Journal, JournalError};

/// Why an episode was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    #[error("no firing alert has the id {id}")]
    NotFiring { id: String },
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The alerts of one environment.
pub struct Alerts {
    live: Arc<Live>,
    journal: Journal,
    cloud: Arc<dyn Cloud>,
    book: Mutex<Book>,
    /// Wakes the delivering loop.
    outbox: Arc<Notify>,
}

impl Alerts {
    /// Rebuilds episodes and deliveries from the journal.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(
        live: Arc<Live>,
        journal: Journal,
        cloud: Arc<dyn Cloud>,
        outbox: Arc<Notify>,
    ) -> Result<Self, JournalError> {
        let mut book = Book::default();
        let prefix = format!("{}/alert/", live.wanted().name);
        for kinds in ["alert.", "delivery."] {
            journal
                .replay(kinds, |event| {
                    if event.subject.starts_with(&prefix) {
                        book.fold(event);
                    }
                })
                .await?;
        }
        Ok(Self { live, journal, cloud, book: Mutex::new(book), outbox })
    }

    /// Acknowledges a firing episode: somebody owns it now.
    ///
    /// # Errors
    ///
    /// When it is not firing, or the journal cannot be written.
    pub async fn ack(&self, id: &str, by: &str, now: DateTime<Utc>) -> Result<(), AckError> {
        let mut book = self.book.lock().await;
        let episode = book.open.values().find(|one| one.id == id);
        let acked = episode.and_then(|one| one.ack(by));
        let acked = acked.ok_or_else(|| AckError::NotFiring { id: id.to_owned() })?;
        self.journal.append(episode_entry(by, "alert.acked", &acked)).await?;
        book.take(acked);
        self.live.alerts.send_replace(book.views(now));
        Ok(())
    }

    /// Evaluates every rule once.
    async fn evaluate(&self, now: DateTime<Utc>) -> Result<(), JournalError> {
        let mut book = self.book.lock().await;
        let mut after = book.clone();
        let mut entries = Vec::new();
        let wanted = self.live.wanted();
        for (rule, finding) in self.findings(&wanted.alerts, now) {
            let before = after.open.get(&rule.name);
            let (episode, change) = next(&wanted.name, rule, before, &finding, now);
            match episode {
                Some(episode) => self.settle(&mut after, &mut entries, episode, change, now),
                None => {
                    after.open.remove(&rule.name);
                }
            }
        }
        self.drop_rules_that_are_gone(&wanted.alerts, &mut after, &mut entries, now);
        let pages = entries.iter().any(|entry| entry.kind.starts_with("delivery."));
        if !entries.is_empty() {
            self.journal.append_all(entries).await?;
        }
        if pages {
            self.outbox.notify_one();
        }
        *book = after;
        self.live.alerts.send_replace(book.views(now));
        Ok(())
    }

    fn findings<'a>(&self, rules: &'a [Rule], now: DateTime<Utc>) -> Vec<(&'a Rule, Finding)> {
        let (signals, fleet) = (self.live.signals.borrow(), self.live.fleet.borrow());
        rules.iter().map(|rule| (rule, evaluate(rule, &signals, &fleet, now))).collect()
    }

    fn settle(
        &self,
        book: &mut Book,
        entries: &mut Vec<Entry>,
        episode: Episode,
        change: Change,
        now: DateTime<Utc>,
    ) {
        let word = match change {
            Change::None => None,
            Change::Fired => Some("firing"),
            Change::Resolved => Some("resolved"),
        };
        if let Some(word) = word {
            entries.push(episode_entry("control", &format!("alert.{word}"), &episode));
            if let Some(topic) = self.live.wanted().topics.get(&episode.severity) {
                let delivery = Delivery::about(&episode, word, topic, now);
                entries.push(delivery_entry(&delivery, ""));
                book.deliveries.insert(delivery.id.clone(), delivery);
            }
        }
        book.take(episode);
    }

    /// An episode whose rule was removed from the file can neither hold nor clear any more.
    fn drop_rules_that_are_gone(
        &self,
        rules: &[Rule],
        book: &mut Book,
        entries: &mut Vec<Entry>,
        now: DateTime<Utc>,
    ) {
        let gone = book.open.values().filter(|one| rules.iter().all(|r| r.name != one.rule));
        for mut episode in gone.cloned().collect::<Vec<_>>() {
            episode.state = State::Resolved { at: now };
            episode.summary = "the rule was removed".to_owned();
            self.settle(book, entries, episode, Change::Resolved, now);
        }
    }

    /// Hands over what is due, one after the other, and shows what came of it.
    async fn deliver(&self, now: DateTime<Utc>) -> Result<(), JournalError> {
        let due: Vec<Delivery> = {
            let book = self.book.lock().await;
            book.deliveries.values().filter(|one| one.due(now)).cloned().collect()
        };
        for delivery in due {
            let sending = delivery.sending();
            self.note(&sending, "", now).await?;
            // The book is free meanwhile: evaluating goes on while a channel is slow.
            let answer = self.cloud.change(&sending.publish()).await;
            let detail = match &answer {
                Ok(receipt) => receipt.0.clone(),
                Err(error) => chain(error),
            };
            self.note(&sending.answered(answer.is_ok(), now), &detail, now).await?;
        }
        Ok(())
    }

    async fn note(
        &self,
        delivery: &Delivery,
        detail: &str,
        now: DateTime<Utc>,
    ) -> Result<(), JournalError> {
        let mut book = self.book.lock().await;
        self.journal.append(delivery_entry(delivery, detail)).await?;
        book.deliveries.insert(delivery.id.clone(), delivery.clone());
        self.live.alerts.send_replace(book.views(now));
        Ok(())
    }
}

/// The loop that evaluates.
pub struct Evaluate(pub Arc<Alerts>);

impl Pass for Evaluate {
    type Error = JournalError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), JournalError> {
        self.0.evaluate(now).await
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
