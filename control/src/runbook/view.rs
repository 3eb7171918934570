//! A run as dashboards read it. Pure.

use super::{
    event::End,
    state::{Run, State, StepState},
};
use protocol::control::{AskView, RunView, StepView};

/// The view of a run.
#[must_use]
pub fn view(run: &Run) -> RunView {
    let steps = run.book.steps().map(|step| {
        let stands = run.step(step);
        StepView {
            id: step.id.clone(),
            state: step_state(stands.state).to_owned(),
            detail: stands.detail.clone(),
            started_at: stands.started_at,
            ended_at: stands.ended_at,
        }
    });
    let measured = run.measured.as_ref();
    let asks = run.asking.as_ref().map(|asking| AskView {
        step: asking.step.clone(),
        need: asking.need,
        by: asking.by.clone(),
        expires_at: asking.expires_at,
    });
    RunView {
        id: run.id.clone(),
        environment: run.order.environment.clone(),
        plan_hash: run.order.plan_hash.clone(),
        asks,
        runbook: run.order.runbook.clone(),
        revision: run.order.revision,
        state: state(run.state).to_owned(),
        started_at: run.started_at.unwrap_or(run.ordered_at),
        ended_at: run.ended_at,
        requested_by: run.order.requested_by.clone(),
        drill: run.order.drill.is_some(),
        lock: run.order.lock.clone(),
        steps: steps.collect(),
        rto_ms: measured.and_then(|measured| measured.rto_ms),
        rto_resolution_ms: measured
            .and_then(|measured| measured.rto_ms.map(|_| measured.resolution_ms)),
        reason: run.reason.clone(),
    }
}

/// The state's name.
#[must_use]
pub fn state(state: State) -> &'static str {
    match state {
        State::Planned => "planned",
        State::AwaitingApproval => "awaiting_approval",
        State::Running => "running",
        State::Paused => "paused",
        State::Compensating => "compensating",
        State::Ended(End::Succeeded) => "succeeded",
        State::Ended(End::Aborted) => "aborted",
        State::Ended(End::Compensated) => "compensated",
        State::Ended(End::Stuck) => "stuck",
        State::Ended(End::Rejected) => "rejected",
        State::Ended(End::Expired) => "expired",
    }
}

fn step_state(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Guarding | StepState::Logged | StepState::Sent => "running",
        StepState::Waiting => "waiting",
        StepState::Observing => "observing",
        StepState::Done => "done",
        StepState::Skipped => "skipped",
        StepState::Failed => "failed",
        StepState::TimedOut => "timed_out",
    }
}
