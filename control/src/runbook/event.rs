//! What happens to a run, as the journal keeps it. A run is the fold of these, and nothing else.

use super::action::Call;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing that happened, when, and on whose word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    pub run: String,
    pub at: DateTime<Utc>,
    /// `control`, or a token's name.
    pub by: String,
    pub event: Event,
}

/// What a run was asked to do, frozen at its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub environment: String,
    pub runbook: String,
    pub revision: u32,
    /// The runbook as it was read; a file changed later changes no run.
    pub text: String,
    /// The drill that rehearses it, with its text.
    pub drill: Option<DrillOrder>,
    pub params: BTreeMap<String, String>,
    /// The resource that the run owns alone.
    pub lock: String,
    pub plan_hash: String,
    /// Approvals needed here; zero when the tier asks for none.
    pub approvals: u32,
    pub requested_by: String,
    pub reason: String,
    /// The client's own name for its request, so that asking twice starts one run.
    pub idempotency_key: Option<String>,
}

/// The drill that a run is part of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillOrder {
    pub name: String,
    pub revision: u32,
    pub text: String,
}

/// What can happen to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Somebody ordered it. From here to its end it owns its lock.
    Ordered {
        order: Box<Order>,
    },
    /// The drill's gate held, or there is none.
    Started {
        why: String,
    },
    /// The drill's gate did not hold in time, or the world is not as the plan said.
    Refused {
        why: String,
    },
    StepStarted {
        step: String,
    },
    StepSkipped {
        step: String,
        why: String,
    },
    /// An approval step asks.
    ApprovalAsked {
        step: String,
        need: u32,
        expires_at: DateTime<Utc>,
    },
    Approved {
        step: String,
        plan_hash: String,
        #[serde(default)]
        why: String,
    },
    /// Nobody needs to be asked here.
    PreAuthorised {
        step: String,
        why: String,
    },
    ApprovalExpired {
        step: String,
    },
    /// Somebody who could have approved said no.
    ApprovalRejected {
        step: String,
        why: String,
    },
    /// The guards held on a fresh look; the call is written down. Nothing is sent yet.
    IntentLogged {
        step: String,
        attempt: u32,
        call: Call,
    },
    /// From here on, the call may have happened.
    IntentSent {
        step: String,
        attempt: u32,
    },
    /// What came back.
    Replied {
        step: String,
        attempt: u32,
        reply: Reply,
    },
    /// Looking at the world settled an unknown outcome, or did not within its limit.
    Observed {
        step: String,
        finding: Finding,
        seen: String,
    },
    StepDone {
        step: String,
        detail: String,
        outputs: BTreeMap<String, String>,
    },
    /// The step cannot be done as the world is. The run pauses.
    StepFailed {
        step: String,
        why: String,
    },
    StepTimedOut {
        step: String,
        why: String,
        goes_on: bool,
    },
    Paused {
        why: String,
    },
    Resumed {
        why: String,
    },
    /// Somebody goes on without the step that stopped the run.
    SkipAsked {
        step: String,
        why: String,
    },
    /// Somebody, or a drill's abort condition, ends the run. What was taken is given back.
    AbortAsked {
        why: String,
    },
    /// The undo of a step is about to be done. Undoing is convergent: it may be done again.
    UndoStarted {
        step: String,
    },
    UndoDone {
        step: String,
    },
    UndoFailed {
        step: String,
        why: String,
    },
    /// The process started anew. What was in flight is now unknown.
    Recovered {
        epoch: u64,
    },
    /// How long clients went without, as our probe saw it.
    Measured {
        rto_ms: Option<u64>,
        resolution_ms: u64,
        words: String,
    },
    /// The run is over and its lock is free.
    Finished {
        end: End,
        reason: String,
    },
}

/// What came back from a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    Accepted {
        receipt: String,
    },
    /// Refused or throttled: nothing happened.
    Rejected {
        why: String,
    },
    /// Nothing usable came back.
    Unknown {
        why: String,
    },
}

/// What looking at the world says about a call whose reply was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    Applied,
    NotApplied,
    /// It could not be told in time. A person must look.
    Unresolved,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Succeeded,
    /// Aborted with nothing to give back.
    Aborted,
    /// Aborted, and everything was given back.
    Compensated,
    /// Aborted, and something could not be given back or told.
    Stuck,
    Rejected,
    Expired,
}

