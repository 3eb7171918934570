//! What is due in a run: the next event, given the world and the time. Pure.
//!
//! The machine says which events may follow; this says which one does. It looks at everything,
//! every time, and remembers nothing but how long conditions have held. `None` means: wait.

use super::{
    book::{Approval, OnTimeout, ResourceKind, Step, Task},
    condition::{Scene, Streaks, Verdict, judge, judge_all},
    event::{End, Event, Finding},
    look::{check, check_service, choose, guard},
    measure::measured,
    state::{Run, State, StepState, Undo},
    world::World,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::BTreeMap, time::Duration};

/// How long a step looks for what it needs to know before it gives up.
const LOOK_MAX: Duration = Duration::from_secs(60);

/// The next event of a run, if one is due.
#[must_use]
pub fn due(run: &Run, world: &World, streaks: &mut Streaks, now: DateTime<Utc>) -> Option<Event> {
    match run.state {
        State::Planned => opening(run, world, streaks, now),
        State::AwaitingApproval => expiry(run, now),
        State::Running => running(run, world, streaks, now),
        // A drill's clients are not forgotten because its run stands still.
        State::Paused => drill_abort(run, world, now),
        State::Ended(_) => None,
        State::Compensating => compensating(run, world, streaks, now),
    }
}

fn past(since: Option<DateTime<Utc>>, limit: Duration, now: DateTime<Utc>) -> bool {
    let limit = TimeDelta::from_std(limit).unwrap_or(TimeDelta::MAX);
    since.is_some_and(|since| now - since >= limit)
}

fn opening(run: &Run, world: &World, streaks: &mut Streaks, now: DateTime<Utc>) -> Option<Event> {
    if let Some(why) = &run.refused {
        return Some(Event::Finished { end: End::Rejected, reason: why.clone() });
    }
    let Some(drill) = &run.drill else {
        return Some(Event::Started { why: run.order.reason.clone() });
    };
    let scene = Scene { world, names: &run.names, after: None, now };
    match judge_all(&drill.gate, &scene, streaks, "gate") {
        Verdict::Holds(words) if world.frozen.is_none() => {
            Some(Event::Started { why: format!("the gate holds: {words}") })
        }
        verdict if past(Some(run.ordered_at), drill.gate_timeout, now) => {
            let words = world.frozen.as_deref().unwrap_or_else(|| verdict.words());
            let why = format!("the drill's gate did not hold: {words}");
            Some(Event::Refused { why })
        }
        _ => None,
    }
}

fn expiry(run: &Run, now: DateTime<Utc>) -> Option<Event> {
    match &run.asking {
        Some(asking) if now >= asking.expires_at => {
            Some(Event::ApprovalExpired { step: asking.step.clone() })
        }
        Some(_) => None,
        None => {
            let reason = "nobody approved in time".to_owned();
            Some(Event::Finished { end: End::Expired, reason })
        }
    }
}

fn running(run: &Run, world: &World, streaks: &mut Streaks, now: DateTime<Utc>) -> Option<Event> {
    if let Some(abort) = drill_abort(run, world, now) {
        return Some(abort);
    }
    if let Some(why) = stopped(run) {
        return Some(Event::Paused { why });
    }
    if past(Some(run.counts_from), run.book.deadline, now) && run.stage().is_some() {
        let why = "it takes longer than its deadline".to_owned();
        return Some(Event::Paused { why });
    }
    match run.stage() {
        Some(stage) => {
            let mut events =
                stage.iter().filter_map(|step| step_due(run, step, world, streaks, now));
            events.next()
        }
        None => closing(run),
    }
}

fn drill_abort(run: &Run, world: &World, now: DateTime<Utc>) -> Option<Event> {
    let why = run.drill.as_ref()?.abort(&world.probe, now)?;
    Some(Event::AbortAsked { why })
}

/// Why the run needs a person, if a step ended badly.
fn stopped(run: &Run) -> Option<String> {
    run.stopped().map(|step| format!("{}: {}", step.id, run.step(step).detail))
}

