//! Runs the real loops by hand: pass after pass, in the time of a clock that only the stage moves.
//!
//! The driver's own timers would race against a journal that lives on a real disk. Here each pass
//! ends before the next one begins, so a seed is one history, and a crash is where a pass was left.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use tokio::sync::Notify;

use crate::alert::{Alerts, Deliver, Evaluate};
use crate::app::{App, BuildError};
use crate::driver::{Clock, Pass};
use crate::fleet::observe::Observe;
use crate::readings::collect::Collect;
use crate::reconcile::capacity::{Capacity, Tasks};

/// The time between two steps: the period of the alerts, which look more often than others.
const STEP: TimeDelta = TimeDelta::seconds(1);
/// Steps between two looks at the fleet.
const STEPS_FLEET: u64 = 2;

/// A clock that is moved by hand.
#[derive(Clone, Debug)]
pub struct Hands(Arc<Mutex<DateTime<Utc>>>);

impl Hands {
    /// A clock that stands.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it on.
    pub fn forward(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// As everything else reads it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let hands = self.clone();
        Arc::new(move || hands.now())
    }
}

/// All loops of an app, none of them running.
pub struct Stage {
    hands: Hands,
    steps: u64,
    loops: Vec<Loops>,
    /// Passes that failed, and the newest reason.
    pub failures: u64,
    pub error: Option<String>,
}

/// The loops of one environment.
struct Loops {
    observe: (Observe, Arc<Notify>),
    collect: Collect,
    capacity: (Capacity<Tasks>, Arc<Notify>),
    evaluate: Evaluate,
    deliver: Deliver,
    /// Steps between two decisions.
    steps_capacity: u64,
}

impl Stage {
    /// Rebuilds every loop from the journal, as a start does.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn set(app: &App, hands: Hands) -> Result<Self, BuildError> {
        let mut loops = Vec::new();
        for live in app.environments.values() {
            let wake = || Arc::new(Notify::new());
            let (fleet, size) = (wake(), wake());
            let (cloud, journal) = (&app.cloud, app.journal.clone());
            let alerts = Alerts::recover(Arc::clone(live), journal, Arc::clone(cloud), wake());
            let alerts = Arc::new(alerts.await?);
            let capacity = Capacity::recover(app, Arc::clone(live), Arc::clone(&fleet)).await?;
            let collect = Collect::new(
                Arc::clone(live),
                Arc::clone(cloud),
                Arc::clone(&app.metrics),
                vec![Arc::clone(&size)],
                hands.now(),
            );
            let period = live.wanted().scaling.period.num_milliseconds() / STEP.num_milliseconds();
            loops.push(Loops {
                observe: (Observe::new(Arc::clone(live), Arc::clone(cloud)), fleet),
                collect,
                capacity: (capacity, size),
                evaluate: Evaluate(Arc::clone(&alerts)),
                deliver: Deliver(alerts),
                steps_capacity: period.max(1).unsigned_abs(),
            });
        }
        Ok(Self { hands, steps: 0, loops, failures: 0, error: None })
    }

    /// Moves the clock on and runs every pass that is due or was woken.
    pub async fn step(&mut self) {
        self.hands.forward(STEP);
        self.steps += 1;
        let (now, step) = (self.hands.now(), self.steps);
        let due = |every: u64, wake: &Notify| {
            let woken = wake.notified().now_or_never().is_some();
            woken || step.is_multiple_of(every)
        };
        for one in &mut self.loops {
            let mut failed = Vec::new();
            if due(STEPS_FLEET, &one.observe.1) {
                failed.extend(reason(one.observe.0.pass(now).await));
            }
            failed.extend(reason(one.collect.pass(now).await));
            if due(one.steps_capacity, &one.capacity.1) {
                failed.extend(reason(one.capacity.0.pass(now).await));
            }
            failed.extend(reason(one.evaluate.pass(now).await));
            failed.extend(reason(one.deliver.pass(now).await));
            self.failures += u64::try_from(failed.len()).unwrap_or(u64::MAX);
            self.error = failed.pop().or_else(|| self.error.take());
        }
    }

    /// Steps until the clock shows `until`.
    pub async fn play(&mut self, until: DateTime<Utc>) {
        while self.hands.now() < until {
            self.step().await;
        }
    }
}

fn reason<E: std::error::Error>(result: Result<(), E>) -> Option<String> {
    result.err().map(|error| crate::error::chain(&error))
}
