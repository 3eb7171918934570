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
    pub period: Duration,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    pub passes: u64,
    pub failures: u64,
    /// When the newest pass that succeeded started.
    pub ok_at: Option<DateTime<Utc>>,
    /// Why the newest pass failed; `None` after a success.
    pub error: Option<String>,
}

impl Status {
    /// By how much its next success is late.
    #[must_use]
    pub fn overdue(&self, now: DateTime<Utc>) -> Duration {
        let since = now - self.ok_at.unwrap_or(self.started_at);
        since.to_std().unwrap_or_default().saturating_sub(self.period)
    }
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
        let (period, started_at) = (schedule.period, (self.clock)());
        let status = Status { period, started_at, ..Status::default() };
        self.status.send_modify(|all| {
            all.insert(schedule.name.clone(), status);
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Debug, thiserror::Error)]
    #[error("adding up")]
    struct Failed(#[source] std::num::ParseIntError);

    enum Kind {
        Works,
        Fails,
        Hangs,
        Panics,
    }

    struct Sample(Kind, Arc<AtomicU32>);

    impl Pass for Sample {
        type Error = Failed;

        async fn pass(&mut self, _: DateTime<Utc>) -> Result<(), Failed> {
            self.1.fetch_add(1, Ordering::SeqCst);
            match self.0 {
                Kind::Works => Ok(()),
                Kind::Fails => "x".parse::<u32>().map(|_| ()).map_err(Failed),
                Kind::Hangs => std::future::pending().await,
                Kind::Panics => panic!("a bug"),
            }
        }
    }

    fn start(kind: Kind) -> (Driver, Schedule, Arc<AtomicU32>) {
        let clock: Clock = Arc::new(|| DateTime::<Utc>::UNIX_EPOCH);
        let driver = Driver::new(clock, TaskTracker::new(), CancellationToken::new());
        let schedule = Schedule::every("loop", Duration::from_secs(10), Duration::from_secs(3));
        let passes = Arc::new(AtomicU32::new(0));
        driver.start(schedule.clone(), Sample(kind, Arc::clone(&passes)));
        (driver, schedule, passes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_passes_at_its_period_and_earlier_when_woken() {
        let (driver, schedule, passes) = start(Kind::Works);
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert_eq!(passes.load(Ordering::SeqCst), 3);
        schedule.wake.notify_one();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(passes.load(Ordering::SeqCst), 4);
        let status = driver.status().borrow()["loop"].clone();
        assert_eq!((status.passes, status.failures, status.error), (4, 0, None));
        driver.stop.cancel();
        driver.tracker.close();
        driver.tracker.wait().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_pass_is_told_with_its_cause_and_tried_again() {
        let (driver, _, passes) = start(Kind::Fails);
        tokio::time::sleep(Duration::from_secs(15)).await;
        let status = driver.status().borrow()["loop"].clone();
        assert_eq!((passes.load(Ordering::SeqCst), status.failures), (2, 2));
        assert_eq!(status.error.unwrap(), "adding up: invalid digit found in string");
        assert!(!driver.stop.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pass_that_hangs_is_abandoned_at_its_deadline() {
        let (driver, ..) = start(Kind::Hangs);
        tokio::time::sleep(Duration::from_secs(15)).await;
        let status = driver.status().borrow()["loop"].clone();
        assert_eq!(status.error.unwrap(), "took longer than 3s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_dies_takes_everything_down() {
        let (driver, ..) = start(Kind::Panics);
        tokio::time::timeout(Duration::from_secs(60), driver.stop.cancelled())
            .await
            .expect("the process is told to end");
    }
}
