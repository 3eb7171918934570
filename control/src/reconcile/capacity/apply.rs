//! Carries one decision out: one action, one call, written down before and after.

use super::decide::Decision;
use super::policy::{Policy, ScalingMode};
use crate::aws::{CallError, Change, Cloud};
use crate::config::ServiceNames;
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

/// The change that a decision asks for.
pub(super) fn change(policy: &Policy, names: &ServiceNames, decision: &Decision) -> Change {
    let (cluster, service) = (names.cluster.clone(), names.name.clone());
    let (from, to) = (decision.from, decision.to);
    match policy.mode {
        ScalingMode::Own => Change::SetDesired { cluster, service, from, to },
        ScalingMode::Floor => {
            Change::SetCapacity { cluster, service, min: to, max: policy.tasks_max }
        }
    }
}

/// Looks once more, then makes the change. Somebody who moved the number meanwhile wins: the next
/// pass decides anew.
pub(super) async fn apply(
    cloud: &dyn Cloud,
    intents: &Intents,
    names: &ServiceNames,
    decision: &Decision,
    intent: &Intent,
) -> Result<Outcome, ApplyError> {
    let (cluster, service) = (&names.cluster, &names.name);
    let seen = match &intent.change {
        Change::SetDesired { .. } => {
            cloud.service(cluster, service).await.map_err(ApplyError::Look)?.desired
        }
        _ => {
            let scaling = cloud.scaling(cluster, service).await.map_err(ApplyError::Look)?;
            scaling.map_or(decision.from, |scaling| scaling.min)
        }
    };
    if seen != decision.from {
        return Err(ApplyError::Moved { from: decision.from, seen });
    }
    let (_, outcome) = intents.carry_out(intent).await?;
    Ok(outcome)
}
