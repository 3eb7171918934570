//! What the parts share: one handle to everything, and one place for each environment's newest.
//!
//! Parts never call each other. Each writes its own `watch` in [`Live`] and reads the others';
//! what must survive a restart is in the journal, and only there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use protocol::control::{
    AlertView, CostView, DecisionView, EnvironmentView, ForecastView, Mode, Reading, RunView,
    TrafficPoint,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alert::{Alerts, Deliver, Evaluate, Findings, HEARTBEAT_PERIOD, Heartbeat};
use crate::aws::Cloud;
use crate::concern::{Concerns, Report};
use crate::config::Environment;
use crate::cost::{self, pass::Spending};
use crate::current::Current;
use crate::driver::{Clock, Driver, Schedule};
use crate::fence::Fenced;
use crate::fleet::{Fleet, observe::Observe};
use crate::forecast::{Forecast, Learn, Load, learn};
use crate::hold::{Floors, Freezes, Holds};
use crate::intent::Intents;
use crate::journal::{Journal, JournalError};
use crate::metrics::Metrics;
use crate::readings::Window;
use crate::readings::collect::{self, Collect};
use crate::readings::schedule::Asked;
use crate::recent::Recent;
use crate::reconcile::capacity::{Capacity, ScalingMode};
use crate::reconcile::readers;
use crate::slo::{self, History, watch::Watch};
use crate::snapshots::{Recalled, Snapshots};
use crate::sweep::Sweep;
use crate::view::{self, Refresh};

/// Describe calls are free but throttled; two seconds is what a person would want to wait.
const FLEET_PERIOD: Duration = Duration::from_secs(2);
/// How often dashboards are shown something new.
const VIEW_PERIOD: Duration = Duration::from_secs(1);
/// How soon a change of the fleet shows in its cost.
const COST_PERIOD: Duration = Duration::from_secs(5);
/// Loops that keep house: nobody waits for them.
const HOUSE_PERIOD: Duration = Duration::from_secs(10);
/// A pass makes a few calls of at most 10 s each, at the same time or two in a row.
const PASS_MAX: Duration = Duration::from_secs(30);

/// Every part's handle to the rest. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub clock: Clock,
    pub journal: Journal,
    pub cloud: Arc<dyn Cloud>,
    pub intents: Intents,
    pub holds: Holds,
    pub floors: Floors,
    pub freezes: Freezes,
    /// What control has to say against itself.
    pub concerns: Concerns,
    pub driver: Driver,
    pub metrics: Arc<Metrics>,
    /// By name.
    pub environments: BTreeMap<String, Arc<Live>>,
    pub tracker: TaskTracker,
    /// Cancelled when the process shall end.
    pub stop: CancellationToken,
}

/// What kept the parts from being put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "{environment} is in mode `own`, but AWS policy {policies} is active on its service: \
         suspend it, or use mode `floor`"
    )]
    TwoOwners { environment: String, policies: String },
}

