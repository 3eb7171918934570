//! Keeps a size at what its load asks for.
//!
//! Owns: the service's desired count (mode `own`) or minimum capacity (mode `floor`), and the
//! database's minimum of readers. Never touches: task definitions, deployments, the maximum.
//! Gives up: never; says why it waits. Its change is convergent: a lost reply is settled by
//! looking, and a lost change is simply decided again.

mod apply;
pub mod decide;
#[cfg(test)]
mod decide_tests;
#[cfg(test)]
mod pass_tests;
pub mod past;
mod policy;
mod resource;
#[cfg(test)]
mod samples;
mod service;
mod sizes;
#[cfg(test)]
mod trap_tests;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{DecisionView, Mode};
use serde_json::json;
use tokio::sync::Notify;

use crate::app::{App, Live};
use crate::driver::Pass;
use crate::intent::{Intent, Outcome, Record, State};
use crate::journal::{Entry, JournalError};
use apply::{ApplyError, asked};
use decide::{Because, Decision, Observed, Words, decide};
use past::Past;
pub use policy::{Boost, Fallback, Metric, Policy, Rise, ScalingMode, Target, Unit};
pub use resource::{Resource, Stops};
pub use service::Tasks;
pub use sizes::Sizes;

/// A hold that goes on for the same kind of reason is written down this often.
const HOLD_REPEATED: TimeDelta = TimeDelta::minutes(1);

/// The loop that sizes one resource of one environment.
pub struct Capacity<R> {
    app: App,
    live: Arc<Live>,
    resource: R,
    /// Makes the fleet be looked at again, after a change.
    observe: Arc<Notify>,
    memory: Memory,
}

/// A description may be older than the change that it is asked for after: what is said within this
/// after a change may still be from before it.
const DESCRIBED_LATE: TimeDelta = TimeDelta::seconds(3);

/// What the loop remembers between passes. All of it can be rebuilt from the journal and a look.
#[derive(Debug, Default)]
struct Memory {
    past: Past,
    /// When control last acted: what was seen before that says nothing about it.
    acted_at: Option<DateTime<Utc>>,
    /// The newest decision that was written down.
    written: Option<(Because, u32, u32, DateTime<Utc>)>,
    seq: u64,
    /// Own intents of unknown outcome.
    open: Vec<Record>,
}

impl Capacity<Tasks> {
    /// The loop that sizes the service, with what it knew from the journal.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(
        app: &App,
        live: Arc<Live>,
        observe: Arc<Notify>,
    ) -> Result<Self, JournalError> {
        let told = (app.journal.recall().await?, app.intents.open().await?);
        Ok(Self::of_tasks((&told.0, &told.1), app, live, observe))
    }

    /// As [`Capacity::recover`], out of what was recalled for several environments at once.
    #[must_use]
    pub fn of_tasks(
        told: (&Sizes, &[Record]),
        app: &App,
        live: Arc<Live>,
        observe: Arc<Notify>,
    ) -> Self {
        let tasks = Tasks::new(Arc::clone(&live), Stops::of(app));
        Self::with(told, app, live, tasks, observe)
    }
}

impl<R: Resource> Capacity<R> {
    /// The loop that sizes any resource, with what the journal tells of its size and of intents
    /// that nobody settled.
    #[must_use]
    pub fn with(
        (sizes, open): (&Sizes, &[Record]),
        app: &App,
        live: Arc<Live>,
        resource: R,
        observe: Arc<Notify>,
    ) -> Self {
        let subject = resource.subject();
        let moved = sizes.of(&subject);
        let own = open.iter().filter(|one| one.intent.subject == subject);
        let memory = Memory {
            past: moved.past,
            acted_at: moved.at,
            open: own.cloned().collect(),
            ..Memory::default()
        };
        Self { app: app.clone(), live, resource, observe, memory }
    }

    /// Settles own intents of unknown outcome by what is seen now.
    async fn settle(&mut self, current: Option<u32>) -> Result<(), JournalError> {
        let Some(current) = current else { return Ok(()) };
        while let Some(record) = self.memory.open.last() {
            let want = asked(&record.intent.change).map_or(current, |(_, to)| to);
            let finding = if current == want { State::Applied } else { State::NotApplied };
            let seen = format!("seen {current}");
            self.app.intents.settle(record.id, &record.intent, finding, &seen).await?;
            self.memory.open.pop();
        }
        Ok(())
    }

