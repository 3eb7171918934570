//! Puts together what was seen for a decision. Reads nothing from AWS: the collecting loops did,
//! and said when.

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::Observed;
use super::policy::{Policy, ScalingMode};
use crate::app::Live;
use crate::fleet::{Fleet, Seen, Service};
use crate::hold::{Direction, Holds};

/// Everything that a decision about this environment's service depends on.
pub(super) fn observe(
    live: &Live,
    holds: &Holds,
    changed_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Observed {
    let wanted = live.wanted();
    let policy = &wanted.scaling;
    let fleet = live.fleet.borrow();
    let held = |way| {
        let hold = holds.held(&wanted.name, way, now)?;
        let left = (hold.expires_at - now).max(TimeDelta::zero()).num_seconds();
        Some(format!("{} holds it for {left} s more: {}", hold.by, hold.reason))
    };
    Observed {
        current: current(policy, &fleet),
        seen_at: fleet.service.as_ref().map(|seen| seen.at),
        windows: live.signals.borrow().windows.clone(),
        changed_at,
        deploying: fleet.service.as_ref().is_some_and(deploying),
        held_in: held(Direction::In),
        held_out: held(Direction::Out),
        forbidden: forbidden(policy, &fleet),
    }
}

/// The number that control moves.
fn current(policy: &Policy, fleet: &Fleet) -> Option<u32> {
    match policy.mode {
        ScalingMode::Own => Some(fleet.service.as_ref()?.value.desired),
        ScalingMode::Floor => Some(fleet.scaling.as_ref()?.value.as_ref()?.min),
    }
}

/// A second deployment means that tasks are being replaced. A lone one in progress does not: ECS
/// says so too while it starts or stops tasks to reach its count.
fn deploying(service: &Seen<Service>) -> bool {
    service.value.deployments.iter().filter(|one| one.status != "INACTIVE").count() > 1
}

/// Why control must not move the number: AWS moves it too, or there is nothing to move.
fn forbidden(policy: &Policy, fleet: &Fleet) -> Option<String> {
    let scaling = fleet.scaling.as_ref().map(|seen| &seen.value);
    match (policy.mode, scaling) {
        (_, None) => Some("it is not known yet whether AWS scales the service too".to_owned()),
        (ScalingMode::Own, Some(Some(scaling))) if scaling.acts() => Some(format!(
            "AWS policy {} is active on the service, and control owns it",
            scaling.policies.join(", ")
        )),
        (ScalingMode::Floor, Some(None)) => {
            Some("the service is not registered with Application Auto Scaling".to_owned())
        }
        (ScalingMode::Own | ScalingMode::Floor, Some(_)) => None,
    }
}
