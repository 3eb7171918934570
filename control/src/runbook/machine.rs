//! What an event does to a run: one strict table, the same in production, replay and simulation.
//!
//! Pure. An event that the table does not know here is an error, and is refused before it is
//! written. Only two events order anything of the outside world: an intent that was written down,
//! and an undo. A replay folds the events and drops the orders.

#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

use super::{
    action::{Call, Caller},
    book::Task,
    event::{End, Event, Stamped},
    state::{Asking, Measured, Run, State, StepRun, StepState, Undo},
    step::{doubt, end_step, step_next},
};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// How often a call that is safe to repeat is sent, before a person is asked.
pub const ATTEMPTS_MAX: u32 = 3;

/// Something that the outside must do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Write down that it is being sent, make the call, report what came back.
    Send { step: String, attempt: u32, call: Call, timeout: Duration },
    /// Take a step back, and report how it went.
    Undo { step: String, call: Call, timeout: Duration },
}

/// An event that cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("run {run} is {state:?} and cannot take `{event}`: {why}")]
pub struct IllegalEvent {
    pub run: String,
    pub state: State,
    pub event: String,
    pub why: String,
}

/// The run after an event, and what the event orders.
///
/// # Errors
///
/// When the event cannot follow: the run is unchanged.
pub fn next(mut run: Run, stamped: &Stamped) -> Result<(Run, Vec<Command>), IllegalEvent> {
    let before = run.state;
    match take(&mut run, stamped) {
        Ok(commands) => Ok((run, commands)),
        Err(why) => Err(IllegalEvent {
            run: stamped.run.clone(),
            state: before,
            event: stamped.event.words(),
            why,
        }),
    }
}

fn take(run: &mut Run, stamped: &Stamped) -> Result<Vec<Command>, String> {
    let at = stamped.at;
    if !run.active() {
        return Err("it is over".to_owned());
    }
    match &stamped.event {
        Event::Ordered { .. } => Err("it was ordered already".to_owned()),
        Event::Started { .. } | Event::Refused { .. } => open(run, &stamped.event, at),
        Event::ApprovalAsked { .. }
        | Event::Approved { .. }
        | Event::PreAuthorised { .. }
        | Event::ApprovalExpired { .. }
        | Event::ApprovalRejected { .. } => approve(run, stamped),
        Event::StepStarted { step: id }
        | Event::StepSkipped { step: id, .. }
        | Event::IntentLogged { step: id, .. }
        | Event::IntentSent { step: id, .. }
        | Event::Replied { step: id, .. }
        | Event::Observed { step: id, .. }
        | Event::StepDone { step: id, .. }
        | Event::StepFailed { step: id, .. }
        | Event::StepTimedOut { step: id, .. } => step_event(run, id, &stamped.event, at),
        Event::Paused { why } => {
            expect(run, &[State::Running])?;
            run.state = State::Paused;
            run.reason.clone_from(why);
            Ok(vec![])
        }
        Event::Resumed { why } => resume(run, why, at),
        Event::SkipAsked { step, why } => skip(run, step, why, at),
        Event::AbortAsked { why } => {
            expect(run, &[State::Planned, State::AwaitingApproval, State::Running, State::Paused])?;
            run.state = State::Compensating;
            run.aborted = Some(why.clone());
            run.reason = format!("aborting: {why}");
            run.asking = None;
            for step in run.steps.values_mut().filter(|step| step.state == StepState::Observing) {
                step.counts_from = Some(at);
                step.unresolved = false;
            }
            Ok(vec![])
        }
        Event::UndoStarted { .. } | Event::UndoDone { .. } | Event::UndoFailed { .. } => {
            undo(run, &stamped.event, at)
        }
        Event::Recovered { .. } => {
            recover(run, at);
            Ok(vec![])
        }
        Event::Measured { rto_ms, resolution_ms, words } => {
            expect(run, &[State::Running])?;
            run.measured = Some(Measured {
                rto_ms: *rto_ms,
                resolution_ms: *resolution_ms,
                words: words.clone(),
            });
            Ok(vec![])
        }
        Event::Finished { end, reason } => finish(run, *end, reason, at),
    }
}

fn expect(run: &Run, states: &[State]) -> Result<(), String> {
    if states.contains(&run.state) { Ok(()) } else { Err(format!("allowed only in {states:?}")) }
}

fn open(run: &mut Run, event: &Event, at: DateTime<Utc>) -> Result<Vec<Command>, String> {
    expect(run, &[State::Planned])?;
    match event {
        Event::Refused { why } => {
            run.refused = Some(why.clone());
            run.reason.clone_from(why);
        }
        _ if run.refused.is_some() => return Err("it was refused".to_owned()),
        _ => {
            run.state = State::Running;
            run.started_at = Some(at);
            run.counts_from = at;
            run.names.insert("run.started".to_owned(), at.to_rfc3339());
        }
    }
    Ok(vec![])
}

