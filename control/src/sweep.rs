//! Flags intents that nobody has settled for longer than anything takes.
//!
//! An intent is written down in two steps, before its call and after it. One whose second step is
//! missing is a change of which nobody knows whether it was made: its owner looks at the world and
//! settles it within a pass or two. When that does not happen, a human must know. This settles
//! nothing itself, because it does not know what to look at.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::concern::{Concerns, INTENT_UNRESOLVED};
use crate::driver::Pass;
use crate::intent::{OVERDUE, OpenIntents, Record};
use crate::journal::{Entry, Follower, Journal, JournalError};

/// A call takes 10 s at most, its owner's next look 30 s, and the one after that as much again.
const OPEN_MAX: TimeDelta = TimeDelta::minutes(2);

/// The loop that sweeps.
pub struct Sweep {
    journal: Journal,
    open: Follower<OpenIntents>,
    concerns: Concerns,
}

impl Sweep {
    /// A sweep of everything that is open now.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(journal: Journal, concerns: Concerns) -> Result<Self, JournalError> {
        Ok(Self { open: journal.follow().await?, journal, concerns })
    }
}

/// The intents that have been open for too long, oldest first.
fn overdue(OpenIntents(open): &OpenIntents, now: DateTime<Utc>) -> Vec<&Record> {
    open.values().filter(|record| now - record.at > OPEN_MAX).collect()
}

fn flag(record: &Record, now: DateTime<Utc>) -> Entry {
    let (change, age) = (&record.intent.change, (now - record.at).num_seconds());
    let summary = format!("nobody has said for {age} s what came of it: {change}");
    let data = json!({ "intent": record.id, "age_seconds": age });
    Entry::control(&record.intent.subject, OVERDUE, summary, data)
}

impl Pass for Sweep {
    type Error = JournalError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), JournalError> {
        let open = overdue(self.open.catch_up().await?, now);
        let Some(oldest) = open.first() else {
            self.concerns.clear(INTENT_UNRESOLVED);
            return Ok(());
        };
        let summary = format!(
            "{} of unknown outcome, the oldest since {}: {}",
            if open.len() == 1 { "a change".to_owned() } else { format!("{} changes", open.len()) },
            oldest.at.format("%H:%M:%S"),
            oldest.intent.change
        );
        let news = open.iter().filter(|record| !record.overdue);
        let news: Vec<Entry> = news.map(|record| flag(record, now)).collect();
        self.concerns.raise(INTENT_UNRESOLVED, summary);
        if !news.is_empty() {
            self.journal.append_all(news).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sample::{Replies, SampleCloud};
    use crate::aws::{Change, Cloud};
    use crate::fleet::samples::second;
    use crate::intent::{Intent, Intents, State};
    use crate::journal::Memory;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn an_intent_that_nobody_settles_is_flagged_once_and_stands_as_a_concern_until_settled() {
        let now = Arc::new(Mutex::new(second(0)));
        let read = Arc::clone(&now);
        let clock: crate::driver::Clock = Arc::new(move || *read.lock().unwrap());
        let memory = Memory::default();
        let journal = Journal::in_memory(&memory, clock.clone()).await.unwrap();
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        *cloud.replies.lock().unwrap() = Replies::MadeAndLost;
        let intents = Intents::new(journal.clone(), Arc::clone(&cloud) as Arc<dyn Cloud>);
        let change = Change::FailoverDatabase { cluster: "c".to_owned(), target: "d".to_owned() };
        let [actor, subject, why] = ["ann", "local/x", "a drill"].map(str::to_owned);
        let intent = Intent { actor, subject, why, change };
        let (id, _) = intents.carry_out(&intent).await.unwrap();
        let concerns = Concerns::default();
        let mut sweep = Sweep::recover(journal.clone(), concerns.clone()).await.unwrap();
        for (at, flagged) in [(0, 0), (120, 0), (121, 1), (122, 1), (500, 1)] {
            *now.lock().unwrap() = second(at);
            sweep.pass(second(at)).await.unwrap();
            let mut flags = 0;
            journal.replay(OVERDUE, |_| flags += 1).await.unwrap();
            assert_eq!((flags, concerns.standing().len()), (flagged, flagged), "at {at} s");
        }
        assert_eq!(
            concerns.standing()[INTENT_UNRESOLVED],
            "a change of unknown outcome, the oldest since 00:00:00: fail database c over to d"
        );
        // A restart neither flags it again nor forgets the concern.
        let journal = Journal::in_memory(&memory, clock).await.unwrap();
        let concerns = Concerns::default();
        let mut sweep = Sweep::recover(journal.clone(), concerns.clone()).await.unwrap();
        sweep.pass(second(501)).await.unwrap();
        assert_eq!((journal.newest(), concerns.standing().len()), (3, 1));
        let intents = Intents::new(journal, cloud as Arc<dyn Cloud>);
        intents.settle(id, &intent, State::Applied, "the writer is d").await.unwrap();
        sweep.pass(second(502)).await.unwrap();
        assert_eq!(concerns.standing().len(), 0);
    }
}
