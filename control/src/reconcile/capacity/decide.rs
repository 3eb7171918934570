//! Chooses the service's size. Pure: what was seen goes in, a decision with its reason comes out.
//!
//! Each target proposes by proportion: tasks × value ÷ target, rounded up, which is stable by
//! itself. The largest proposal to add wins; to remove, all must agree on closed, fresh points,
//! and the size after it must not be about to grow again. What is unknown never removes a task.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::policy::{Metric, Policy, Target};
use crate::readings::Window;

/// A service that was last seen longer ago than this is not seen.
const SEEN_AGE_MAX: TimeDelta = TimeDelta::seconds(30);
/// At most so many tasks are added at once, or as many as there are if that is more.
const STEP_OUT_MIN: u32 = 4;
/// At most one task in so many is removed at once, and always at least one may be.
const STEP_IN_SHARE: u32 = 10;

/// What the loop saw.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The number that control moves: desired tasks in mode `own`, minimum capacity in `floor`.
    /// `None` when it was never seen.
    pub current: Option<u32>,
    pub seen_at: Option<DateTime<Utc>>,
    /// By signal.
    pub windows: BTreeMap<String, Window>,
    /// When the size last changed, by whomever.
    pub changed_at: Option<DateTime<Utc>>,
    /// A deployment is replacing tasks.
    pub deploying: bool,
    /// Why nothing may be removed, or added: somebody holds it.
    pub held_in: Option<String>,
    pub held_out: Option<String>,
    /// Why control must not move this number at all.
    pub forbidden: Option<String>,
}

/// What was decided. Holding is a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub because: Because,
    pub from: u32,
    pub to: u32,
    pub reason: String,
    /// The proposals that lost, each with its reason.
    pub losing: Vec<String>,
    /// What it was decided from, in words.
    pub inputs: Vec<String>,
}

impl Decision {
    /// `scale_out`, `scale_in` or `hold`.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self.to.cmp(&self.from) {
            std::cmp::Ordering::Greater => "scale_out",
            std::cmp::Ordering::Less => "scale_in",
            std::cmp::Ordering::Equal => "hold",
        }
    }
}

/// The kind of reason: a change of it is worth an event, a change of a number in it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    NotSeen,
    Forbidden,
    BelowMinimum,
    AboveMaximum,
    Load,
    LessLoad,
    AtMaximum,
    AtMinimum,
    Held,
    Starting,
    Steady,
    Unknown,
    Disagreement,
    Deployment,
    CoolingDown,
    WouldFlap,
}

/// What one target wants.
#[derive(Clone, Debug, PartialEq)]
enum Proposal {
    /// More tasks: the load of all, and why.
    More {
        want: u32,
        why: String,
    },
    /// Fewer tasks.
    Fewer {
        want: u32,
        why: String,
    },
    Steady {
        why: String,
    },
    /// Starting tasks are already enough.
    Starting {
        want: u32,
        why: String,
    },
    Unknown {
        why: String,
    },
}

/// Decides the size, or says why it stays.
///
/// # Panics
///
/// When the policy was not checked: limits in the wrong order, no target, a target of zero.
#[must_use]
pub fn decide(policy: &Policy, seen: &Observed, now: DateTime<Utc>) -> Decision {
    assert!(1 <= policy.tasks_min && policy.tasks_min <= policy.tasks_max, "unchecked limits");
    assert!(policy.targets.iter().all(|target| target.value > 0.0), "unchecked target");
    assert!(!policy.targets.is_empty(), "a policy without a target");
    let Some(current) = seen.current else {
        return Decision::new(Because::NotSeen, (0, 0), "hold: the service was never seen");
    };
    if let Some(decision) = not_now(policy, seen, current, now) {
        return decision;
    }
    let proposals: Vec<Proposal> =
        policy.targets.iter().map(|target| propose(policy, target, seen, current)).collect();
    let mut decision = match largest(&proposals) {
        Some((want, why)) => add(policy, seen, current, want, why),
        None => remove_or_stay(policy, seen, current, now, &proposals),
    };
    decision.losing = losing(&proposals, &decision);
    decision.inputs = inputs(policy, seen);
    decision
}

impl Decision {
    fn new(because: Because, (from, to): (u32, u32), reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { because, from, to, reason, losing: Vec::new(), inputs: Vec::new() }
    }

    fn hold(because: Because, current: u32, why: impl std::fmt::Display) -> Self {
        Self::new(because, (current, current), format!("hold {current}: {why}"))
    }
}

