//! Writes a run's events into the journal.

use super::{drive::Record, event::Stamped};
use crate::journal::{Entry, Journal, JournalError};
use futures::future::BoxFuture;

/// The journal as the place where one run is recorded.
pub(super) struct Ledger {
    pub(super) journal: Journal,
    pub(super) environment: String,
}

impl Record for Ledger {
    fn append<'a>(&'a self, stamped: &'a Stamped) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let subject = format!("{}/run/{}", self.environment, stamped.run);
            let event = &stamped.event;
            let data = serde_json::to_value(stamped).expect("a run's event has only text keys");
            let entry = Entry::by(&stamped.by, subject, event.kind(), event.words(), data);
            self.journal.append(entry).await.map(|_| ())
        })
    }
}
