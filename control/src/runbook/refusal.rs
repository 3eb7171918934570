//! What the engine says no to, and why. No refusal is a fault of ours, and none changes anything.

use super::{machine::IllegalEvent, state::State, view::state as name};

/// Why something is refused. Nothing happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no {what} `{name}`")]
    Unknown { what: &'static str, name: String },
    #[error("the run is blocked: {}", .blockers.join("; "))]
    Blocked { blockers: Vec<String> },
    #[error("no plan with this hash is remembered; make a plan and start that")]
    PlanUnknown,
    #[error("the world moved since this plan was made; make a new one")]
    PlanStale,
    #[error("run {run} owns {resource} until it ends")]
    Locked { run: String, resource: String },
    #[error("this Idempotency-Key started run {run}, which is of another plan")]
    KeyReused { run: String },
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
    #[error("run {run} has ended")]
    Ended { run: String, state: State },
    #[error("run {run} is {}, and not {expected} as expected; nothing was done", name(*.state))]
    Moved { run: String, expected: String, state: State },
    #[error("the journal cannot be written, so nothing is done")]
    Journal,
}
