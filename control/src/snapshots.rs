//! Everything that a restart folds from the journal, and the loop that keeps snapshots of it. One
//! line for each fold.

use chrono::{DateTime, Utc};

use crate::alert::Books;
use crate::api::Answers;
use crate::cost::Spendings;
use crate::driver::Pass;
use crate::forecast::AllMasks;
use crate::hold::{Freeze, Hold, ManualFloor, Told};
use crate::intent::{OpenIntents, Record};
use crate::journal::{Fold, Journal, JournalError};
use crate::reconcile::capacity::Sizes;
use crate::runbook::Runs;

/// A restart reads at most twice this many events: those since the newest snapshot, or since the
/// one before if that is damaged. It reads more than 100,000 in a second.
const EVENTS_BETWEEN: u64 = 10_000;

/// What the environments' loops begin with, read once for all of them.
pub struct Recalled {
    pub books: Books,
    pub spendings: Spendings,
    pub sizes: Sizes,
    /// The intents that nobody settled yet, oldest first.
    pub open: Vec<Record>,
}

impl Recalled {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn read(journal: &Journal) -> Result<Self, JournalError> {
        let OpenIntents(open) = journal.recall().await?;
        Ok(Self {
            books: journal.recall().await?,
            spendings: journal.recall().await?,
            sizes: journal.recall().await?,
            open: open.into_values().collect(),
        })
    }
}

/// The loop that keeps them. It holds none of the state: what it keeps is read anew, the newest
/// snapshot and what came after it, as a restart would.
pub struct Snapshots {
    journal: Journal,
    /// The newest event when they were last kept.
    kept_at: u64,
}

impl Snapshots {
    /// A loop that has kept nothing yet.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self { journal, kept_at: 0 }
    }

    /// Keeps all of them as of now.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read or written.
    pub async fn keep(&self) -> Result<(), JournalError> {
        self.keep_one::<Told<Hold>>().await?;
        self.keep_one::<Told<ManualFloor>>().await?;
        self.keep_one::<Told<Freeze>>().await?;
        self.keep_one::<OpenIntents>().await?;
        self.keep_one::<Sizes>().await?;
        self.keep_one::<Runs>().await?;
        self.keep_one::<Books>().await?;
        self.keep_one::<Answers>().await?;
        self.keep_one::<Spendings>().await?;
        self.keep_one::<AllMasks>().await
    }

    async fn keep_one<F: Fold>(&self) -> Result<(), JournalError> {
        self.journal.follow::<F>().await?.keep().await
    }
}

impl Pass for Snapshots {
    type Error = JournalError;

    async fn pass(&mut self, _: DateTime<Utc>) -> Result<(), JournalError> {
        let newest = self.journal.newest();
        if newest - self.kept_at < EVENTS_BETWEEN {
            return Ok(());
        }
        self.keep().await?;
        self.kept_at = newest;
        Ok(())
    }
}
