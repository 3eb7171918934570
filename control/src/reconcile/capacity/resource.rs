//! What differs between the things that are sized, and what is the same for all of them.
//!
//! The service's tasks and the database's readers are sized by one loop and one `decide`. A
//! resource says what was seen of it, which change moves it and what one more costs.

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use protocol::control::{DecisionView, Reading, RunView};

use super::decide::{Block, Decision, Observed};
use super::policy::Policy;
use crate::app::{App, Live};
use crate::aws::{CallError, Change, Cloud};
use crate::hold::{Direction, Floors, Freezes, Holds, Stands};

/// Something whose size control moves.
pub trait Resource: Send + Sync {
    /// What is wanted of it now; `None`: nothing, it is not sized.
    fn policy(&self) -> Option<Policy>;
    /// As the journal names it: `local/service/wallet-svc`.
    fn subject(&self) -> String;
    /// Everything that a decision depends on, apart from its past.
    fn observe(&self, policy: &Policy, now: DateTime<Utc>) -> Observed;
    /// The change that a decision asks for.
    fn change(&self, policy: &Policy, decision: &Decision) -> Change;
    /// The number as it is at this very moment; `None` when there is nothing to move.
    fn look<'a>(
        &'a self,
        policy: &'a Policy,
        cloud: &'a dyn Cloud,
    ) -> BoxFuture<'a, Result<Option<u32>, CallError>>;
    /// What one more costs, in millionths of a dollar an hour.
    fn price(&self) -> Option<u64>;
    /// Shows the newest decision to dashboards.
    fn show(&self, view: DecisionView);
    /// Why control only says what it would do, whatever the environment's mode.
    fn only_advises(&self) -> bool {
        false
    }
}

/// What people and runs put in the way.
#[derive(Clone)]
pub struct Stops {
    pub holds: Holds,
    pub floors: Floors,
    pub freezes: Freezes,
}

impl Stops {
    pub(crate) fn of(app: &App) -> Self {
        Self { holds: app.holds.clone(), floors: app.floors.clone(), freezes: app.freezes.clone() }
    }

    /// What every resource of an environment has in common. `resource` is its name, by which a
    /// run locks it.
    pub(crate) fn observe(&self, live: &Live, resource: &str, now: DateTime<Utc>) -> Observed {
        let wanted = live.wanted();
        let environment = &wanted.name;
        let held = |way| self.holds.held(environment, way, now).map(|hold| stands(&hold));
        let frozen = self.freezes.of(environment, now).into_iter().max_by_key(|one| one.expires_at);
        let signals = live.signals.borrow();
        let reading = |name: &str| signals.readings.get(name).copied().unwrap_or(Reading::Absent);
        let runs = live.runs.borrow();
        let active = || runs.iter().filter(|run| moves(run));
        Observed {
            windows: signals.windows.clone(),
            error_percent: reading("error_percent"),
            p95_ms: reading("p95_ms"),
            held_in: held(Direction::In),
            held_out: held(Direction::Out),
            frozen: frozen.map(|freeze| stands(&freeze)),
            locked: active().find(|run| run.lock == resource).map(|run| on(run, "owns it")),
            run: active().next().map(|run| on(run, "is on, and what is measured says little")),
            ..Observed::default()
        }
    }
}

fn stands(one: &impl Stands) -> Block {
    let until = one.expires_at();
    let why = format!("{} until {}", one.say(), until.format("%H:%M:%S"));
    Block { why, until: Some(until) }
}

/// A run that may change something, or has and is not done.
fn moves(run: &RunView) -> bool {
    ["running", "paused", "compensating"].contains(&run.state.as_str())
}

fn on(run: &RunView, what: &str) -> Block {
    let kind = if run.drill { "drill" } else { "runbook" };
    Block { why: format!("{kind} {} {what}", run.runbook), until: None }
}
