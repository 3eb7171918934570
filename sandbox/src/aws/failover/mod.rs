//! When the role of writer moves between the members of a group, and to whom. Pure.
//!
//! Aurora and ElastiCache share it: a request moves the role after a delay during which the status
//! still says `available`, as the real services do; a dead writer is replaced by the member that
//! applied most; dead members are started again. The thin part that acts is [`Supervisor`].
//! Not here: how AWS words it (each service has its own), and how a server is promoted.

mod supervisor;

use super::machines::{Member, Role};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

pub use supervisor::{HISTORY_MAX, Supervisor, View};

/// How long each stage takes.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From an accepted request to the status `failing-over`.
    pub request_delay: TimeDelta,
    /// A member is dead when it did not answer for so long.
    pub detection: TimeDelta,
    /// From the moved role to the status `available`.
    pub settling: TimeDelta,
    /// A requested failover that did not move the role in this time is given up.
    pub switch_limit: TimeDelta,
    /// A dead member is started again after this.
    pub repair_delay: TimeDelta,
    /// A writer that was told to restart is not replaced before this.
    pub reboot_limit: TimeDelta,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            request_delay: TimeDelta::seconds(2),
            detection: TimeDelta::milliseconds(1_000),
            settling: TimeDelta::seconds(1),
            switch_limit: TimeDelta::seconds(30),
            repair_delay: TimeDelta::seconds(3),
            reboot_limit: TimeDelta::seconds(20),
        }
    }
}

/// Where a failover stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Available,
    /// Accepted; the status does not show it yet.
    Requested { target: String, begins: DateTime<Utc> },
    /// The role is being moved.
    FailingOver { target: String, planned: bool, since: DateTime<Utc> },
    /// The role has moved; the status does not show it yet.
    Settling { until: DateTime<Utc> },
}

/// What is remembered between passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub phase: Phase,
    /// Members that do not answer, and since when. At most one entry per member.
    pub down_since: BTreeMap<String, DateTime<Utc>>,
    /// Members that are being started. The actor removes them when that ended.
    pub repairing: BTreeSet<String>,
}

impl State {
    /// Whether the group's status is `failing-over`.
    #[must_use]
    pub fn failing_over(&self) -> bool {
        matches!(self.phase, Phase::FailingOver { .. } | Phase::Settling { .. })
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    SwitchOver(String),
    Promote(String),
    Restart(String),
}

/// One thing worth an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Requested { target: String },
    Began { from: Option<String>, target: String, planned: bool },
    Completed { target: String },
    GivenUp { target: String },
    Died { id: String },
    Restarting { id: String },
    Restarted { id: String },
}

/// What a pass wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    pub state: State,
    pub acts: Vec<Act>,
    pub happenings: Vec<Happening>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a failover is under way")]
    FailingOver,
    #[error("there is no reader that can be promoted")]
    NoReader,
    #[error("{0} is not a member")]
    UnknownMember(String),
    #[error("{0} is already the writer")]
    AlreadyWriter(String),
    #[error("{0} is not available")]
    NotAvailable(String),
}

/// Accepts a request to move the role to `target`, or to the most recent reader.
///
/// # Errors
///
/// The first of: a failover is under way, an unknown target, a target that is the writer or does
/// not answer, no reader at all.
pub fn request(
    state: &State,
    seen: &[Member],
    target: Option<&str>,
    timing: &Timing,
    now: DateTime<Utc>,
) -> Result<State, Refusal> {
    if state.phase != Phase::Available {
        return Err(Refusal::FailingOver);
    }
    let target = match target {
        None => successor(seen, state).ok_or(Refusal::NoReader)?,
        Some(id) => {
            let member = seen.iter().find(|member| member.id == id);
            let member = member.ok_or_else(|| Refusal::UnknownMember(id.to_owned()))?;
            if writer(seen).is_some_and(|writer| writer.id == id) {
                return Err(Refusal::AlreadyWriter(id.to_owned()));
            }
            if !member.up || state.repairing.contains(id) {
                return Err(Refusal::NotAvailable(id.to_owned()));
            }
            id.to_owned()
        }
    };
    let phase = Phase::Requested { target, begins: now + timing.request_delay };
    Ok(State { phase, ..state.clone() })
}

