//! What the load asks for: by each target, and by signs that more is coming.

use super::decision::{By, Proposal, Wish};
use super::observed::Observed;
use crate::readings::{Sample, Window};
use crate::reconcile::capacity::policy::{Boost, Policy, Rise, Target};

/// A rise is taken to go on, but never beyond twice what is there: a spike is no trend.
const RISE_MAX: f64 = 2.0;

/// What one target asks for. `floor` is what removing must not go below in any case.
pub(super) fn target(
    policy: &Policy,
    target: &Target,
    seen: &Observed,
    current: u32,
    floor: u32,
) -> Wish {
    let slots = slots(seen, target);
    let newest = slots.get(..policy.points_out).unwrap_or(slots);
    let known = newest.iter().flatten().count();
    if known < policy.points_out {
        return Wish::Blind { known };
    }
    let largest = |samples: &[Option<Sample>]| {
        let wants = samples.iter().flatten().map(|one| wanted(*one, target.value));
        wants.max().unwrap_or(current)
    };
    if newest.iter().flatten().all(|sample| sample.value > target.value) {
        let want = largest(newest);
        return if want > current { Wish::More(want) } else { Wish::Starting(want) };
    }
    let edge = target.value * (1.0 - policy.band);
    let window = slots.get(..policy.points_in).unwrap_or(slots);
    if window.iter().flatten().any(|sample| sample.value >= edge) {
        return Wish::Near;
    }
    let known = window.iter().flatten().count();
    if known < policy.points_in {
        return Wish::Gaps { known };
    }
    let want = largest(window).max(floor);
    if want < current { Wish::Fewer(want) } else { Wish::Tight }
}

/// Every boost that stands. `calm`: no run and no deployment explains errors and slowness.
pub(super) fn boosts(
    policy: &Policy,
    seen: &Observed,
    current: u32,
    calm: bool,
    out: &mut Vec<Proposal>,
) {
    let Some(boost) = &policy.boost else { return };
    let mut propose = |by: By, want: u32| {
        let wish = if want > current { Wish::More(want) } else { Wish::Keep(want) };
        out.push(Proposal { by, wish });
    };
    if let Some(rise) = &boost.rise {
        for one in &policy.targets {
            if let Some(want) = risen(rise, one, seen) {
                propose(By::Rise(one.metric), want);
            }
        }
    }
    // More of a bad version, or more in front of a database that fails over, helps nobody.
    if !calm {
        return;
    }
    let breach = |limit: Option<f64>, value: Option<f64>| {
        limit.zip(value).is_some_and(|(limit, value)| value > limit)
    };
    let errors = breach(boost.error_percent, seen.error_percent.fresh());
    let slow = breach(boost.p95_ms, seen.p95_ms.fresh());
    if !errors && !slow {
        return;
    }
    let Some(want) = enlarged(policy, boost, seen) else { return };
    if errors {
        propose(By::Errors, want);
    }
    if slow {
        propose(By::Latency, want);
    }
}

/// The size for the newest load as if it were larger by the boost's share. Absolute, so that a
/// breach that lasts does not grow it again and again.
fn enlarged(policy: &Policy, boost: &Boost, seen: &Observed) -> Option<u32> {
    let of = |target: &Target| {
        let sample = slots(seen, target).first().copied().flatten()?;
        let larger = Sample { value: sample.value * (1.0 + boost.add), ..sample };
        Some(wanted(larger, target.value))
    };
    policy.targets.iter().filter_map(of).max()
}

/// The size for the load that is coming, if it grows steeply.
fn risen(rise: &Rise, target: &Target, seen: &Observed) -> Option<u32> {
    let [Some(newest), Some(before), ..] = *slots(seen, target) else { return None };
    // While the number of tasks changes, an average over them shows growth that is not there.
    if !target.metric.exact() && newest.tasks != before.tasks {
        return None;
    }
    let (load, load_before) = (total(newest), total(before));
    if load < load_before * (1.0 + rise.share) || load_before <= 0.0 {
        return None;
    }
    let coming = (load + (load - load_before) * rise.periods).min(load * RISE_MAX);
    Some(ceiling(coming / target.value))
}

fn total(sample: Sample) -> f64 {
    sample.value * f64::from(sample.tasks)
}

/// The periods of a target's signal, newest first.
pub(super) fn slots<'s>(seen: &'s Observed, target: &Target) -> &'s [Option<Sample>] {
    let window: Option<&Window> = seen.windows.get(target.metric.signal());
    window.map_or(&[], |window| window.slots.as_slice())
}

/// How many bring the value to the target, rounded up.
fn wanted(sample: Sample, target: f64) -> u32 {
    ceiling(total(sample) / target)
}

/// The smallest whole number that is enough. Noise in the last digits must not cost a task.
pub(super) fn ceiling(exact: f64) -> u32 {
    whole((exact - 1e-9).ceil())
}

/// The largest whole number within. Noise in the last digits must not forbid one.
pub(super) fn whole_within(exact: f64) -> u32 {
    whole((exact + 1e-9).floor())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u32 on the line of the cast"
)]
fn whole(value: f64) -> u32 {
    value.clamp(0.0, f64::from(u32::MAX)) as u32
}
