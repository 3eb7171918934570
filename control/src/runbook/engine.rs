//! All runs: plans them, starts them, recovers them, and passes on what people want of them.
//!
//! A resource is owned by at most one run. The lock is no table of its own: it is held by every
//! run that has not ended, which the journal tells.

use super::{
    drive::{Driver, Order as Wanted, Record, Request},
    event::{Event, Stamped},
    frozen::Runs,
    ledger::Ledger,
    library::Library,
    machine::next,
    plan::{Plan, Wish, plan},
    refusal::Refusal,
    replay,
    site::Site,
    state::Run,
    view::view,
};
use crate::{
    app::Live,
    current::Current,
    driver::Clock,
    journal::{Journal, JournalError},
};
use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{PlanRequest, PlanView, RunView, StartRequest};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Plans remembered until somebody starts them.
const PLANS_MAX: usize = 64;
/// A plan that is older was made for another hour.
const PLAN_AGE_MAX: TimeDelta = TimeDelta::minutes(10);
/// Runs kept in memory; the journal keeps all.
pub(super) const RUNS_MAX: usize = 200;
/// Runs shown with an environment.
const SHOWN_MAX: usize = 10;
/// Orders waiting for one run. People give them one at a time.
const REQUESTS_MAX: usize = 8;

/// What the engine needs of the rest.
pub struct Parts {
    pub clock: Clock,
    pub journal: Journal,
    pub library: Current<Library>,
    /// By environment.
    pub sites: BTreeMap<String, (Arc<Live>, Arc<dyn Site>)>,
    pub tracker: TaskTracker,
    /// Cancelled when the process shall end; the engine cancels it when it can no longer record.
    pub stop: CancellationToken,
}

/// The engine. A clone is another handle on the same one.
#[derive(Clone)]
pub struct Engine {
    parts: Arc<Parts>,
    /// Held over "is it free, then take it", so that two starts cannot both find a lock free.
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    plans: BTreeMap<String, (DateTime<Utc>, Plan)>,
    /// By id; ids begin with the time, so the oldest comes first.
    runs: BTreeMap<String, Handle>,
}

#[derive(Clone)]
struct Handle {
    run: watch::Receiver<Run>,
    requests: mpsc::Sender<Request>,
}

impl Known {
    fn runs(&self) -> impl DoubleEndedIterator<Item = Run> {
        self.runs.values().map(|handle| handle.run.borrow().clone())
    }
}

impl Engine {
    /// The engine with every run that the journal tells of; those that had not ended go on.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read or written.
    pub async fn recover(parts: Parts) -> Result<Self, JournalError> {
        let Runs(runs) = parts.journal.recall().await?;
        let engine = Self { parts: Arc::new(parts), known: Arc::default() };
        let mut known = engine.known.lock().await;
        for run in runs.into_values() {
            let run = if run.active() { engine.take_over(run).await? } else { run };
            engine.adopt(&mut known, run);
        }
        drop(known);
        engine.publish().await;
        Ok(engine)
    }

    /// Notes that another process drove the run before: what was in flight is in doubt.
    async fn take_over(&self, run: Run) -> Result<Run, JournalError> {
        let event = Event::Recovered { epoch: self.parts.journal.epoch() };
        let stamped = self.stamp(&run.id, "control", event);
        self.ledger(&run.order.environment).append(&stamped).await?;
        let (run, _) = next(run, &stamped).expect("an active run can always be recovered");
        Ok(run)
    }

    fn stamp(&self, run: &str, by: &str, event: Event) -> Stamped {
        Stamped { run: run.to_owned(), at: (self.parts.clock)(), by: by.to_owned(), event }
    }

    fn ledger(&self, environment: &str) -> Ledger {
        Ledger { journal: self.parts.journal.clone(), environment: environment.to_owned() }
    }