/// Looks at every member and says what comes next.
#[must_use]
pub fn pass(state: &State, seen: &[Member], timing: &Timing, now: DateTime<Utc>) -> Step {
    let mut step = Step { state: state.clone(), ..Step::default() };
    note_deaths(&mut step, seen, now);
    match state.phase.clone() {
        Phase::Available => replace_dead_writer(&mut step, seen, timing, now),
        Phase::Requested { target, begins } => {
            replace_dead_writer(&mut step, seen, timing, now);
            if step.state.phase == state.phase && now >= begins {
                begin(&mut step, seen, &target, true, now);
                move_role(&mut step, seen, timing, now);
            }
        }
        Phase::FailingOver { .. } => move_role(&mut step, seen, timing, now),
        Phase::Settling { until } if now >= until => step.state.phase = Phase::Available,
        Phase::Settling { .. } => {}
    }
    restart_dead(&mut step, seen, timing, now);
    step
}

/// The member that holds the role: a living one before a dead one that had it.
#[must_use]
pub fn writer(seen: &[Member]) -> Option<&Member> {
    let mut writers = seen.iter().filter(|member| member.role == Role::Writer);
    writers.clone().find(|member| member.up).or_else(|| writers.next())
}

/// The living reader that applied most; the first by id among equals.
fn successor(seen: &[Member], state: &State) -> Option<String> {
    let candidates = seen.iter().filter(|member| {
        member.up && member.role == Role::Reader && !state.repairing.contains(&member.id)
    });
    let best = candidates.max_by(|a, b| a.position.cmp(&b.position).then(b.id.cmp(&a.id)));
    best.map(|member| member.id.clone())
}

fn note_deaths(step: &mut Step, seen: &[Member], now: DateTime<Utc>) {
    for member in seen {
        if member.up {
            step.state.down_since.remove(&member.id);
        } else if !step.state.down_since.contains_key(&member.id) {
            step.state.down_since.insert(member.id.clone(), now);
            if !step.state.repairing.contains(&member.id) {
                step.happenings.push(Happening::Died { id: member.id.clone() });
            }
        }
    }
}

/// Starts a failover when the writer is dead for long enough.
fn replace_dead_writer(step: &mut Step, seen: &[Member], timing: &Timing, now: DateTime<Utc>) {
    let Some(writer) = writer(seen) else { return };
    let Some(since) = step.state.down_since.get(&writer.id) else { return };
    let patience = match step.state.repairing.contains(&writer.id) {
        true => timing.reboot_limit,
        false => timing.detection,
    };
    if now - since < patience {
        return;
    }
    if let Some(target) = successor(seen, &step.state) {
        begin(step, seen, &target, false, now);
        move_role(step, seen, timing, now);
    }
}

fn begin(step: &mut Step, seen: &[Member], target: &str, planned: bool, now: DateTime<Utc>) {
    step.happenings.push(Happening::Began {
        from: writer(seen).map(|writer| writer.id.clone()),
        target: target.to_owned(),
        planned,
    });
    step.state.phase = Phase::FailingOver { target: target.to_owned(), planned, since: now };
}

/// One attempt to move the role, or the end of the failover.
fn move_role(step: &mut Step, seen: &[Member], timing: &Timing, now: DateTime<Utc>) {
    let Phase::FailingOver { target, planned, since } = step.state.phase.clone() else { return };
    let writer = writer(seen);
    let writer_up = writer.is_some_and(|writer| writer.up);
    if writer.is_some_and(|writer| writer.up && (writer.id == target || !planned)) {
        // An old writer that came back before anybody was promoted ends it just as well.
        let target = writer.map_or(target, |writer| writer.id.clone());
        step.happenings.push(Happening::Completed { target });
        step.state.phase = Phase::Settling { until: now + timing.settling };
        return;
    }
    if planned && writer_up {
        if now - since >= timing.switch_limit {
            step.happenings.push(Happening::GivenUp { target });
            step.state.phase = Phase::Available;
        } else {
            step.acts.push(Act::SwitchOver(target));
        }
        return;
    }
    // The writer is dead. The target of the request is kept as long as it lives.
    let alive = seen.iter().any(|member| member.id == target && member.up);
    let next = if alive { Some(target) } else { successor(seen, &step.state) };
    if let Some(target) = next {
        step.acts.push(Act::Promote(target.clone()));
        step.state.phase = Phase::FailingOver { target, planned: false, since };
    }
}

/// Starts dead members again; the writer only if nobody can replace it.
fn restart_dead(step: &mut Step, seen: &[Member], timing: &Timing, now: DateTime<Utc>) {
    let writer = writer(seen).map(|writer| writer.id.clone());
    let replaceable = successor(seen, &step.state).is_some();
    for (id, since) in step.state.down_since.clone() {
        let wait = writer.as_ref() == Some(&id) && replaceable;
        if wait || step.state.repairing.contains(&id) || now - since < timing.repair_delay {
            continue;
        }
        step.state.repairing.insert(id.clone());
        step.happenings.push(Happening::Restarting { id: id.clone() });
        step.acts.push(Act::Restart(id));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
