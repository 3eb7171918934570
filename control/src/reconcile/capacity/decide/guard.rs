//! What keeps a size from moving. Guards only ever hold; each says until when, where that is
//! known.

use chrono::{DateTime, TimeDelta, Utc};

use super::decision::{Because, Decision};
use super::observed::Observed;
use super::proposal::{slots, whole_within};
use crate::reconcile::capacity::policy::Policy;

/// What was last seen longer ago than this is not seen.
const SEEN_AGE_MAX: TimeDelta = TimeDelta::seconds(30);
/// What was seen this far in the future was seen by another clock: ours was set back.
const SEEN_AHEAD_MAX: TimeDelta = TimeDelta::seconds(5);

/// What comes before any load: is the number known, ours, and free to move?
pub(super) fn not_now(
    policy: &Policy,
    seen: &Observed,
    current: u32,
    now: DateTime<Utc>,
) -> Option<Decision> {
    if seen.forbidden.is_some() {
        return Some(Decision::hold(Because::Forbidden, current));
    }
    let age = seen.seen_at.map(|at| now - at);
    if age.is_none_or(|age| age > SEEN_AGE_MAX || age < -SEEN_AHEAD_MAX) {
        return Some(Decision::hold(Because::NotSeen, current));
    }
    if let Some(frozen) = &seen.frozen {
        return Some(Decision::hold(Because::Frozen, current).until(frozen.until));
    }
    if let Some(locked) = &seen.locked {
        return Some(Decision::hold(Because::Locked, current).until(locked.until));
    }
    let max = policy.tasks_max;
    if current <= max {
        return None;
    }
    let above = Decision::hold(Because::AboveMaximum, current).wanting(max);
    match &seen.held_in {
        Some(held) => Some(Decision { because: Because::Held, ..above }.until(held.until)),
        None => Some(Decision { to: max, ..above }),
    }
}

/// Removes down to `want` as far as nothing stands in the way.
pub(super) fn remove(
    policy: &Policy,
    seen: &Observed,
    current: u32,
    now: DateTime<Utc>,
    want: u32,
) -> Decision {
    let hold = |because: Because| Decision::hold(because, current).wanting(want);
    if let Some(held) = &seen.held_in {
        return hold(Because::Held).until(held.until);
    }
    if let Some(run) = &seen.run {
        return hold(Because::Run).until(run.until);
    }
    if seen.deploying {
        return hold(Because::Deployment);
    }
    if let Some(at) = seen.past.changed_at
        && now - at < policy.cooldown_in
    {
        return hold(Because::CoolingDown).until(Some(at + policy.cooldown_in));
    }
    if seen.past.reversals(now) >= policy.reversals_max {
        return hold(Because::Oscillation).until(seen.past.calmer_at(now));
    }
    let step = whole_within(f64::from(current) * policy.step_in).max(1);
    let lowest = want.max(current.saturating_sub(step));
    // The smallest size at which no target is about to ask for more again.
    match (lowest..current).find(|to| admitted(policy, seen, *to)) {
        Some(to) => Decision { to, ..hold(Because::LessLoad) },
        None => hold(Because::WouldFlap),
    }
}

/// Would every target still be clear of its limit with `to` of them?
fn admitted(policy: &Policy, seen: &Observed, to: u32) -> bool {
    policy.targets.iter().all(|target| {
        slots(seen, target).first().copied().flatten().is_some_and(|sample| {
            let projected = sample.value * f64::from(sample.tasks) / f64::from(to);
            projected <= target.value * (1.0 - policy.band / 2.0)
        })
    })
}