impl App {
    /// Puts the parts together. Nothing runs yet, and AWS is not called. Whatever any part ever
    /// changes goes past the journal's lease.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn build(
        clock: Clock,
        journal: Journal,
        cloud: Arc<dyn Cloud>,
        environments: Vec<Environment>,
    ) -> Result<Self, BuildError> {
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let cloud: Arc<dyn Cloud> = Arc::new(Fenced::new(cloud, journal.lease().clone()));
        let now = clock();
        let live = |wanted: Environment| (wanted.name.clone(), Arc::new(Live::new(wanted, now)));
        Ok(Self {
            holds: Holds::recover(journal.clone()).await?,
            floors: Floors::recover(journal.clone()).await?,
            freezes: Freezes::recover(journal.clone()).await?,
            concerns: Concerns::default(),
            intents: Intents::new(journal.clone(), Arc::clone(&cloud)),
            driver: Driver::new(clock.clone(), tracker.clone(), stop.clone()),
            metrics: Arc::new(Metrics::new()),
            environments: environments.into_iter().map(live).collect(),
            clock,
            journal,
            cloud,
            tracker,
            stop,
        })
    }

    /// Two owners of one desired count would fight for ever. When AWS cannot be asked now, the
    /// capacity loop holds until it can.
    ///
    /// # Errors
    ///
    /// When an AWS policy acts on a service that control owns.
    pub async fn refuse_two_owners(&self) -> Result<(), BuildError> {
        for (name, live) in &self.environments {
            let wanted = live.wanted();
            if wanted.scaling.mode != ScalingMode::Own || wanted.mode != Mode::Act {
                continue;
            }
            match self.cloud.scaling(&wanted.service.cluster, &wanted.service.name).await {
                Ok(Some(scaling)) if scaling.acts() => {
                    let policies = scaling.policies.join(", ");
                    return Err(BuildError::TwoOwners { environment: name.clone(), policies });
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "cannot tell yet whether AWS scales {name}"),
            }
        }
        Ok(())
    }

    /// Starts every loop, those of every environment included. Returns the alerts, by environment.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn start_loops(&self) -> Result<BTreeMap<String, Arc<Alerts>>, BuildError> {
        let journal = || self.journal.clone();
        let house = |name: &str| Schedule::every(name, HOUSE_PERIOD, PASS_MAX);
        self.driver.start(house("sweep"), Sweep::recover(journal(), self.concerns.clone()).await?);
        self.driver.start(house("snapshots"), Snapshots::new(journal()));
        let findings = self.environments.values().map(|live| live.findings.clone()).collect();
        self.driver.start(house("concerns"), Report::new(self.concerns.clone(), findings));
        let mut recalled = Recalled::read(&self.journal).await?;
        let mut alerts = BTreeMap::new();
        for (name, live) in &self.environments {
            alerts.insert(name.clone(), self.start_environment(name, live, &mut recalled));
        }
        Ok(alerts)
    }

    fn start_environment(
        &self,
        name: &str,
        live: &Arc<Live>,
        recalled: &mut Recalled,
    ) -> Arc<Alerts> {
        let every = |part: &str, period: Duration| {
            Schedule::every(format!("{name}/{part}"), period, PASS_MAX)
        };
        let fleet = every("fleet", FLEET_PERIOD);
        let deliver = every("deliver", Duration::from_secs(1));
        let evaluate = every("alerts", Duration::from_secs(1));
        let period = live.wanted().scaling.period.to_std().unwrap_or(PASS_MAX);
        let capacity = every("capacity", period);
        let (journal, cloud) = (self.journal.clone(), Arc::clone(&self.cloud));
        let parts = (Arc::clone(live), journal, cloud, Arc::clone(&deliver.wake));
        let alerts = Arc::new(Alerts::with(&mut recalled.books, parts));
        let told = (&recalled.sizes, recalled.open.as_slice());
        let size = Capacity::of_tasks(told, self, Arc::clone(live), Arc::clone(&fleet.wake));
        let (period, readers) = readers::with(told, self, live, Arc::clone(&fleet.wake));
        let collect = Collect::new(
            Arc::clone(live),
            Arc::clone(&self.cloud),
            Arc::clone(&self.metrics),
            vec![Arc::clone(&capacity.wake), Arc::clone(&evaluate.wake)],
            (self.clock)(),
        );
        let driver = &self.driver;
        driver.start(fleet, Observe::new(Arc::clone(live), Arc::clone(&self.cloud)));
        driver.start(every("readings", collect::TICK), collect);
        driver.start(capacity, size);
        driver.start(every("readers", period), readers);
        driver.start(every("forecast", learn::TICK), Learn::new(self, live));
        driver.start(evaluate, Evaluate(Arc::clone(&alerts)));
        driver.start(deliver, Deliver(Arc::clone(&alerts)));
        let (journal, cloud) = (self.journal.clone(), Arc::clone(&self.cloud));
        let spending = Spending::with(&mut recalled.spendings, Arc::clone(live), cloud, journal);
        driver.start(every("cost", COST_PERIOD), spending);
        let metrics = Arc::clone(&self.metrics);
        let watch = Watch::new(Arc::clone(live), Arc::clone(&self.cloud), metrics);
        driver.start(every("slo", slo::watch::PERIOD), watch);
        let heart = Heartbeat::new(name, Arc::clone(&self.cloud), driver.status());
        driver.start(every("heartbeat", HEARTBEAT_PERIOD), heart);
        driver.start(every("view", VIEW_PERIOD), Refresh(Arc::clone(live)));
        alerts
    }
}

