//! How many tasks target tracking wants. Pure: a table of points in, a number with its reason out.
//!
//! As AWS documents it: out when the last three points are all above the target, in when the last
//! fifteen are all below nine tenths of it; the size is proportional and rounded up; of several
//! policies the largest size wins, and all must agree to shrink; a missing point decides nothing.

use chrono::{DateTime, TimeDelta, Utc};

/// Points that must all breach before capacity is added.
const POINTS_OUT: usize = 3;
/// Points that must all be low before capacity is removed.
const POINTS_IN: usize = 15;
/// AWS does not publish the band; this is what is observed for ECS.
const LOW_SHARE: f64 = 0.9;

/// One policy with what it saw, newest point last, one value per closed period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tracked {
    pub policy: String,
    pub target: f64,
    pub points: Vec<f64>,
    pub scale_in: bool,
    pub out_cooldown: TimeDelta,
    pub in_cooldown: TimeDelta,
}

/// The scaled resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Capacity {
    pub desired: u32,
    pub min: u32,
    pub max: u32,
    /// A deployment is under way: nothing is removed.
    pub deploying: bool,
    pub out_suspended: bool,
    pub in_suspended: bool,
    /// When capacity was last added, and what it was before.
    pub last_out: Option<(DateTime<Utc>, u32)>,
    pub last_in: Option<DateTime<Utc>>,
}

/// A new size and the policy that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub to: u32,
    pub policy: String,
}

/// Decides; none to leave it as it is.
pub(super) fn decide(
    tracked: &[Tracked],
    capacity: &Capacity,
    now: DateTime<Utc>,
) -> Option<Change> {
    let largest = |changes: Vec<Change>| changes.into_iter().max_by_key(|change| change.to);
    let outs = tracked.iter().filter_map(|one| Some(change(one, out(one, capacity, now)?)));
    if let Some(change) = largest(outs.collect()) {
        let to = change.to.min(capacity.max);
        return (to > capacity.desired && !capacity.out_suspended)
            .then_some(Change { to, ..change });
    }
    if capacity.deploying || capacity.in_suspended {
        return None;
    }
    let shrinking = tracked.iter().filter(|one| one.scale_in);
    let ins: Option<Vec<Change>> =
        shrinking.map(|one| Some(change(one, inward(one, capacity, now)?))).collect();
    let change = largest(ins?)?;
    let to = change.to.max(capacity.min);
    (to < capacity.desired).then_some(Change { to, ..change })
}

fn change(one: &Tracked, to: u32) -> Change {
    Change { to, policy: one.policy.clone() }
}

/// The larger size that this policy wants.
fn out(one: &Tracked, capacity: &Capacity, now: DateTime<Utc>) -> Option<u32> {
    let recent = last(&one.points, POINTS_OUT)?;
    if recent.iter().any(|value| *value <= one.target) {
        return None;
    }
    // Capacity that was just added is not yet in the points, so it counts from before.
    let base = match capacity.last_out {
        Some((at, before)) if now - at < one.out_cooldown => before,
        _ => capacity.desired,
    };
    let wanted = proportional(base, *recent.last()?, one.target);
    (wanted > capacity.desired).then_some(wanted)
}

/// The smaller size that this policy would accept.
fn inward(one: &Tracked, capacity: &Capacity, now: DateTime<Utc>) -> Option<u32> {
    let recent = last(&one.points, POINTS_IN)?;
    if recent.iter().any(|value| *value >= one.target * LOW_SHARE) {
        return None;
    }
    let last_change = capacity.last_in.max(capacity.last_out.map(|(at, _)| at));
    if last_change.is_some_and(|at| now - at < one.in_cooldown) {
        return None;
    }
    let wanted = proportional(capacity.desired, *recent.last()?, one.target);
    (wanted < capacity.desired).then_some(wanted)
}

fn last(points: &[f64], count: usize) -> Option<&[f64]> {
    points.get(points.len().checked_sub(count)?..)
}