fn approve(run: &mut Run, stamped: &Stamped) -> Result<Vec<Command>, String> {
    let at = stamped.at;
    match &stamped.event {
        Event::ApprovalAsked { step, need, expires_at } => {
            expect(run, &[State::Running])?;
            waiting(run, step)?;
            run.state = State::AwaitingApproval;
            run.reason = format!("{step} asks for {need} approval(s)");
            let asking =
                Asking { step: step.clone(), need: *need, expires_at: *expires_at, by: vec![] };
            run.asking = Some(asking);
        }
        Event::Approved { step, plan_hash, .. } => {
            expect(run, &[State::AwaitingApproval])?;
            if *plan_hash != run.order.plan_hash {
                return Err("the approval is for another plan".to_owned());
            }
            if stamped.by == run.order.requested_by {
                return Err("who asked for the run cannot approve it".to_owned());
            }
            let asking = run.asking.as_mut().filter(|asking| asking.step == *step);
            let asking = asking.ok_or_else(|| format!("{step} does not ask"))?;
            if asking.by.contains(&stamped.by) {
                return Err(format!("{} approved already", stamped.by));
            }
            asking.by.push(stamped.by.clone());
            if asking.by.len() >= usize::try_from(asking.need).unwrap_or(usize::MAX) {
                let detail = format!("approved by {}", asking.by.join(", "));
                run.asking = None;
                run.state = State::Running;
                end_step(waiting(run, step)?, StepState::Done, detail, at);
            }
        }
        Event::PreAuthorised { step, why } => {
            expect(run, &[State::Running])?;
            let detail = format!("pre-authorised: {why}");
            end_step(waiting(run, step)?, StepState::Done, detail, at);
        }
        Event::ApprovalRejected { step, why } => {
            expect(run, &[State::AwaitingApproval])?;
            run.asking.take_if(|asking| asking.step == *step).ok_or("nothing asks")?;
            run.state = State::Compensating;
            run.refused = Some(why.clone());
            run.aborted = Some(format!("rejected by {why}"));
            run.reason = format!("rejected by {why}");
            let detail = format!("rejected by {why}");
            end_step(waiting(run, step)?, StepState::Failed, detail, at);
        }
        _ => {
            expect(run, &[State::AwaitingApproval])?;
            let asking = run.asking.take().ok_or("nothing asks")?;
            let detail = "nobody approved in time".to_owned();
            end_step(waiting(run, &asking.step)?, StepState::TimedOut, detail, at);
        }
    }
    Ok(vec![])
}

fn waiting<'r>(run: &'r mut Run, id: &str) -> Result<&'r mut StepRun, String> {
    let step = run.steps.get_mut(id).filter(|step| step.state == StepState::Waiting);
    step.ok_or_else(|| format!("step {id} does not wait"))
}

fn step_event(
    run: &mut Run,
    id: &str,
    event: &Event,
    at: DateTime<Utc>,
) -> Result<Vec<Command>, String> {
    // A call in flight is seen through to its end even while the run is being aborted.
    let settles = matches!(event, Event::Replied { .. } | Event::Observed { .. });
    let allowed: &[State] =
        if settles { &[State::Running, State::Compensating] } else { &[State::Running] };
    expect(run, allowed)?;
    let book = run.book.clone();
    let step = book.step(id).ok_or_else(|| format!("there is no step {id}"))?;
    let stands = run.steps.get_mut(id).expect("a run has an entry for each step of its runbook");
    if matches!(event, Event::StepStarted { .. } | Event::StepSkipped { .. }) {
        let stage = run.stage().is_some_and(|stage| stage.iter().any(|one| one.id == id));
        if !stage {
            return Err(format!("it is not {id}'s turn"));
        }
        let stands = run.steps.get_mut(id).expect("found above");
        return step_next(step, stands, event, at);
    }
    if let Event::StepDone { outputs, .. } = event {
        let named = outputs.iter().map(|(name, value)| (format!("{id}.{name}"), value.clone()));
        let outcome = step_next(step, stands, event, at)?;
        run.names.extend(named);
        return Ok(outcome);
    }
    step_next(step, stands, event, at)
}

fn resume(run: &mut Run, why: &str, at: DateTime<Utc>) -> Result<Vec<Command>, String> {
    expect(run, &[State::Paused])?;
    run.state = State::Running;
    run.counts_from = at;
    run.reason = format!("resumed: {why}");
    for step in run.steps.values_mut() {
        match step.state {
            // What failed or ran out of time is begun again; its guards run again with it.
            StepState::Failed => step.state = StepState::Pending,
            StepState::TimedOut if !step.goes_on => step.state = StepState::Pending,
            // What is unknown is looked at again, and never sent again.
            StepState::Observing | StepState::Waiting | StepState::Guarding => {
                step.counts_from = Some(at);
                step.unresolved = false;
            }
            StepState::Pending
            | StepState::Logged
            | StepState::Sent
            | StepState::Done
            | StepState::Skipped
            | StepState::TimedOut => {}
        }
    }
    Ok(vec![])
}

