//! Changes to the world, written down before they are made.
//!
//! An intent is in the journal before its call is sent, and its outcome after. A crash or a lost
//! reply leaves an intent open: whoever owns it looks at the world and settles it. A change whose
//! effect is [`Effect::Once`](crate::aws::Effect) is never sent again, whatever happened to its
//! reply. An intent that cannot be written down is not carried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::aws::{CallError, Change, Cloud, Receipt};
use crate::error::chain;
use crate::journal::{Entry, Event, Fold, Journal, JournalError};

/// Says that an intent has been open for longer than anything takes.
pub(crate) const OVERDUE: &str = "intent.overdue";

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Written down; the call may or may not have been sent.
    Logged,
    /// AWS accepted it.
    Confirmed,
    /// AWS refused it, or asked to come later: nothing happened.
    Rejected,
    /// No usable reply: it must be observed.
    Unknown,
    /// Looking showed that it happened.
    Applied,
    /// Looking showed that it did not happen.
    NotApplied,
    /// Looking did not show which; a human must.
    Unresolved,
}

impl State {
    /// True while somebody must still look at the world.
    #[must_use]
    pub fn open(self) -> bool {
        matches!(self, Self::Logged | Self::Unknown)
    }

    /// The state after `next` was reported, or `None` if that cannot follow.
    #[must_use]
    pub fn then(self, next: Self) -> Option<Self> {
        use State::{Applied, Confirmed, Logged, NotApplied, Rejected, Unknown, Unresolved};
        match (self, next) {
            (Logged, Confirmed | Rejected | Unknown)
            // A crash between the call and its outcome: straight from logged to what is seen.
            | (Logged | Unknown, Applied | NotApplied | Unresolved) => Some(next),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Logged => "intent.logged",
            Self::Confirmed => "intent.confirmed",
            Self::Rejected => "intent.rejected",
            Self::Unknown => "intent.unknown",
            Self::Applied => "intent.applied",
            Self::NotApplied => "intent.not_applied",
            Self::Unresolved => "intent.unresolved",
        }
    }
}

/// A change that somebody wants, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// `control`, or the token's name on whose word it is done.
    pub actor: String,
    /// What it is part of: `local/service/wallet-svc`, `local/run/…/promote`.
    pub subject: String,
    pub why: String,
    pub change: Change,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Confirmed(Receipt),
    /// Nothing happened, and why.
    Rejected(String),
    /// Nothing is known, and why.
    Unknown(String),
}

/// An intent as the journal tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The seq of its `intent.logged` event, which names it for ever.
    pub id: u64,
    /// When it was written down.
    pub at: DateTime<Utc>,
    pub intent: Intent,
    pub state: State,
    /// True once somebody was told that it has been open for too long.
    pub overdue: bool,
}

/// Carries intents out.
#[derive(Clone)]
pub struct Intents {
    journal: Journal,
    cloud: Arc<dyn Cloud>,
}

impl Intents {
    #[must_use]
    pub fn new(journal: Journal, cloud: Arc<dyn Cloud>) -> Self {
        Self { journal, cloud }
    }

    /// Writes the intent down, makes the change at most once, writes the outcome down. Returns
    /// the intent's id with the outcome.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written. Failing before the call means that nothing was sent;
    /// failing after it leaves the intent open, to be settled by looking.
    pub async fn carry_out(&self, intent: &Intent) -> Result<(u64, Outcome), JournalError> {
        let id = self.log(intent).await?;
        Ok((id, self.send(id, intent).await?))
    }

    /// Only writes the intent down, together with events that belong to it. Returns its id.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written: then the change must not be made.
    pub async fn log(&self, intent: &Intent) -> Result<u64, JournalError> {
        self.journal.append(logged(intent)).await
    }

    /// Makes the change of an intent that was just written down as `id`, and writes its outcome.
    ///
    /// # Errors
    ///
    /// When the outcome cannot be written: the intent stays open.
    pub async fn send(&self, id: u64, intent: &Intent) -> Result<Outcome, JournalError> {
        let outcome = match self.cloud.change(&intent.change).await {
            Ok(receipt) => Outcome::Confirmed(receipt),
            Err(error @ CallError::Unknown { .. }) => Outcome::Unknown(chain(&error)),
            // Refused, throttled or fenced: nothing happened.
            Err(error) => Outcome::Rejected(error.to_string()),
        };
        let (state, detail) = match &outcome {
            Outcome::Confirmed(Receipt(receipt)) => (State::Confirmed, receipt),
            Outcome::Rejected(why) => (State::Rejected, why),
            Outcome::Unknown(why) => (State::Unknown, why),
        };
        self.report(id, intent, state, detail).await?;
        Ok(outcome)
    }

    /// Writes down what looking at the world said about an open intent.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written: the intent stays open.
    pub async fn settle(
        &self,
        id: u64,
        intent: &Intent,
        finding: State,
        seen: &str,
    ) -> Result<(), JournalError> {
        self.report(id, intent, finding, seen).await
    }

