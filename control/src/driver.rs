//! Runs every loop the same way: period, wake-up, deadline, status.
//!
//! A loop looks at everything, every time; a wake-up only makes it look earlier. A failed pass is
//! logged once and the next pass is the retry. A loop that panics or ends by itself while nobody
//! asked it to is a bug, and takes the process down: half a control plane is worse than none.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::chain;

/// Reads the wall clock. Only `main.rs` makes the real one; tests pass a closure.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How a loop is run.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Names the loop in logs, metrics and status: `local/capacity`.
    pub name: String,
    /// From the start of one pass to the start of the next.
    pub period: Duration,
    /// A pass that takes longer is abandoned and counted as failed.
    pub deadline: Duration,
    /// Makes the next pass start now.
    pub wake: Arc<Notify>,
}

impl Schedule {
    /// A loop with its own wake-up.
    #[must_use]
    pub fn every(name: impl Into<String>, period: Duration, deadline: Duration) -> Self {
        Self { name: name.into(), period, deadline, wake: Arc::new(Notify::new()) }
    }
}

/// One pass over everything that the loop looks after.
pub trait Pass: Send {
    type Error: Error + Send;

    /// Does the pass. `now` is the only clock that it may read.
    ///
    /// # Errors
    ///
    /// Whatever kept it from finishing; the next pass is the retry.
    fn pass(&mut self, now: DateTime<Utc>) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// How a loop has been doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub passes: u64,
    pub failures: u64,
    /// When the newest pass that succeeded started.
    pub ok_at: Option<DateTime<Utc>>,
    /// Why the newest pass failed; `None` after a success.
    pub error: Option<String>,
}

/// Starts loops and knows how each is doing.
#[derive(Clone)]
pub struct Driver {
    clock: Clock,
    tracker: TaskTracker,
    stop: CancellationToken,
    status: watch::Sender<BTreeMap<String, Status>>,
}

impl Driver {
    /// A driver whose loops end when `stop` is cancelled, and cancel it when one of them dies.
    #[must_use]
    pub fn new(clock: Clock, tracker: TaskTracker, stop: CancellationToken) -> Self {
        Self { clock, tracker, stop, status: watch::Sender::new(BTreeMap::new()) }
    }

    /// The status of every loop, by name.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<BTreeMap<String, Status>> {
        self.status.subscribe()
    }

    /// Starts a loop. Its first pass is now.
    pub fn start<P: Pass + 'static>(&self, schedule: Schedule, pass: P) {
        let driver = self.clone();
        self.tracker.spawn(async move {
            // Cancels on the way out, panics included, so that no loop dies alone.
            let _down = driver.stop.clone().drop_guard();
            driver.run(schedule, pass).await;
        });
    }

    async fn run<P: Pass>(&self, schedule: Schedule, mut pass: P) {
        let mut ticks = tokio::time::interval(schedule.period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
                () = schedule.wake.notified() => ticks.reset(),
            }
            let now = (self.clock)();
            let result = tokio::time::timeout(schedule.deadline, pass.pass(now)).await;
            let error = match result {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(chain(&error)),
                Err(_) => Some(format!("took longer than {:?}", schedule.deadline)),
            };
            if let Some(error) = &error {
                tracing::warn!(name = schedule.name, error, "pass of {} failed", schedule.name);
            }
            self.note(&schedule.name, now, error);
        }
    }

    fn note(&self, name: &str, now: DateTime<Utc>, error: Option<String>) {
        self.status.send_modify(|all| {
            let status = all.entry(name.to_owned()).or_default();
            status.passes += 1;
            if error.is_some() {
                status.failures += 1;
            } else {
                status.ok_at = Some(now);
            }
            status.error = error;
        });
    }
}