/// What comes before any load: is the number known, ours, and within its limits?
fn not_now(policy: &Policy, seen: &Observed, current: u32, now: DateTime<Utc>) -> Option<Decision> {
    if let Some(why) = &seen.forbidden {
        return Some(Decision::hold(Because::Forbidden, current, why));
    }
    let age = seen.seen_at.map_or(TimeDelta::MAX, |at| now - at);
    if age > SEEN_AGE_MAX {
        let why = format!("the service was last seen {} s ago", age.num_seconds());
        return Some(Decision::hold(Because::NotSeen, current, why));
    }
    let (min, max) = (policy.tasks_min, policy.tasks_max);
    if current < min {
        if let Some(why) = &seen.held_out {
            return Some(Decision::hold(Because::Held, current, why));
        }
        let reason = format!("{current} → {min}: below the minimum of {min}");
        return Some(Decision::new(Because::BelowMinimum, (current, min), reason));
    }
    if current > max {
        if let Some(why) = &seen.held_in {
            return Some(Decision::hold(Because::Held, current, why));
        }
        let reason = format!("{current} → {max}: above the maximum of {max}");
        return Some(Decision::new(Because::AboveMaximum, (current, max), reason));
    }
    None
}

fn propose(policy: &Policy, target: &Target, seen: &Observed, current: u32) -> Proposal {
    let word = target.metric.word();
    let empty = Window::default();
    let slots = &seen.windows.get(target.metric.signal()).unwrap_or(&empty).slots;
    let goal = target.metric.say(target.value);
    let out: Vec<_> = slots.iter().take(policy.points_out).copied().flatten().collect();
    if out.len() < policy.points_out {
        let known = out.len();
        let why = format!("{word} unknown: {known} of the newest {} points", policy.points_out);
        return Proposal::Unknown { why };
    }
    let newest = target.metric.say(out[0].value);
    if out.iter().all(|sample| sample.value > target.value) {
        let wants = out.iter().map(|sample| wanted(sample.tasks, sample.value, target.value));
        let want = wants.max().unwrap_or(current);
        let points = policy.points_out;
        if want > current {
            let why = format!("{newest} above target {goal} for {points} points");
            return Proposal::More { want, why };
        }
        let why = format!("{newest} above target {goal}, {current} tasks will do");
        return Proposal::Starting { want, why };
    }
    let edge = target.value * (1.0 - policy.band);
    let window: Vec<_> = slots.iter().take(policy.points_in).copied().collect();
    if window.iter().flatten().any(|sample| sample.value >= edge) {
        return Proposal::Steady { why: format!("{newest} of target {goal}") };
    }
    let known: Vec<_> = window.into_iter().flatten().collect();
    if known.len() < policy.points_in {
        let why = format!(
            "{newest} of target {goal}, but {word} known for {} of {} points",
            known.len(),
            policy.points_in
        );
        return Proposal::Unknown { why };
    }
    let wants = known.iter().map(|sample| wanted(sample.tasks, sample.value, target.value));
    let want = wants.max().unwrap_or(current).max(policy.tasks_min);
    if want < current {
        let points = policy.points_in;
        let why = format!("{newest} below {} for {points} points", target.metric.say(edge));
        return Proposal::Fewer { want, why };
    }
    let why = if current == policy.tasks_min {
        format!("{newest} of target {goal}, at the minimum")
    } else {
        format!("{newest} of target {goal}, one less would exceed it")
    };
    Proposal::Steady { why }
}