/// Somebody looked, and goes on without the step that stopped the run. What it may have done to
/// the world is not settled by that: an unknown outcome stays unknown to the end.
fn skip(run: &mut Run, id: &str, why: &str, at: DateTime<Utc>) -> Result<Vec<Command>, String> {
    expect(run, &[State::Paused])?;
    if run.stopped().is_none_or(|step| step.id != id) {
        return Err(format!("{id} did not stop it"));
    }
    let stands = run.steps.get_mut(id).expect("a run has an entry for each step of its runbook");
    end_step(stands, StepState::Skipped, format!("skipped by {why}"), at);
    run.state = State::Running;
    run.counts_from = at;
    run.reason = format!("skipped {id}: {why}");
    Ok(vec![])
}

/// What was in flight when the process died: what was only written down is guarded and written
/// anew, what may have been sent is in doubt.
fn recover(run: &mut Run, at: DateTime<Utc>) {
    let book = run.book.clone();
    for step in book.steps() {
        let stands = run.steps.get_mut(&step.id).expect("a run has an entry for each step");
        match (&step.task, stands.state) {
            (Task::Act(_), StepState::Logged) => stands.state = StepState::Guarding,
            (Task::Act(act), StepState::Sent) => {
                doubt(act, stands, "control died before the reply", at);
            }
            _ => {}
        }
    }
    // An undo is convergent: one that was begun is begun again.
    run.undos.retain(|_, undo| *undo != Undo::Started);
}

fn undo(run: &mut Run, event: &Event, at: DateTime<Utc>) -> Result<Vec<Command>, String> {
    let closing = run.state == State::Running && run.stage().is_none();
    if !closing {
        expect(run, &[State::Compensating])?;
    }
    match event {
        Event::UndoStarted { step: id } => {
            let book = run.book.clone();
            let step = book.step(id).ok_or_else(|| format!("there is no step {id}"))?;
            let (action, timeout) = match &step.task {
                Task::Act(act) => (act.undo, act.timeout),
                Task::Check { .. }
                | Task::Choose { .. }
                | Task::Approval(_)
                | Task::Wait { .. }
                | Task::Measure { .. } => (None, Duration::ZERO),
            };
            let action = action.ok_or_else(|| format!("step {id} has no undo"))?;
            if run.undos.contains_key(id) {
                return Err(format!("the undo of {id} was begun already"));
            }
            let caller = Caller { run_id: &run.id, runbook: &book.name, now: at };
            let call = action.call(&std::collections::BTreeMap::new(), &caller)?;
            run.undos.insert(id.clone(), Undo::Started);
            Ok(vec![Command::Undo { step: id.clone(), call, timeout }])
        }
        Event::UndoDone { step } => settle_undo(run, step, Undo::Done),
        Event::UndoFailed { step, why } => settle_undo(run, step, Undo::Failed(why.clone())),
        _ => Err("it is not about an undo".to_owned()),
    }
}

fn settle_undo(run: &mut Run, step: &str, outcome: Undo) -> Result<Vec<Command>, String> {
    match run.undos.get_mut(step) {
        Some(undo @ Undo::Started) => {
            *undo = outcome;
            Ok(vec![])
        }
        _ => Err(format!("no undo of {step} was begun")),
    }
}

fn finish(
    run: &mut Run,
    end: End,
    reason: &str,
    at: DateTime<Utc>,
) -> Result<Vec<Command>, String> {
    let state = run.state;
    let in_flight = run.steps.values().any(|step| {
        let observed = step.state == StepState::Observing && step.unresolved;
        matches!(step.state, StepState::Sent | StepState::Observing) && !observed
    });
    let undone = !in_flight && !run.undos.values().any(|undo| *undo == Undo::Started);
    let sound = match end {
        End::Succeeded => state == State::Running && run.stage().is_none() && undone,
        End::Rejected => {
            let before = state == State::Planned;
            let told = state == State::Compensating && undone;
            (before || told) && run.refused.is_some()
        }
        End::Expired => state == State::AwaitingApproval && run.asking.is_none(),
        End::Aborted | End::Compensated => state == State::Compensating && undone,
        End::Stuck => matches!(state, State::Running | State::Compensating) && undone,
    };
    if !sound {
        return Err(format!("it cannot end as {end:?} now"));
    }
    run.state = State::Ended(end);
    run.ended_at = Some(at);
    reason.clone_into(&mut run.reason);
    Ok(vec![])
}