/// The newest of everything in one environment. Each field has one writer.
pub struct Live {
    wanted: Current<Environment>,
    /// Written by the collecting loop.
    pub fleet: watch::Sender<Fleet>,
    /// Written by the collecting loop.
    pub signals: watch::Sender<Signals>,
    /// Written by the view loop: what the readings were in the last minutes.
    pub recent: watch::Sender<Recent>,
    /// Written by the capacity loop.
    pub decision: watch::Sender<Option<DecisionView>>,
    /// Written by the loop that sizes the database's readers.
    pub readers: watch::Sender<Option<DecisionView>>,
    /// Written by the forecasting loop: the plan, and its report card.
    pub plan: watch::Sender<Option<Forecast>>,
    pub forecast: watch::Sender<Option<ForecastView>>,
    /// Written by the forecasting loop: four weeks of load.
    pub load: watch::Sender<Arc<Load>>,
    /// Written by the loop over long series, for objectives and anomalies.
    pub history: watch::Sender<History>,
    /// What the parts find wrong, for the alert loop.
    pub findings: Findings,
    /// Written by the alert loop: firing and recently resolved, most severe first.
    pub alerts: watch::Sender<Vec<AlertView>>,
    /// Written by the cost loop.
    pub cost: watch::Sender<CostView>,
    /// Written by the runbook engine: in progress and the last finished, newest first.
    pub runs: watch::Sender<Vec<RunView>>,
    /// Written by the canary: the newest transfer, in milliseconds.
    pub canary: watch::Sender<Reading>,
    /// Written by the canary: the wallets that it moves its cent between.
    pub canary_wallets: watch::Sender<Vec<String>>,
    /// Written by the view loop from all of the above.
    pub view: watch::Sender<Arc<EnvironmentView>>,
}

impl Live {
    /// An environment of which nothing is known yet.
    #[must_use]
    pub fn new(wanted: Environment, now: DateTime<Utc>) -> Self {
        let (fleet, signals) = (Fleet::default(), Signals::default());
        let rate = cost::rate(&cost::page::sight(&fleet, &signals, &wanted, now));
        let cost = cost::view(&rate, &wanted.prices);
        let parts = view::Parts {
            wanted: &wanted,
            fleet: &fleet,
            signals: &signals,
            canary: Reading::Absent,
            canary_wallets: vec![],
            decision: None,
            readers: None,
            forecast: None,
            alerts: vec![],
            history: &History::default(),
            runs: vec![],
            cost: cost.clone(),
        };
        let page = Arc::new(view::build(parts, now));
        Self {
            wanted: Current::new(wanted),
            fleet: watch::Sender::new(fleet),
            signals: watch::Sender::new(signals),
            recent: watch::Sender::default(),
            decision: watch::Sender::new(None),
            readers: watch::Sender::new(None),
            plan: watch::Sender::new(None),
            forecast: watch::Sender::new(None),
            load: watch::Sender::default(),
            history: watch::Sender::default(),
            findings: Findings::default(),
            alerts: watch::Sender::new(vec![]),
            cost: watch::Sender::new(cost),
            runs: watch::Sender::new(vec![]),
            canary: watch::Sender::new(Reading::Absent),
            canary_wallets: watch::Sender::new(vec![]),
            view: watch::Sender::new(page),
        }
    }

    /// What people want of the environment. Whoever needs several fields of it asks once, because
    /// a reload replaces it whole.
    #[must_use]
    pub fn wanted(&self) -> Arc<Environment> {
        self.wanted.get()
    }

    /// Replaces what people want.
    pub fn want(&self, wanted: Environment) {
        self.wanted.replace(wanted);
    }
}

/// The newest reading of every signal, and the charts' points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// By the signal's name: those of the environment file and the derived ones (`tps`,
    /// `error_percent`, `requests_per_task`).
    pub readings: BTreeMap<String, Reading>,
    /// The last 15 minutes, oldest first.
    pub history: Vec<TrafficPoint>,
    /// How many metrics were asked for; AWS bills each.
    pub asked: Option<Asked>,
    /// What capacity is decided by: `cpu_percent` and `requests_per_task`.
    pub windows: BTreeMap<String, Window>,
}

impl Signals {
    /// The newest reading of a signal; one that nobody defined is absent.
    #[must_use]
    pub fn reading(&self, name: &str) -> Reading {
        self.readings.get(name).copied().unwrap_or(Reading::Absent)
    }
}
