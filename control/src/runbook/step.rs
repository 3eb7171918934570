//! What an event does to a step: one strict table. Pure.

#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

use super::{
    book::{Act, Step, Task},
    event::{Event, Finding, Reply},
    machine::{ATTEMPTS_MAX, Command},
    state::{StepRun, StepState},
};
use crate::aws::Effect;
use chrono::{DateTime, Utc};

/// The table of a step. Anything that is not a row is refused.
pub(super) fn step_next(
    step: &Step,
    stands: &mut StepRun,
    event: &Event,
    at: DateTime<Utc>,
) -> Result<Vec<Command>, String> {
    use StepState::{Guarding, Logged, Observing, Pending, Sent, Skipped, TimedOut, Waiting};
    let illegal = |stands: &StepRun| Err(format!("step {} is {:?}", step.id, stands.state));
    match (stands.state, event) {
        (Pending, Event::StepStarted { .. }) => {
            let waits = matches!(step.task, Task::Wait { .. } | Task::Approval(_));
            stands.state = if waits { Waiting } else { Guarding };
            stands.started_at = Some(at);
            stands.counts_from = Some(at);
            stands.ended_at = None;
            stands.detail = String::new();
        }
        (Pending, Event::StepSkipped { why, .. }) => end_step(stands, Skipped, why.clone(), at),
        (Guarding, Event::IntentLogged { attempt, call, .. }) => {
            let Task::Act(act) = &step.task else { return illegal(stands) };
            if stands.attempt.checked_add(1) != Some(*attempt) {
                return Err(format!("attempt {attempt} cannot follow {}", stands.attempt));
            }
            stands.state = Logged;
            stands.attempt = *attempt;
            stands.call = Some(call.clone());
            stands.detail = call.to_string();
            let (id, call) = (step.id.clone(), call.clone());
            return Ok(vec![Command::Send {
                step: id,
                attempt: *attempt,
                call,
                timeout: act.timeout,
            }]);
        }
        (Logged, Event::IntentSent { attempt, .. }) if *attempt == stands.attempt => {
            stands.state = Sent;
            stands.sent_at = Some(at);
        }
        (Sent, Event::Replied { attempt, reply, .. }) if *attempt == stands.attempt => {
            let Task::Act(act) = &step.task else { return illegal(stands) };
            replied(act, stands, reply, at);
        }
        (Observing, Event::Observed { finding, seen, .. }) => observed(stands, *finding, seen, at),
        (Guarding | Waiting, Event::StepDone { detail, .. }) => {
            end_step(stands, StepState::Done, detail.clone(), at);
        }
        (Guarding | Waiting, Event::StepFailed { why, .. }) => {
            end_step(stands, StepState::Failed, why.clone(), at);
        }
        (Guarding | Waiting, Event::StepTimedOut { why, goes_on, .. }) => {
            end_step(stands, TimedOut, why.clone(), at);
            stands.goes_on = *goes_on;
        }
        _ => return illegal(stands),
    }
    Ok(vec![])
}

fn replied(act: &Act, stands: &mut StepRun, reply: &Reply, at: DateTime<Utc>) {
    match reply {
        Reply::Accepted { receipt } => {
            let detail = if receipt.is_empty() { "accepted" } else { receipt };
            end_step(stands, StepState::Done, detail.to_owned(), at);
        }
        Reply::Rejected { why } => end_step(stands, StepState::Failed, why.clone(), at),
        Reply::Unknown { why } => doubt(act, stands, why, at),
    }
}

/// It may have happened. What is harmless is sent again; what is not is looked at.
pub(super) fn doubt(act: &Act, stands: &mut StepRun, why: &str, at: DateTime<Utc>) {
    stands.counts_from = Some(at);
    stands.detail = format!("outcome unknown: {why}");
    if act.effect == Effect::Once {
        stands.state = StepState::Observing;
    } else if stands.attempt < ATTEMPTS_MAX {
        stands.state = StepState::Guarding;
    } else {
        end_step(stands, StepState::Failed, format!("no usable answer, last: {why}"), at);
    }
}

fn observed(stands: &mut StepRun, finding: Finding, seen: &str, at: DateTime<Utc>) {
    match finding {
        Finding::Applied => {
            end_step(stands, StepState::Done, format!("it happened: {seen}"), at);
        }
        Finding::NotApplied => {
            end_step(stands, StepState::Failed, format!("it did not happen: {seen}"), at);
        }
        Finding::Unresolved => {
            stands.unresolved = true;
            stands.detail = format!("cannot be told: {seen}");
        }
    }
}

/// Ends a step.
pub(super) fn end_step(step: &mut StepRun, state: StepState, detail: String, at: DateTime<Utc>) {
    step.state = state;
    step.detail = detail;
    step.ended_at = Some(at);
}
