//! The life of one task, from PROVISIONING to STOPPED. Pure: what is seen in, one step out.
//!
//! A task that serves is taken out of the load balancer and drained before its process hears
//! SIGTERM, so a scale-in loses no request.

use super::state::{Phase, Stop, Task};
use crate::aws::machines::{TargetState, TaskProcess};
use chrono::{DateTime, TimeDelta, Utc};

/// How long the parts of a start and an end take beyond what the process itself needs.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Attaching the network interface.
    pub provisioning: TimeDelta,
    /// Pulling the image.
    pub pending: TimeDelta,
    /// Registering at the load balancer.
    pub activating: TimeDelta,
    /// Removing the network interface.
    pub deprovisioning: TimeDelta,
    /// A process that has no port after this did not start.
    pub start_limit: TimeDelta,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            provisioning: TimeDelta::milliseconds(1_000),
            pending: TimeDelta::milliseconds(1_500),
            activating: TimeDelta::milliseconds(500),
            deprovisioning: TimeDelta::milliseconds(500),
            start_limit: TimeDelta::seconds(60),
        }
    }
}

/// What can be seen of a task from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub process: Option<TaskProcess>,
    pub target: Option<TargetState>,
}

/// What is to be done beside entering the next phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Start,
    Register(u16),
    Deregister(u16),
    Terminate,
    Forget,
}

/// The phase after this pass and what to do now; none when nothing changes.
pub(super) fn next(
    task: &Task,
    seen: &Seen,
    timing: &Timing,
    now: DateTime<Utc>,
) -> Option<(Phase, Vec<Effect>)> {
    let over = |limit: TimeDelta| now - task.since >= limit;
    let exited = matches!(seen.process, Some(TaskProcess::Exited(_)));
    let stopping = task.stop.is_some();
    match task.phase {
        Phase::Provisioning | Phase::Pending if stopping => Some((Phase::Deprovisioning, vec![])),
        Phase::Provisioning => over(timing.provisioning).then(|| (Phase::Pending, vec![])),
        Phase::Pending => over(timing.pending).then(|| (Phase::Activating, vec![Effect::Start])),
        Phase::Activating | Phase::Running if exited => {
            let effects = port(seen, task).map(Effect::Deregister);
            Some((Phase::Deprovisioning, effects.filter(|_| task.balanced).into_iter().collect()))
        }
        Phase::Activating | Phase::Running if stopping => Some(leave(task, seen)),
        Phase::Activating => {
            let port = port(seen, task);
            let serves = port.is_some() || (seen.process.is_some() && !task.balanced);
            let effects = port.map(Effect::Register).filter(|_| task.balanced);
            (serves && over(timing.activating))
                .then(|| (Phase::Running, effects.into_iter().collect()))
        }
        Phase::Running => None,
        // Draining is over when the balancer no longer knows the target.
        Phase::Deactivating if exited => Some((Phase::Deprovisioning, vec![])),
        Phase::Deactivating => {
            seen.target.is_none().then(|| (Phase::Stopping, vec![Effect::Terminate]))
        }
        Phase::Stopping => {
            (exited || seen.process.is_none()).then(|| (Phase::Deprovisioning, vec![]))
        }
        Phase::Deprovisioning => {
            over(timing.deprovisioning).then(|| (Phase::Stopped, vec![Effect::Forget]))
        }
        Phase::Stopped => None,
    }
}

/// Why the task has to end although nobody asked for it; none when it is well or ends already.
pub(super) fn failure(
    task: &Task,
    seen: &Seen,
    timing: &Timing,
    now: DateTime<Utc>,
) -> Option<Stop> {
    let alive = matches!(task.phase, Phase::Activating | Phase::Running);
    if task.stop.is_some() || !alive {
        return None;
    }
    if matches!(seen.process, Some(TaskProcess::Exited(_))) {
        let reason = String::from("Essential container in task exited");
        return Some(Stop { code: "EssentialContainerExited", reason });
    }
    if let Some(reason) = task.start_error.clone() {
        return Some(Stop { code: "TaskFailedToStart", reason });
    }
    if task.phase == Phase::Activating && now - task.since >= timing.start_limit {
        let reason = String::from("Task failed to start");
        return Some(Stop { code: "TaskFailedToStart", reason });
    }
    None
}

/// A living task begins to end.
fn leave(task: &Task, seen: &Seen) -> (Phase, Vec<Effect>) {
    match (port(seen, task), seen.target.is_some()) {
        (Some(port), true) => (Phase::Deactivating, vec![Effect::Deregister(port)]),
        _ => (Phase::Stopping, vec![Effect::Terminate]),
    }
}

fn port(seen: &Seen, task: &Task) -> Option<u16> {
    match seen.process {
        Some(TaskProcess::Running { port, .. }) => port,
        Some(TaskProcess::Exited(_)) | None => task.port,
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
