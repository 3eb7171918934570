//! Carries one decision out: one action, one call, written down before and after.

use super::decide::Decision;
use super::policy::Policy;
use super::resource::Resource;
use crate::aws::{CallError, Change, Cloud};
use crate::intent::{Intent, Intents, Outcome};
use crate::journal::JournalError;

/// Why a decision was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("the size moved from {from} to {seen} since it was decided")]
    Moved { from: u32, seen: u32 },
    #[error("looking once more before changing the size")]
    Look(#[source] CallError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The size that a change asks for, and the one that it came from where that is part of it.
pub(super) fn asked(change: &Change) -> Option<(Option<u32>, u32)> {
    match change {
        Change::SetDesired { from, to, .. } => Some((Some(*from), *to)),
        Change::SetCapacity { min, .. } | Change::SetReaders { min, .. } => Some((None, *min)),
        Change::StopTask { .. }
        | Change::FailoverDatabase { .. }
        | Change::FailoverCache { .. }
        | Change::RebootBroker { .. }
        | Change::Publish { .. } => None,
    }
}

/// Looks once more, then makes the change. Somebody who moved the number meanwhile wins: the next
/// pass decides anew.
pub(super) async fn apply(
    cloud: &dyn Cloud,
    intents: &Intents,
    (resource, policy): (&dyn Resource, &Policy),
    decision: &Decision,
    intent: &Intent,
) -> Result<Outcome, ApplyError> {
    let seen =
        resource.look(policy, cloud).await.map_err(ApplyError::Look)?.unwrap_or(decision.from);
    if seen != decision.from {
        return Err(ApplyError::Moved { from: decision.from, seen });
    }
    let (_, outcome) = intents.carry_out(intent).await?;
    Ok(outcome)
}
