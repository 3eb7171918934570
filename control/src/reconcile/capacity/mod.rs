//! Keeps the service at the size that its load asks for.
//!
//! Owns: the desired count (mode `own`) or the minimum capacity (mode `floor`).
//! Never touches: task definitions, deployments, the maximum.
//! Gives up: never; says why it waits. Its change is convergent: a lost reply is settled by
//! looking, and a lost change is simply decided again.

mod apply;
pub mod decide;
#[cfg(test)]
mod decide_tests;
mod observe;
#[cfg(test)]
mod pass_tests;
mod policy;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{DecisionView, Mode};
use serde_json::json;
use tokio::sync::Notify;

use crate::app::{App, Live};
use crate::aws::{Change, Cloud};
use crate::driver::Pass;
use crate::hold::Holds;
use crate::intent::{Intent, Intents, Outcome, Record, State};
use crate::journal::{Entry, Journal, JournalError};
use apply::ApplyError;
use decide::{Because, Decision, decide};
pub use policy::{Metric, Policy, ScalingMode, Target};

/// A hold that goes on for the same kind of reason is written down this often.
const HOLD_REPEATED: TimeDelta = TimeDelta::minutes(1);

/// The loop that sizes one environment's service.
pub struct Capacity {
    live: Arc<Live>,
    cloud: Arc<dyn Cloud>,
    journal: Journal,
    intents: Intents,
    holds: Holds,
    /// Makes the fleet be looked at again, after a change.
    observe: Arc<Notify>,
    memory: Memory,
}

/// What the loop remembers between passes. All of it can be rebuilt from the journal and a look.
#[derive(Debug, Default)]
struct Memory {
    changed_at: Option<DateTime<Utc>>,
    /// When control last acted: what was seen before that says nothing about it.
    acted_at: Option<DateTime<Utc>>,
    /// The number as last seen; another one means that somebody changed it.
    last_seen: Option<u32>,
    /// The newest decision that was written down.
    written: Option<(Because, u32, u32, DateTime<Utc>)>,
    seq: u64,
    /// Own intents of unknown outcome.
    open: Vec<Record>,
}

