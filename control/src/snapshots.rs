//! Keeps snapshots of everything that a restart folds from the journal. One line for each fold.

use chrono::{DateTime, Utc};

use crate::driver::Pass;
use crate::hold::{Freeze, Hold, ManualFloor, Told};
use crate::intent::OpenIntents;
use crate::journal::{Follower, Journal, JournalError};
use crate::runbook::Runs;

/// A restart reads at most twice this many events: those since the newest snapshot, or since the
/// one before if that is damaged. It reads more than 100,000 in a second.
const EVENTS_BETWEEN: u64 = 10_000;

/// The loop that keeps them.
pub struct Snapshots {
    journal: Journal,
    holds: Follower<Told<Hold>>,
    floors: Follower<Told<ManualFloor>>,
    freezes: Follower<Told<Freeze>>,
    intents: Follower<OpenIntents>,
    runs: Follower<Runs>,
    /// The newest event when they were last kept.
    kept_at: u64,
}

impl Snapshots {
    /// Follows every fold from its newest snapshot.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(journal: Journal) -> Result<Self, JournalError> {
        Ok(Self {
            holds: journal.follow().await?,
            floors: journal.follow().await?,
            freezes: journal.follow().await?,
            intents: journal.follow().await?,
            runs: journal.follow().await?,
            journal,
            kept_at: 0,
        })
    }
}

impl Pass for Snapshots {
    type Error = JournalError;

    async fn pass(&mut self, _: DateTime<Utc>) -> Result<(), JournalError> {
        let newest = self.journal.newest();
        if newest - self.kept_at < EVENTS_BETWEEN {
            return Ok(());
        }
        self.holds.keep().await?;
        self.floors.keep().await?;
        self.freezes.keep().await?;
        self.intents.keep().await?;
        self.runs.keep().await?;
        self.kept_at = newest;
        Ok(())
    }
}