/// All steps ended: give back, judge, finish.
fn closing(run: &Run) -> Option<Event> {
    let always = run.book.steps().filter(|step| run.book.always.contains(&step.id));
    if let Some(event) = give_back(run, always) {
        return event;
    }
    if let Some(left) = left_behind(run) {
        return Some(Event::Finished { end: End::Stuck, reason: left });
    }
    let reason = match (&run.drill, &run.measured) {
        (Some(drill), _) => drill.verdict(run),
        (None, Some(measured)) => measured.words.clone(),
        (None, None) => "all steps are done".to_owned(),
    };
    Some(Event::Finished { end: End::Succeeded, reason })
}

/// The next undo among `steps`; `Some(None)` while one is under way, `None` when all are settled.
fn give_back<'r>(run: &Run, mut steps: impl Iterator<Item = &'r Step>) -> Option<Option<Event>> {
    if run.undos.values().any(|undo| *undo == Undo::Started) {
        return Some(None);
    }
    let taken = |step: &&Step| {
        let stands = run.step(step);
        // Once sent it may have been taken, whatever came back.
        let undoable = matches!(&step.task, Task::Act(act) if act.undo.is_some());
        undoable && stands.sent_at.is_some() && !run.undos.contains_key(&step.id)
    };
    let step = steps.find(taken)?;
    Some(Some(Event::UndoStarted { step: step.id.clone() }))
}

fn left_behind(run: &Run) -> Option<String> {
    let failed = run.undos.iter().filter_map(|(step, undo)| match undo {
        Undo::Failed(why) => Some(format!("{step} was not undone: {why}")),
        Undo::Started | Undo::Done => None,
    });
    let unresolved = run
        .steps
        .iter()
        .filter(|(_, step)| step.unresolved)
        .map(|(id, step)| format!("{id}: {}", step.detail));
    let left: Vec<String> = failed.chain(unresolved).collect();
    (!left.is_empty()).then(|| left.join("; "))
}

fn compensating(
    run: &Run,
    world: &World,
    streaks: &mut Streaks,
    now: DateTime<Utc>,
) -> Option<Event> {
    // First what is unknown, so that the record says what happened to the world.
    let open = run.book.steps().find(|step| {
        let stands = run.step(step);
        stands.state == StepState::Observing && !stands.unresolved
    });
    if let Some(step) = open
        && let Some(event) = observe(run, step, world, streaks, now)
    {
        return Some(event);
    }
    // Giving back does not wait for the answer.
    let reversed: Vec<&Step> = run.book.steps().collect();
    if let Some(event) = give_back(run, reversed.into_iter().rev()) {
        return event;
    }
    if open.is_some() {
        return None;
    }
    let why = run.aborted.clone().unwrap_or_default();
    let (end, reason) = match left_behind(run) {
        Some(left) => (End::Stuck, format!("{why}; {left}")),
        None if run.undos.is_empty() && run.refused.is_some() => (End::Rejected, why),
        None if run.undos.is_empty() => (End::Aborted, why),
        None => (End::Compensated, why),
    };
    Some(Event::Finished { end, reason })
}

fn step_due(
    run: &Run,
    step: &Step,
    world: &World,
    streaks: &mut Streaks,
    now: DateTime<Utc>,
) -> Option<Event> {
    let stands = run.step(step);
    let after = stands.counts_from;
    match stands.state {
        StepState::Pending => Some(begin(run, step)),
        StepState::Guarding => {
            let event = match &step.task {
                Task::Check { resource: ResourceKind::Aurora, save } => {
                    check(run, step, world, save, after)
                }
                Task::Check { resource: ResourceKind::EcsService, save } => {
                    check_service(step, world, save, after)
                }
                Task::Choose { given, lag_max, .. } => {
                    choose(run, step, world, (given, *lag_max), after?)
                }
                Task::Act(act) => guard(run, step, act, (world, streaks), now),
                Task::Measure { timeout } => return measured(run, step, *timeout, world, now),
                Task::Approval(_) | Task::Wait { .. } => None,
            };
            match event {
                Some(Ok(event)) => Some(event),
                Some(Err(why)) if past(after, LOOK_MAX, now) => {
                    Some(Event::StepFailed { step: step.id.clone(), why })
                }
                Some(Err(_)) | None => None,
            }
        }
        StepState::Waiting => match &step.task {
            Task::Approval(approval) => Some(ask(run, step, approval, now)),
            Task::Wait { .. } => wait(run, step, world, streaks, now),
            _ => None,
        },
        StepState::Observing => observe(run, step, world, streaks, now),
        StepState::Logged
        | StepState::Sent
        | StepState::Done
        | StepState::Skipped
        | StepState::Failed
        | StepState::TimedOut => None,
    }
}