impl Event {
    /// The kind under which the journal keeps it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ordered { .. } => "run.ordered",
            Self::Started { .. } => "run.started",
            Self::Refused { .. } => "run.refused",
            Self::StepStarted { .. } | Self::StepSkipped { .. } => "run.step",
            Self::ApprovalAsked { .. } => "run.approval_asked",
            Self::Approved { .. } => "run.approved",
            Self::PreAuthorised { .. } => "run.pre_authorised",
            Self::ApprovalExpired { .. } => "run.approval_expired",
            Self::ApprovalRejected { .. } => "run.approval_rejected",
            Self::IntentLogged { .. } => "run.intent_logged",
            Self::IntentSent { .. } => "run.intent_sent",
            Self::Replied { .. } => "run.replied",
            Self::Observed { .. } => "run.observed",
            Self::StepDone { .. } => "run.step_done",
            Self::StepFailed { .. } => "run.step_failed",
            Self::StepTimedOut { .. } => "run.step_timed_out",
            Self::Paused { .. } => "run.paused",
            Self::Resumed { .. } => "run.resumed",
            Self::SkipAsked { .. } => "run.skip_asked",
            Self::AbortAsked { .. } => "run.abort_asked",
            Self::UndoStarted { .. } | Self::UndoDone { .. } => "run.undo",
            Self::UndoFailed { .. } => "run.undo_failed",
            Self::Recovered { .. } => "run.recovered",
            Self::Measured { .. } => "run.measured",
            Self::Finished { .. } => "run.finished",
        }
    }

    /// The event in one sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Ordered { order } => {
                let drill = if order.drill.is_some() { " as a drill" } else { "" };
                let Order { runbook, revision, reason, .. } = order.as_ref();
                format!("ordered {runbook}@{revision}{drill}: {reason}")
            }
            Self::Started { why } => format!("started: {why}"),
            Self::Refused { why } => format!("refused: {why}"),
            Self::StepStarted { step } => format!("{step}: started"),
            Self::StepSkipped { step, why } => format!("{step}: skipped: {why}"),
            Self::ApprovalAsked { step, need, expires_at } => {
                format!("{step}: asks for {need} by {}", expires_at.format("%H:%M:%S"))
            }
            Self::Approved { step, why, .. } => format!("{step}: approved: {why}"),
            Self::PreAuthorised { step, why } => format!("{step}: pre-authorised: {why}"),
            Self::ApprovalExpired { step } => format!("{step}: nobody approved in time"),
            Self::ApprovalRejected { step, why } => format!("{step}: rejected: {why}"),
            Self::IntentLogged { step, attempt, call } => {
                format!("{step}: will {call} (attempt {attempt})")
            }
            Self::IntentSent { step, .. } => format!("{step}: sending"),
            Self::Replied { step, reply, .. } => match reply {
                Reply::Accepted { receipt } => format!("{step}: accepted: {receipt}"),
                Reply::Rejected { why } => format!("{step}: rejected: {why}"),
                Reply::Unknown { why } => format!("{step}: outcome unknown: {why}"),
            },
            Self::Observed { step, finding, seen } => format!("{step}: {finding:?}: {seen}"),
            Self::StepDone { step, detail, .. } => format!("{step}: done: {detail}"),
            Self::StepFailed { step, why } => format!("{step}: failed: {why}"),
            Self::StepTimedOut { step, why, .. } => format!("{step}: timed out: {why}"),
            Self::Paused { why } => format!("paused: {why}"),
            Self::Resumed { why } => format!("resumed: {why}"),
            Self::SkipAsked { step, why } => format!("{step}: skipped on demand: {why}"),
            Self::AbortAsked { why } => format!("abort asked for: {why}"),
            Self::UndoStarted { step } => format!("{step}: undoing"),
            Self::UndoDone { step } => format!("{step}: undone"),
            Self::UndoFailed { step, why } => format!("{step}: could not be undone: {why}"),
            Self::Recovered { epoch } => format!("recovered by start {epoch} of control"),
            Self::Measured { words, .. } => words.clone(),
            Self::Finished { end, reason } => format!("{end:?}: {reason}").to_lowercase(),
        }
    }
}