    /// Writes the decision down if it is news, and shows it in any case.
    async fn record(
        &mut self,
        decision: &Decision,
        words: &Words,
        now: DateTime<Utc>,
    ) -> Result<(), ApplyError> {
        let subject = self.resource.subject();
        let cost = self.cost(decision);
        let key = (decision.because, decision.from, decision.to);
        let news = self.memory.written.is_none_or(|(because, from, to, at)| {
            key != (because, from, to) || now - at >= HOLD_REPEATED
        });
        if news {
            let data = json!({
                "action": decision.action(), "from": decision.from, "to": decision.to,
                "want": decision.want, "until": decision.until, "blind": decision.blind,
                "reason": words.reason, "losing": words.losing, "inputs": words.inputs,
                "cost_micros_per_hour": cost,
            });
            let entry = Entry::control(subject.clone(), "decision", &words.reason, data);
            self.memory.seq = self.app.journal.append(entry).await?;
            self.memory.written = Some((decision.because, decision.from, decision.to, now));
        }
        let would = if self.acts() || decision.from == decision.to { "" } else { "would: " };
        self.resource.show(DecisionView {
            seq: self.memory.seq,
            at: now,
            resource: subject,
            action: decision.action().to_owned(),
            from: decision.from,
            to: decision.to,
            reason: format!("{would}{}", words.reason),
            losing: words.losing.clone(),
            inputs: words.inputs.clone(),
            until: decision.until,
            cost_micros_per_hour: cost,
        });
        Ok(())
    }

    fn acts(&self) -> bool {
        self.live.wanted().mode == Mode::Act && !self.resource.only_advises()
    }

    /// What the decision adds to an hour's cost, or takes off it. `None` while the price of one is
    /// not known; to hold costs nothing at any price.
    fn cost(&self, decision: &Decision) -> Option<i64> {
        let more = i64::from(decision.to) - i64::from(decision.from);
        if more == 0 {
            return Some(0);
        }
        i64::try_from(self.resource.price()?).ok()?.checked_mul(more)
    }

    async fn act(
        &mut self,
        policy: &Policy,
        decision: &Decision,
        words: &Words,
        now: DateTime<Utc>,
    ) -> Result<(), ApplyError> {
        let intent = Intent {
            actor: "control".to_owned(),
            subject: self.resource.subject(),
            why: words.reason.clone(),
            change: self.resource.change(policy, decision),
        };
        let cloud = self.app.cloud.as_ref();
        let outcome =
            apply::apply(cloud, &self.app.intents, (&self.resource, policy), decision, &intent)
                .await?;
        self.memory.acted_at = Some(now);
        self.observe.notify_one();
        match outcome {
            Outcome::Confirmed(_) => self.memory.past.changed(decision.from, decision.to, now),
            Outcome::Rejected(why) => tracing::warn!(why, "AWS refused: {}", intent.change),
            Outcome::Unknown(why) => {
                tracing::warn!(why, "it is not known whether AWS did: {}", intent.change);
                // Careful: as if it were done, until a look says otherwise.
                self.memory.past.changed_at = Some(now);
                self.memory.open = self.app.intents.open().await?;
                let subject = &intent.subject;
                self.memory.open.retain(|one| one.intent.subject == *subject);
            }
        }
        Ok(())
    }
}

impl<R: Resource> Pass for Capacity<R> {
    type Error = ApplyError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), ApplyError> {
        let Some(policy) = self.resource.policy() else { return Ok(()) };
        let seen = self.resource.observe(&policy, now);
        let believed_from = self.memory.acted_at.map(|acted| acted + DESCRIBED_LATE);
        if believed_from.is_some_and(|from| seen.seen_at.is_some_and(|at| at <= from)) {
            return Ok(());
        }
        self.settle(seen.current).await?;
        self.memory.past.notice(seen.current, now);
        let seen = Observed { past: self.memory.past.clone(), ..seen };
        let decision = decide(&policy, &seen, now);
        self.memory.past.decided(&decision, now);
        if self.live.wanted().mode == Mode::Observe {
            return Ok(());
        }
        let words = decision.explain(&policy, &seen, now);
        self.record(&decision, &words, now).await?;
        if self.acts() && decision.to != decision.from {
            self.act(&policy, &decision, &words, now).await?;
        }
        Ok(())
    }
}
