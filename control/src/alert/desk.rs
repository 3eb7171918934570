//! Evaluates the rules of one environment, keeps the episodes, and queues the messages.
//!
//! All events of one look, episodes and deliveries, are written in one transaction: no page
//! without a record, no record without a page. A journal that cannot be written pages nobody;
//! that it cannot is an error of the loop, and the heartbeat outside must notice.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, Notify};

use super::Rule;
use super::book::Book;
use super::books::Books;
use super::draft::{Draft, reaching};
use super::rule::{Finding, Known, evaluate};
use crate::app::Live;
use crate::aws::Cloud;
use crate::config::Environment;
use crate::driver::Pass;
use crate::journal::{Journal, JournalError};

/// The alerts of one environment.
pub struct Alerts {
    pub(super) live: Arc<Live>,
    pub(super) journal: Journal,
    pub(super) cloud: Arc<dyn Cloud>,
    pub(super) book: Mutex<Book>,
    /// Wakes the delivering loop.
    outbox: Arc<Notify>,
}

impl Alerts {
    /// The desk with the episodes, silences and deliveries that the journal tells of.
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
        let mut books = journal.recall().await?;
        Ok(Self::with(&mut books, (live, journal, cloud, outbox)))
    }

    /// As [`Alerts::recover`], with books that were recalled for several environments at once.
    #[must_use]
    pub fn with(
        books: &mut Books,
        (live, journal, cloud, outbox): (Arc<Live>, Journal, Arc<dyn Cloud>, Arc<Notify>),
    ) -> Self {
        let book = Mutex::new(books.take(&live.wanted().name));
        Self { live, journal, cloud, book, outbox }
    }

    /// Evaluates every rule once, and decides who is told.
    async fn evaluate(&self, now: DateTime<Utc>) -> Result<(), JournalError> {
        let wanted = self.live.wanted();
        let mut book = self.book.lock().await;
        let Finding { verdict, text } = reaching(&book, now);
        self.live.findings.report("delivery-failing", verdict, &text, now);
        let mut draft = Draft::new(&book, &wanted, now);
        draft.take_findings(self.findings(&wanted, now));
        draft.drop_rules_that_are_gone();
        draft.tell(&self.live.runs.borrow());
        self.commit(&mut book, draft, now).await
    }

    fn findings<'a>(
        &self,
        wanted: &'a Environment,
        now: DateTime<Utc>,
    ) -> Vec<(&'a Rule, Finding)> {
        let (signals, fleet) = (self.live.signals.borrow(), self.live.fleet.borrow());
        let history = self.live.history.borrow();
        let known = Known {
            signals: &signals,
            fleet: &fleet,
            history: &history,
            slos: &wanted.slos,
            findings: &self.live.findings,
        };
        wanted.alerts.iter().map(|rule| (rule, evaluate(rule, &known, now))).collect()
    }

    /// Writes everything that changed in one transaction, and only then believes it.
    pub(super) async fn commit(
        &self,
        book: &mut Book,
        draft: Draft<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), JournalError> {
        let entries = draft.entries();
        if !entries.is_empty() {
            self.journal.append_all(entries).await?;
        }
        if draft.sends() {
            self.outbox.notify_one();
        }
        *book = draft.book;
        book.prune(now);
        self.show(book, now);
        Ok(())
    }

    /// Shows dashboards what is in the book.
    pub(super) fn show(&self, book: &Book, now: DateTime<Utc>) {
        self.live.alerts.send_replace(book.views(&self.live.wanted().routes, now));
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
