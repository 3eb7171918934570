//! The loop that keeps an environment's cost: looks at the rate, closes hours, asks for the bill.
//!
//! Closed hours and bills are events in the journal. So is each question to Cost Explorer, before
//! it is asked: it is paid for, and a daemon that restarts in a loop must not ask in a loop.

use std::sync::Arc;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::json;

use super::bill::Bill;
use super::page::{BILL_HOURS, Past, look, page};
use super::spendings::{SUBJECT, Spendings};
use crate::alert::rule::Verdict;
use crate::app::Live;
use crate::aws::{CallError, Cloud};
use crate::driver::Pass;
use crate::journal::{Entry, Journal, JournalError};

const BILL_PERIOD: TimeDelta = TimeDelta::hours(BILL_HOURS.cast_signed());
/// This month and what is needed of the one before to compare a day with.
pub(super) const BILL_DAYS: u64 = 35;

/// What kept a pass from finishing.
#[derive(Debug, thiserror::Error)]
pub enum SpendingError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The loop over one environment's cost.
pub struct Spending {
    live: Arc<Live>,
    cloud: Arc<dyn Cloud>,
    journal: Journal,
    past: Past,
}

impl Spending {
    /// The loop with the hours and the bill that the journal tells of.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(
        live: Arc<Live>,
        cloud: Arc<dyn Cloud>,
        journal: Journal,
    ) -> Result<Self, JournalError> {
        let mut all = journal.recall().await?;
        Ok(Self::with(&mut all, live, cloud, journal))
    }

    /// As [`Spending::recover`], out of what was recalled for several environments at once.
    #[must_use]
    pub fn with(
        all: &mut Spendings,
        live: Arc<Live>,
        cloud: Arc<dyn Cloud>,
        journal: Journal,
    ) -> Self {
        let past = all.take(&live.wanted().name);
        Self { live, cloud, journal, past }
    }

    /// Asks for the bill when six hours have passed since the last question.
    async fn ask(&mut self, now: DateTime<Utc>) -> Result<(), SpendingError> {
        if self.past.asked_at.is_some_and(|at| now - at < BILL_PERIOD) {
            return Ok(());
        }
        let name = &self.live.wanted().name;
        let from = now.date_naive() - Days::new(BILL_DAYS);
        let to = now.date_naive() + Days::new(1);
        let words = format!("ask Cost Explorer for the bill of {name} from {from}");
        let data = json!({ "from": from, "to": to });
        self.journal.append(Entry::control(subject(&self.live), "cost.asked", words, data)).await?;
        self.past.asked_at = Some(now);
        let days = self.cloud.bill(name, from, to).await?;
        let bill = Bill { as_of: now, days };
        let words = format!("Cost Explorer knows {} days of {name}", bill.days.len());
        let data = serde_json::to_value(&bill).expect("a bill is plain data");
        self.journal.append(Entry::control(subject(&self.live), "cost.bill", words, data)).await?;
        self.past.bill = Some(bill);
        Ok(())
    }
}

fn subject(live: &Live) -> String {
    format!("{}{SUBJECT}", live.wanted().name)
}

impl Pass for Spending {
    type Error = SpendingError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), SpendingError> {
        // The bill may fail; the rest does not wait for it.
        let asked = self.ask(now).await;
        let look = look(&self.live, now);
        let ended = self.past.hours.note(look.sample, now);
        let (page, findings) = page(&self.live, &look, &self.past, now);
        self.live.cost.send_replace(page);
        for one in &findings {
            let verdict = match one.holds {
                Some(true) => Verdict::Holds,
                Some(false) => Verdict::Clear,
                None => Verdict::Unknown,
            };
            self.live.findings.report(one.name, verdict, &one.summary, now);
        }
        if let Some(hour) = ended {
            let words =
                format!("{} minutes were seen of the hour from {}", hour.minutes, hour.start);
            let data = serde_json::to_value(&hour).expect("an hour is plain data");
            let entry = Entry::control(subject(&self.live), "cost.hour", words, data);
            self.journal.append(entry).await?;
        }
        asked
    }
}