fn begin(run: &Run, step: &Step) -> Event {
    let id = step.id.clone();
    let Some(when) = &step.when else { return Event::StepStarted { step: id } };
    let ended = run.steps.get(&when.step).map(|other| other.state);
    let wanted = match when.ended {
        super::book::Ending::Done => StepState::Done,
        super::book::Ending::TimedOut => StepState::TimedOut,
    };
    if ended == Some(wanted) {
        Event::StepStarted { step: id }
    } else {
        Event::StepSkipped { step: id, why: format!("{} did not end so", when.step) }
    }
}

fn ask(run: &Run, step: &Step, approval: &Approval, now: DateTime<Utc>) -> Event {
    let id = step.id.clone();
    if run.order.approvals == 0 {
        let why = format!("environment {} asks for no approval", run.order.environment);
        return Event::PreAuthorised { step: id, why };
    }
    let expires_at = now + TimeDelta::from_std(approval.expires).unwrap_or(TimeDelta::MAX);
    Event::ApprovalAsked { step: id, need: run.order.approvals, expires_at }
}

fn wait(
    run: &Run,
    step: &Step,
    world: &World,
    streaks: &mut Streaks,
    now: DateTime<Utc>,
) -> Option<Event> {
    let Task::Wait { all, timeout, on_timeout, .. } = &step.task else { return None };
    let since = run.step(step).counts_from;
    let scene = Scene { world, names: &run.names, after: since, now };
    match judge_all(all, &scene, streaks, &format!("{}/wait", step.id)) {
        Verdict::Holds(detail) => {
            Some(Event::StepDone { step: step.id.clone(), detail, outputs: BTreeMap::new() })
        }
        // Waiting on would end in a timeout that says less.
        Verdict::Never(why) => Some(Event::StepFailed { step: step.id.clone(), why }),
        verdict if past(since, *timeout, now) => Some(Event::StepTimedOut {
            step: step.id.clone(),
            why: verdict.words().to_owned(),
            goes_on: *on_timeout == OnTimeout::Continue,
        }),
        _ => None,
    }
}

/// Looks whether a call whose reply was lost has happened.
fn observe(
    run: &Run,
    step: &Step,
    world: &World,
    streaks: &mut Streaks,
    now: DateTime<Utc>,
) -> Option<Event> {
    let Task::Act(act) = &step.task else { return None };
    let observe = act.observe.as_ref()?;
    let stands = run.step(step);
    let scene = Scene { world, names: &run.names, after: stands.counts_from, now };
    let found = |finding, seen: &str| {
        Some(Event::Observed { step: step.id.clone(), finding, seen: seen.to_owned() })
    };
    let applied = judge(&observe.applied, &scene, streaks, &format!("{}/applied", step.id));
    if applied.holds() {
        return found(Finding::Applied, applied.words());
    }
    let key = format!("{}/not_applied", step.id);
    let not_applied = judge(&observe.not_applied, &scene, streaks, &key);
    if not_applied.holds() {
        return found(Finding::NotApplied, not_applied.words());
    }
    if past(stands.counts_from, observe.limit, now) {
        return found(Finding::Unresolved, applied.words());
    }
    None
}
