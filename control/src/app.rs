//! What the parts share: one handle to everything, and one place for each environment's newest.
//!
//! Parts never call each other. Each writes its own `watch` in [`Live`] and reads the others';
//! what must survive a restart is in the journal, and only there.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::control::{
    AlertView, CostView, DecisionView, EnvironmentView, Reading, RunView, TrafficPoint,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::aws::Cloud;
use crate::config::Environment;
use crate::driver::{Clock, Driver};
use crate::fleet::Fleet;
use crate::intent::Intents;
use crate::journal::Journal;
use crate::metrics::Metrics;

/// Every part's handle to the rest. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub clock: Clock,
    pub journal: Journal,
    pub cloud: Arc<dyn Cloud>,
    pub intents: Intents,
    pub driver: Driver,
    pub metrics: Arc<Metrics>,
    /// By name.
    pub environments: BTreeMap<String, Arc<Live>>,
    pub tracker: TaskTracker,
    /// Cancelled when the process shall end.
    pub stop: CancellationToken,
}

/// The newest of everything in one environment. Each field has one writer.
pub struct Live {
    pub wanted: Environment,
    /// Written by the collecting loop.
    pub fleet: watch::Sender<Fleet>,
    /// Written by the collecting loop.
    pub signals: watch::Sender<Signals>,
    /// Written by the capacity loop.
    pub decision: watch::Sender<Option<DecisionView>>,
    /// Written by the alert loop: firing and recently resolved, most severe first.
    pub alerts: watch::Sender<Vec<AlertView>>,
    /// Written by the cost loop.
    pub cost: watch::Sender<CostView>,
    /// Written by the runbook engine: in progress and the last finished, newest first.
    pub runs: watch::Sender<Vec<RunView>>,
    /// Written by the canary: the newest transfer, in milliseconds.
    pub canary: watch::Sender<Reading>,
    /// Written by the view loop from all of the above.
    pub view: watch::Sender<Arc<EnvironmentView>>,
}

/// The newest reading of every signal, and the charts' points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// By the signal's name: those of the environment file and the derived ones (`tps`,
    /// `error_percent`, `requests_per_task`).
    pub readings: BTreeMap<String, Reading>,
    /// The last 15 minutes, oldest first.
    pub history: Vec<TrafficPoint>,
}

impl Signals {
    /// The newest reading of a signal; one that nobody defined is absent.
    #[must_use]
    pub fn reading(&self, name: &str) -> Reading {
        self.readings.get(name).copied().unwrap_or(Reading::Absent)
    }
}