/// Rounded up: rather one task too many.
fn proportional(current: u32, value: f64, target: f64) -> u32 {
    let wanted = (f64::from(current) * value / target).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of the type just before"
    )]
    let wanted = wanted.clamp(0.0, f64::from(u32::MAX)) as u32;
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range")
    }

    fn cpu(points: &[f64]) -> Tracked {
        Tracked {
            policy: "cpu".into(),
            target: 60.0,
            points: points.to_vec(),
            scale_in: true,
            out_cooldown: TimeDelta::seconds(300),
            in_cooldown: TimeDelta::seconds(300),
        }
    }

    fn six() -> Capacity {
        Capacity {
            desired: 6,
            min: 3,
            max: 9,
            deploying: false,
            out_suspended: false,
            in_suspended: false,
            last_out: None,
            last_in: None,
        }
    }

    #[test]
    fn each_situation_has_its_size() {
        let ago = |seconds| now() - TimeDelta::seconds(seconds);
        let low = [20.0; 15];
        let rows: &[(&str, Vec<Tracked>, Capacity, Option<u32>)] = &[
            ("61 % of 60 adds one to six", vec![cpu(&[61.0; 3])], six(), Some(7)),
            ("two breaching points are not enough", vec![cpu(&[50.0, 61.0, 61.0])], six(), None),
            ("a missing point decides nothing", vec![cpu(&[90.0, 90.0])], six(), None),
            ("never above the maximum", vec![cpu(&[200.0; 3])], six(), Some(9)),
            (
                "added capacity counts within the cooldown",
                vec![cpu(&[80.0; 3])],
                Capacity { desired: 8, last_out: Some((ago(60), 6)), ..six() },
                None,
            ),
            (
                "a bigger breach within the cooldown adds the difference",
                vec![cpu(&[90.0; 3])],
                Capacity { desired: 8, last_out: Some((ago(60), 6)), ..six() },
                Some(9),
            ),
            ("fifteen low points shrink", vec![cpu(&low)], six(), Some(3)),
            ("fourteen do not", vec![cpu(&low[1..])], six(), None),
            ("just below the target is not low", vec![cpu(&[55.0; 15])], six(), None),
            (
                "the cooldown blocks shrinking",
                vec![cpu(&low)],
                Capacity { last_in: Some(ago(299)), ..six() },
                None,
            ),
            (
                "a deployment blocks shrinking",
                vec![cpu(&low)],
                Capacity { deploying: true, ..six() },
                None,
            ),
            ("all must agree to shrink", vec![cpu(&low), cpu(&[58.0; 15])], six(), None),
            ("the largest size wins", vec![cpu(&[61.0; 3]), cpu(&[70.0; 3])], six(), Some(7)),
            ("one may grow while another is low", vec![cpu(&low), cpu(&[75.0; 3])], six(), Some(8)),
            (
                "suspended growth is no growth",
                vec![cpu(&[90.0; 3])],
                Capacity { out_suspended: true, ..six() },
                None,
            ),
            ("without policies nothing happens", vec![], six(), None),
        ];
        for (name, tracked, capacity, want) in rows {
            let got = decide(tracked, capacity, now()).map(|change| change.to);
            assert_eq!(got, *want, "{name}");
        }
    }

    #[test]
    fn proportional_sizes_do_not_flap_at_any_load_between_three_and_nine_tasks() {
        for load in (120..600).step_by(3) {
            let mut capacity = Capacity { desired: 3, ..six() };
            let mut sizes = Vec::new();
            for _ in 0..12 {
                let value = f64::from(load) / f64::from(capacity.desired);
                let change = decide(&[cpu(&[value; 15])], &capacity, now());
                capacity.desired = change.map_or(capacity.desired, |change| change.to);
                sizes.push(capacity.desired);
            }
            assert!(sizes[6..].iter().all(|size| *size == sizes[11]), "load {load}: {sizes:?}");
        }
    }
}
