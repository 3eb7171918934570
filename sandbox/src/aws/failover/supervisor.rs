//! Watches one group of servers and does what [`pass`](super::pass) says.
//!
//! Looks at the whole group several times a second; moving the role is awaited, because nothing
//! else may be decided meanwhile; starting a dead member is not, because a second failure must be
//! noticed while a large database recovers.

use super::{Act, Happening, Refusal, State, Timing, pass, request, writer};
use crate::aws::Clock;
use crate::aws::machines::{Group, Member};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Happenings kept for the services' events, newest last.
pub const HISTORY_MAX: usize = 100;

/// Between two passes: a tenth of the default detection time would be noise on two cores.
const PERIOD: Duration = Duration::from_millis(250);

/// A group under supervision.
pub struct Supervisor {
    group: Arc<dyn Group>,
    timing: Timing,
    clock: Clock,
    tasks: TaskTracker,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    state: State,
    seen: Vec<Member>,
    history: VecDeque<(DateTime<Utc>, Happening)>,
}

/// What the last pass saw.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub state: State,
    pub members: Vec<Member>,
}

impl View {
    /// The member that holds the role.
    #[must_use]
    pub fn writer(&self) -> Option<&Member> {
        writer(&self.members)
    }

    /// The member of that name, whatever the case of its letters.
    #[must_use]
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id.eq_ignore_ascii_case(id))
    }
}

impl Supervisor {
    /// Supervises `group` as soon as [`Supervisor::run`] or [`Supervisor::pass`] is called.
    #[must_use]
    pub fn new(group: Arc<dyn Group>, timing: Timing, clock: Clock) -> Supervisor {
        let (tasks, watched) = (TaskTracker::new(), Mutex::default());
        Supervisor { group, timing, clock, tasks, watched }
    }

    /// The servers.
    #[must_use]
    pub fn group(&self) -> &dyn Group {
        self.group.as_ref()
    }

    /// What the last pass saw.
    #[must_use]
    pub fn view(&self) -> View {
        let watched = self.watched();
        View { state: watched.state.clone(), members: watched.seen.clone() }
    }

    /// What happened since `since`, oldest first.
    #[must_use]
    pub fn history(&self, since: DateTime<Utc>) -> Vec<(DateTime<Utc>, Happening)> {
        self.watched().history.iter().filter(|(at, _)| *at >= since).cloned().collect()
    }

    /// Accepts a request to move the role; returns before it moves.
    ///
    /// # Errors
    ///
    /// As [`request`].
    pub fn request_failover(&self, target: Option<&str>) -> Result<View, Refusal> {
        let now = (self.clock)();
        let mut watched = self.watched();
        let state = request(&watched.state, &watched.seen, target, &self.timing, now)?;
        if let super::Phase::Requested { target, .. } = &state.phase {
            let target = target.clone();
            watched.remember(now, Happening::Requested { target });
        }
        watched.state = state;
        Ok(View { state: watched.state.clone(), members: watched.seen.clone() })
    }

    /// Restarts a member; returns before it is down.
    ///
    /// # Errors
    ///
    /// An unknown member, or one that is down or restarting already.
    pub fn reboot(self: &Arc<Self>, id: &str) -> Result<View, Refusal> {
        let now = (self.clock)();
        let mut watched = self.watched();
        let member = watched.seen.iter().find(|member| member.id == id);
        let member = member.ok_or_else(|| Refusal::UnknownMember(id.to_owned()))?;
        if !member.up || watched.state.repairing.contains(id) {
            return Err(Refusal::NotAvailable(id.to_owned()));
        }
        watched.state.repairing.insert(id.to_owned());
        watched.remember(now, Happening::Restarting { id: id.to_owned() });
        let view = View { state: watched.state.clone(), members: watched.seen.clone() };
        drop(watched);
        self.restart(id.to_owned());
        Ok(view)
    }

    /// Passes until `stop`, then waits for restarts under way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let passes = async {
            loop {
                ticks.tick().await;
                self.pass().await;
            }
        };
        stop.run_until_cancelled(passes).await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// One look at the group, and what follows from it.
    pub async fn pass(self: &Arc<Self>) {
        let seen = self.group.members().await;
        let now = (self.clock)();
        let acts = {
            let mut watched = self.watched();
            let step = pass(&watched.state, &seen, &self.timing, now);
            for happening in step.happenings {
                watched.remember(now, happening);
            }
            watched.state = step.state;
            watched.seen = seen;
            step.acts
        };
        for act in acts {
            match act {
                Act::SwitchOver(target) => report(&target, self.group.switch_over(&target).await),
                Act::Promote(target) => report(&target, self.group.promote(&target).await),
                Act::Restart(id) => self.restart(id),
            }
        }
    }

    fn restart(self: &Arc<Self>, id: String) {
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            let outcome = this.group.restart(&id).await;
            let now = (this.clock)();
            let mut watched = this.watched();
            watched.state.repairing.remove(&id);
            if outcome.is_ok() {
                watched.remember(now, Happening::Restarted { id: id.clone() });
            }
            drop(watched);
            report(&id, outcome);
        });
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn remember(&mut self, now: DateTime<Utc>, happening: Happening) {
        tracing::info!(?happening, "the group changes: {happening:?}");
        while self.history.len() >= HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back((now, happening));
    }
}

/// The next pass is the retry.
fn report(id: &str, outcome: anyhow::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(member.id = id, "acting on {id}: {error:#}");
    }
}