    async fn report(
        &self,
        id: u64,
        intent: &Intent,
        state: State,
        detail: &str,
    ) -> Result<(), JournalError> {
        let kind = state.kind();
        let word = kind.trim_start_matches("intent.").replace('_', " ");
        let summary = format!("{word}: {}; {detail}", intent.change);
        let data = json!({ "intent": id, "state": state, "detail": detail });
        let entry = Entry::by(&intent.actor, &intent.subject, kind, summary, data);
        self.journal.append(entry).await?;
        Ok(())
    }

    /// The intents that nobody settled yet, oldest first: read once after a restart.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn open(&self) -> Result<Vec<Record>, JournalError> {
        let OpenIntents(records) = self.journal.recall().await?;
        Ok(records.into_values().collect())
    }
}

fn logged(intent: &Intent) -> Entry {
    let summary = format!("{}: {}", intent.change, intent.why);
    let data = serde_json::to_value(intent).expect("an intent has only text keys");
    Entry::by(&intent.actor, &intent.subject, State::Logged.kind(), summary, data)
}

/// What the data of every later `intent.*` event says.
#[derive(Deserialize)]
struct Report {
    state: State,
}

/// The intents that nobody settled yet, by id. Settled ones are dropped: the journal has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIntents(pub BTreeMap<u64, Record>);

impl Fold for OpenIntents {
    const NAME: &'static str = "intents.1";
    const KINDS: &'static [&'static str] = &["intent."];

    fn fold(&mut self, event: &Event) {
        if event.kind == State::Logged.kind() {
            if let Ok(intent) = serde_json::from_value(event.data.clone()) {
                let (id, at, state) = (event.seq, event.at, State::Logged);
                self.0.insert(id, Record { id, at, intent, state, overdue: false });
            }
            return;
        }
        let intent = event.data["intent"].as_u64().unwrap_or_default();
        let Some(record) = self.0.get_mut(&intent) else { return };
        if event.kind == OVERDUE {
            record.overdue = true;
            return;
        }
        let Ok(report) = Report::deserialize(&event.data) else { return };
        if let Some(state) = record.state.then(report.state) {
            record.state = state;
            if !state.open() {
                self.0.remove(&intent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sample::{Replies, SampleCloud};
    use crate::fleet::samples::second;

    #[test]
    fn an_intent_takes_only_the_ways_that_there_are() {
        use State::{Applied, Confirmed, Logged, NotApplied, Rejected, Unknown, Unresolved};
        let all = [Logged, Confirmed, Rejected, Unknown, Applied, NotApplied, Unresolved];
        let from_logged = [Confirmed, Rejected, Unknown, Applied, NotApplied, Unresolved];
        let from_unknown = [Applied, NotApplied, Unresolved];
        for state in all {
            for next in all {
                let legal = match state {
                    Logged => from_logged.contains(&next),
                    Unknown => from_unknown.contains(&next),
                    _ => false,
                };
                assert_eq!(state.then(next), legal.then_some(next), "{state:?} then {next:?}");
            }
            assert_eq!(state.open(), matches!(state, Logged | Unknown));
        }
    }

    fn failover() -> Intent {
        Intent {
            actor: "ann".to_owned(),
            subject: "local/run/1/promote".to_owned(),
            why: "a drill".to_owned(),
            change: Change::FailoverDatabase { cluster: "c".to_owned(), target: "c-2".to_owned() },
        }
    }

    #[tokio::test]
    async fn an_unknown_outcome_stays_open_until_somebody_has_looked() {
        let dir = tempfile::tempdir().unwrap();
        let clock: crate::driver::Clock = Arc::new(|| second(0));
        let journal = Journal::open(&dir.path().join("j.db"), clock).await.unwrap();
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        *cloud.replies.lock().unwrap() = Replies::MadeAndLost;
        let intents = Intents::new(journal.clone(), Arc::clone(&cloud) as Arc<dyn Cloud>);

        let (id, outcome) = intents.carry_out(&failover()).await.unwrap();
        assert!(matches!(&outcome, Outcome::Unknown(why) if why.ends_with("connection reset")));
        let open = intents.open().await.unwrap();
        assert_eq!((open[0].id, open[0].state), (id, State::Unknown));
        assert_eq!(open[0].intent, failover(), "all of it is in the journal");

        intents.settle(id, &failover(), State::Applied, "writer is c-2").await.unwrap();
        assert_eq!(intents.open().await.unwrap(), []);
        assert_eq!(cloud.asked.lock().unwrap().len(), 1, "looking sends nothing");
        let told: Vec<String> =
            journal.since(0, 10).await.unwrap().into_iter().map(|e| e.summary).collect();
        assert_eq!(told[0], "fail database c over to c-2: a drill");
        assert_eq!(told[2], "applied: fail database c over to c-2; writer is c-2");
    }
}