    /// Keeps a run, and drives it if it has not ended.
    fn adopt(&self, known: &mut Known, run: Run) {
        let id = run.id.clone();
        let environment = run.order.environment.clone();
        let active = run.active();
        let (sender, receiver) = watch::channel(run);
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        known.runs.insert(id, Handle { run: receiver, requests });
        while known.runs.len() > RUNS_MAX {
            let ended = known.runs.iter().find(|(_, handle)| !handle.run.borrow().active());
            let Some(oldest) = ended.map(|(id, _)| id.clone()) else { break };
            known.runs.remove(&oldest);
        }
        if !active {
            return;
        }
        let Some((_, site)) = self.parts.sites.get(&environment) else {
            tracing::error!(environment, "a run of {environment}, which is not configured, stands");
            return;
        };
        let driver = Driver {
            clock: self.parts.clock.clone(),
            record: Arc::new(self.ledger(&environment)),
            site: site.clone(),
            run: sender.clone(),
            requests: inbox,
            stop: self.parts.stop.clone(),
        };
        let stop = self.parts.stop.clone();
        self.parts.tracker.spawn(async move {
            if let Err(error) = driver.drive().await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a run cannot be recorded; control stops");
                // Who cannot write must not act, and half a control plane is worse than none.
                stop.cancel();
            }
        });
        let engine = self.clone();
        let mut changes = sender.subscribe();
        self.parts.tracker.spawn(async move {
            loop {
                engine.publish().await;
                let over = !changes.borrow_and_update().active();
                let stopped = engine.parts.stop.cancelled();
                tokio::select! {
                    changed = changes.changed(), if !over => if changed.is_err() { return },
                    () = stopped => return,
                    () = std::future::ready(()), if over => return,
                }
            }
        });
    }

    /// Shows each environment its newest runs.
    async fn publish(&self) {
        let known = self.known.lock().await;
        for (name, (live, _)) in &self.parts.sites {
            let own = known.runs().rev().filter(|run| run.order.environment == *name);
            let (active, ended): (Vec<Run>, Vec<Run>) = own.partition(Run::active);
            let newest: Vec<RunView> =
                active.iter().chain(&ended).take(SHOWN_MAX).map(view).collect();
            live.runs.send_if_modified(|shown| std::mem::replace(shown, newest.clone()) != newest);
        }
    }

    /// The runbooks and drills that were loaded.
    #[must_use]
    pub fn library(&self) -> Arc<Library> {
        self.parts.library.get()
    }

    /// The handle by which a reload replaces them.
    #[must_use]
    pub fn current_library(&self) -> &Current<Library> {
        &self.parts.library
    }

    /// Plans a run. Nothing happens. With `drill`, the name of a runbook plans the first drill
    /// that rehearses it.
    ///
    /// # Errors
    ///
    /// When the environment, the runbook or the drill is unknown.
    pub async fn plan(&self, request: &PlanRequest) -> Result<PlanView, Refusal> {
        let library = self.library();
        let unknown = |what, name: &str| Refusal::Unknown { what, name: name.to_owned() };
        let (live, site) = self
            .parts
            .sites
            .get(&request.environment)
            .ok_or_else(|| unknown("environment", &request.environment))?;
        let drill = if request.drill {
            let named = library.drills.get(&request.runbook);
            let of = || library.drills.values().find(|drill| drill.runbook == request.runbook);
            Some(named.or_else(of).ok_or_else(|| unknown("drill", &request.runbook))?)
        } else {
            None
        };
        let name = drill.map_or(&request.runbook, |drill| &drill.runbook);
        let book = library.runbooks.get(name).ok_or_else(|| unknown("runbook", name))?;
        let asked_at = (self.parts.clock)();
        let world = site.look(asked_at).await;
        let wanted = live.wanted();
        let wish = Wish { book, drill, environment: &wanted, params: &request.params };
        let mut plan = plan(&wish, &world, asked_at);
        let mut known = self.known.lock().await;
        if let Some(owner) = owner(&known, &plan) {
            plan.blockers.push(format!("run {owner} owns {}", plan.lock));
        }
        if let Some(words) = too_soon(&known, &plan, asked_at) {
            plan.blockers.push(words);
        }
        let view = plan.view();
        known.plans.retain(|_, (made_at, _)| asked_at - *made_at < PLAN_AGE_MAX);
        while known.plans.len() >= PLANS_MAX {
            let oldest = known.plans.iter().min_by_key(|(_, (made_at, _))| *made_at);
            let Some(oldest) = oldest.map(|(hash, _)| hash.clone()) else { break };
            known.plans.remove(&oldest);
        }
        known.plans.insert(plan.hash.clone(), (asked_at, plan));
        Ok(view)
    }

    /// The environment that a remembered plan is for.
    pub async fn planned_for(&self, plan_hash: &str) -> Option<String> {
        let known = self.known.lock().await;
        known.plans.get(plan_hash).map(|(_, plan)| plan.environment.clone())
    }

    /// Starts the planned run, if the world is still as planned. The same key gets the same run.
    ///
    /// # Errors
    ///
    /// When the plan is unknown, stale or blocked, the resource is owned, or the journal is
    /// unavailable.
    pub async fn start(
        &self,
        request: &StartRequest,
        by: &str,
        key: &str,
    ) -> Result<RunView, Refusal> {
        if let Some(answer) = self.started(request, by, key).await {
            return answer;
        }
        let planned = self.known.lock().await.plans.get(&request.plan_hash).cloned();
        let (_, planned) = planned
            .filter(|(made_at, _)| (self.parts.clock)() - *made_at < PLAN_AGE_MAX)
            .ok_or(Refusal::PlanUnknown)?;
        // The guards run again: a plan is a picture of the world, and the world may have moved.
        let again = PlanRequest {
            environment: planned.environment.clone(),
            runbook: planned
                .drill
                .as_ref()
                .map_or_else(|| planned.book.name.clone(), |drill| drill.name.clone()),
            drill: planned.drill.is_some(),
            params: planned.params.clone(),
        };
        let fresh = self.plan(&again).await?;
        if !fresh.blockers.is_empty() {
            return Err(Refusal::Blocked { blockers: fresh.blockers });
        }
        if fresh.hash != request.plan_hash {
            return Err(Refusal::PlanStale);
        }
        let mut known = self.known.lock().await;
        if let Some(run) = owner(&known, &planned) {
            return Err(Refusal::Locked { run, resource: planned.lock });
        }
        let order = planned.order(request, by, key);
        let id = uuid::Uuid::now_v7().simple().to_string();
        let stamped = self.stamp(&id, by, Event::Ordered { order: Box::new(order.clone()) });
        let run = replay::ordered(&id, &order, &stamped).map_err(|_| Refusal::PlanUnknown)?;
        if let Err(error) = self.ledger(&planned.environment).append(&stamped).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "run of {} cannot be recorded", planned.book.name);
            return Err(Refusal::Journal);
        }
        let shown = view(&run);
        known.plans.remove(&request.plan_hash);
        self.adopt(&mut known, run);
        Ok(shown)
    }

    /// What the same key started before, if it did.
    async fn started(
        &self,
        request: &StartRequest,
        by: &str,
        key: &str,
    ) -> Option<Result<RunView, Refusal>> {
        let known = self.known.lock().await;
        let same = |run: &Run| {
            run.order.requested_by == by && run.order.idempotency_key.as_deref() == Some(key)
        };
        let run = known.runs().find(same)?;
        if run.order.plan_hash == request.plan_hash {
            return Some(Ok(view(&run)));
        }
        Some(Err(Refusal::KeyReused { run: run.id }))
    }

    /// Passes on what a person wants of a run.
    ///
    /// # Errors
    ///
    /// When the run is unknown or over, or this cannot follow now.
    pub async fn order(
        &self,
        id: &str,
        wanted: Wanted,
        by: &str,
        expected: Option<String>,
    ) -> Result<RunView, Refusal> {
        let handle = self.known.lock().await.runs.get(id).cloned();
        let handle = handle.ok_or_else(|| Refusal::Unknown { what: "run", name: id.to_owned() })?;
        let (answer, answered) = oneshot::channel();
        let request = Request { order: wanted, by: by.to_owned(), expected, answer };
        let run = handle.run.clone();
        let ended = || Refusal::Ended { run: id.to_owned(), state: run.borrow().state };
        handle.requests.send(request).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())??;
        let shown = view(&handle.run.borrow());
        Ok(shown)
    }

    /// A run as it stands.
    pub async fn run(&self, id: &str) -> Option<RunView> {
        let known = self.known.lock().await;
        known.runs.get(id).map(|handle| view(&handle.run.borrow()))
    }

    /// Every run that is remembered, newest first.
    pub async fn runs(&self) -> Vec<RunView> {
        let known = self.known.lock().await;
        known.runs.values().rev().map(|handle| view(&handle.run.borrow())).collect()
    }

    /// The rehearsals of a drill that are remembered, newest first.
    pub async fn rehearsals(&self, drill: &str) -> Vec<RunView> {
        let known = self.known.lock().await;
        let same = |run: &Run| run.order.drill.as_ref().is_some_and(|one| one.name == drill);
        known.runs().rev().filter(same).map(|run| view(&run)).collect()
    }
}

/// The run that owns what the plan wants to own.
fn owner(known: &Known, plan: &Plan) -> Option<String> {
    let owns = |run: &Run| {
        run.active() && run.order.environment == plan.environment && run.order.lock == plan.lock
    };
    known.runs().find(owns).map(|run| run.id)
}

/// Why a drill may not begin again yet.
fn too_soon(known: &Known, plan: &Plan, now: DateTime<Utc>) -> Option<String> {
    let drill = plan.drill.as_ref()?;
    let same = |run: &Run| {
        run.order.environment == plan.environment
            && run.order.drill.as_ref().is_some_and(|other| other.name == drill.name)
    };
    let ended_at = known.runs().filter(same).filter_map(|run| run.ended_at).max()?;
    let cooldown = TimeDelta::from_std(drill.cooldown).unwrap_or(TimeDelta::MAX);
    let left = cooldown - (now - ended_at);
    (left > TimeDelta::zero())
        .then(|| format!("drill {} ended just now; {}s to wait", drill.name, left.num_seconds()))
}