/// How many tasks bring the value to the target, rounded up.
fn wanted(tasks: u32, value: f64, target: f64) -> u32 {
    let exact = f64::from(tasks) * value / target;
    // Noise in the last digits of a division must not cost a task.
    ceil_to_u32(exact - 1e-9)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u32 on the line of the cast"
)]
fn ceil_to_u32(value: f64) -> u32 {
    value.ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

fn largest(proposals: &[Proposal]) -> Option<(u32, &str)> {
    let more = proposals.iter().filter_map(|proposal| match proposal {
        Proposal::More { want, why } => Some((*want, why.as_str())),
        _ => None,
    });
    more.max_by_key(|(want, _)| *want)
}

fn add(policy: &Policy, seen: &Observed, current: u32, want: u32, why: &str) -> Decision {
    if let Some(held) = &seen.held_out {
        return Decision::hold(Because::Held, current, format!("wants {want}, but {held}"));
    }
    if current == policy.tasks_max {
        let why = format!("{why}, but at the maximum; wants {want}");
        return Decision::hold(Because::AtMaximum, current, why);
    }
    let step = current.saturating_add(current.max(STEP_OUT_MIN));
    let to = want.min(step).min(policy.tasks_max);
    let limit = if to == want { String::new() } else { format!(", limited from {want}") };
    let reason = format!("{current} → {to}: {why}{limit}");
    Decision::new(Because::Load, (current, to), reason)
}

fn remove_or_stay(
    policy: &Policy,
    seen: &Observed,
    current: u32,
    now: DateTime<Utc>,
    proposals: &[Proposal],
) -> Decision {
    let first = |pick: fn(&Proposal) -> Option<&str>| proposals.iter().find_map(pick);
    let why_all = || proposals.iter().map(Proposal::why).collect::<Vec<_>>().join("; ");
    if let Some(why) = first(|p| matches!(p, Proposal::Starting { .. }).then(|| p.why())) {
        return Decision::hold(Because::Starting, current, why);
    }
    let fewer = proposals.iter().filter_map(Proposal::fewer).max();
    let Some(want) = fewer else {
        let unknown = first(|p| matches!(p, Proposal::Unknown { .. }).then(|| p.why()));
        let because = match unknown {
            Some(_) => Because::Unknown,
            None if current == policy.tasks_min => Because::AtMinimum,
            None => Because::Steady,
        };
        return Decision::hold(because, current, why_all());
    };
    if let Some(why) = first(|p| matches!(p, Proposal::Unknown { .. }).then(|| p.why())) {
        let why = format!("wants {want}, but {why}; unknown never scales in");
        return Decision::hold(Because::Unknown, current, why);
    }
    if let Some(why) = first(|p| matches!(p, Proposal::Steady { .. }).then(|| p.why())) {
        let why = format!("wants {want}, but {why}; all must agree to scale in");
        return Decision::hold(Because::Disagreement, current, why);
    }
    remove(policy, seen, current, now, want, &why_all())
}

fn remove(
    policy: &Policy,
    seen: &Observed,
    current: u32,
    now: DateTime<Utc>,
    want: u32,
    why: &str,
) -> Decision {
    if let Some(held) = &seen.held_in {
        return Decision::hold(Because::Held, current, format!("wants {want}, but {held}"));
    }
    if seen.deploying {
        let why = format!("wants {want}, but a deployment is running");
        return Decision::hold(Because::Deployment, current, why);
    }
    let since = seen.changed_at.map_or(TimeDelta::MAX, |at| now - at);
    if since < policy.cooldown_in {
        let left = (policy.cooldown_in - since).num_seconds();
        let why = format!("wants {want}, cooling down for {left} s");
        return Decision::hold(Because::CoolingDown, current, why);
    }
    let step = (current / STEP_IN_SHARE).max(1);
    let lowest = want.max(current - step);
    // The smallest size at which no target is about to ask for more again.
    let Some(to) = (lowest..current).find(|to| admitted(policy, seen, *to)) else {
        let why = format!("wants {want}, but {lowest} tasks would be close to growing again");
        return Decision::hold(Because::WouldFlap, current, why);
    };
    let reason = format!("{current} → {to}: {why}");
    Decision::new(Because::LessLoad, (current, to), reason)
}

/// Would every target still be clear of its limit with `to` tasks?
fn admitted(policy: &Policy, seen: &Observed, to: u32) -> bool {
    policy.targets.iter().all(|target| {
        let newest = seen.windows.get(target.metric.signal()).and_then(|w| *w.slots.first()?);
        newest.is_some_and(|sample| {
            let projected = sample.value * f64::from(sample.tasks) / f64::from(to);
            projected <= target.value * (1.0 - policy.band / 2.0)
        })
    })
}

impl Proposal {
    fn why(&self) -> &str {
        match self {
            Self::More { why, .. }
            | Self::Fewer { why, .. }
            | Self::Steady { why }
            | Self::Starting { why, .. }
            | Self::Unknown { why } => why,
        }
    }

    fn fewer(&self) -> Option<u32> {
        match self {
            Self::Fewer { want, .. } => Some(*want),
            _ => None,
        }
    }

    fn say(&self) -> String {
        match self {
            Self::More { want, why } => format!("add to {want}: {why}"),
            Self::Fewer { want, why } => format!("remove to {want}: {why}"),
            Self::Steady { why } => format!("stay: {why}"),
            Self::Starting { want, why } => format!("stay ({want} wanted): {why}"),
            Self::Unknown { why } => format!("nothing: {why}"),
        }
    }
}

/// Every proposal that is not the one that was taken.
fn losing(proposals: &[Proposal], decision: &Decision) -> Vec<String> {
    let taken = |proposal: &&Proposal| decision.reason.contains(proposal.why());
    let lost = proposals.iter().filter(|proposal| !taken(proposal));
    lost.map(Proposal::say).collect()
}

fn inputs(policy: &Policy, seen: &Observed) -> Vec<String> {
    let newest = |metric: Metric| {
        let slot = seen.windows.get(metric.signal()).and_then(|w| *w.slots.first()?);
        match slot {
            Some(sample) => format!("{} over {} tasks", metric.say(sample.value), sample.tasks),
            None => format!("{} unknown", metric.word()),
        }
    };
    policy.targets.iter().map(|target| newest(target.metric)).collect()
}