impl Capacity {
    /// Rebuilds what the loop knew from the journal.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(
        app: &App,
        live: Arc<Live>,
        observe: Arc<Notify>,
    ) -> Result<Self, JournalError> {
        let subject = subject(&live);
        let mut memory = Memory::default();
        let settled = ["intent.confirmed", "intent.applied", "intent.unknown"];
        app.journal
            .replay("intent.", |event| {
                if event.subject == subject && settled.contains(&event.kind.as_str()) {
                    memory.changed_at = Some(event.at);
                }
            })
            .await?;
        let open = app.intents.open().await?;
        memory.open = open.into_iter().filter(|one| one.intent.subject == subject).collect();
        Ok(Self {
            live,
            cloud: Arc::clone(&app.cloud),
            journal: app.journal.clone(),
            intents: app.intents.clone(),
            holds: app.holds.clone(),
            observe,
            memory,
        })
    }

    /// Notes that the number moved, by whomever.
    fn notice(&mut self, current: Option<u32>, now: DateTime<Utc>) {
        if let (Some(before), Some(current)) = (self.memory.last_seen, current)
            && before != current
        {
            self.memory.changed_at = Some(now);
        }
        self.memory.last_seen = current.or(self.memory.last_seen);
    }

    /// Settles own intents of unknown outcome by what is seen now.
    async fn settle(&mut self, current: Option<u32>) -> Result<(), JournalError> {
        let Some(current) = current else { return Ok(()) };
        while let Some(record) = self.memory.open.last() {
            let want = match &record.intent.change {
                Change::SetDesired { to, .. } => *to,
                Change::SetCapacity { min, .. } => *min,
                _ => current,
            };
            let finding = if current == want { State::Applied } else { State::NotApplied };
            let seen = format!("seen {current}");
            self.intents.settle(record.id, &record.intent, finding, &seen).await?;
            self.memory.open.pop();
        }
        Ok(())
    }

    /// Writes the decision down if it is news, and shows it in any case.
    async fn record(&mut self, decision: &Decision, now: DateTime<Utc>) -> Result<(), ApplyError> {
        let mode = self.live.wanted().mode;
        let cost = self.cost(decision);
        let key = (decision.because, decision.from, decision.to);
        let news = match self.memory.written {
            Some((because, from, to, at)) => {
                key != (because, from, to) || now - at >= HOLD_REPEATED
            }
            None => true,
        };
        if news {
            let data = json!({
                "action": decision.action(), "from": decision.from, "to": decision.to,
                "reason": decision.reason, "losing": decision.losing,
                "inputs": decision.inputs, "cost_micros_per_hour": cost,
            });
            let entry = Entry::control(subject(&self.live), "decision", &decision.reason, data);
            self.memory.seq = self.journal.append(entry).await?;
            self.memory.written = Some((decision.because, decision.from, decision.to, now));
        }
        let would = if mode == Mode::Act || decision.from == decision.to { "" } else { "would: " };
        self.live.decision.send_replace(Some(DecisionView {
            seq: self.memory.seq,
            at: now,
            resource: subject(&self.live),
            action: decision.action().to_owned(),
            from: decision.from,
            to: decision.to,
            reason: format!("{would}{}", decision.reason),
            losing: decision.losing.clone(),
            cost_micros_per_hour: cost,
        }));
        Ok(())
    }

    /// What the decision adds to an hour's cost, or takes off it. Zero while a task's price is
    /// not known.
    fn cost(&self, decision: &Decision) -> i64 {
        let fleet = self.live.fleet.borrow();
        let task = fleet.service.as_ref().and_then(|seen| seen.value.tasks.first());
        let price = task.and_then(|task| self.live.wanted().prices.task(task)).unwrap_or(0);
        let more = i64::from(decision.to) - i64::from(decision.from);
        i64::try_from(price).ok().and_then(|price| price.checked_mul(more)).unwrap_or(0)
    }

    async fn act(&mut self, decision: &Decision, now: DateTime<Utc>) -> Result<(), ApplyError> {
        let wanted = self.live.wanted();
        let intent = Intent {
            actor: "control".to_owned(),
            subject: subject(&self.live),
            why: decision.reason.clone(),
            change: apply::change(&wanted.scaling, &wanted.service, decision),
        };
        let cloud = self.cloud.as_ref();
        let outcome =
            apply::apply(cloud, &self.intents, &wanted.service, decision, &intent).await?;
        self.memory.acted_at = Some(now);
        self.observe.notify_one();
        match outcome {
            Outcome::Confirmed(_) => self.memory.changed_at = Some(now),
            Outcome::Rejected(why) => tracing::warn!(why, "AWS refused: {}", intent.change),
            Outcome::Unknown(why) => {
                tracing::warn!(why, "it is not known whether AWS did: {}", intent.change);
                self.memory.changed_at = Some(now);
                self.memory.open = self.intents.open().await?;
                let subject = &intent.subject;
                self.memory.open.retain(|one| one.intent.subject == *subject);
            }
        }
        Ok(())
    }
}

impl Pass for Capacity {
    type Error = ApplyError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), ApplyError> {
        let seen = observe::observe(&self.live, &self.holds, self.memory.changed_at, now);
        if self.memory.acted_at.is_some_and(|acted| seen.seen_at.is_some_and(|at| at <= acted)) {
            return Ok(());
        }
        self.settle(seen.current).await?;
        self.notice(seen.current, now);
        let seen = decide::Observed { changed_at: self.memory.changed_at, ..seen };
        let wanted = self.live.wanted();
        let decision = decide(&wanted.scaling, &seen, now);
        if wanted.mode == Mode::Observe {
            return Ok(());
        }
        self.record(&decision, now).await?;
        if wanted.mode == Mode::Act && decision.to != decision.from {
            self.act(&decision, now).await?;
        }
        Ok(())
    }
}

fn subject(live: &Live) -> String {
    let wanted = live.wanted();
    format!("{}/service/{}", wanted.name, wanted.service.name)
}
