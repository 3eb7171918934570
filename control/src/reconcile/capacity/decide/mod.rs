//! Chooses a size. Pure: what was seen goes in, a decision with its reason comes out.
//!
//! Each target proposes by proportion: tasks × value ÷ target, rounded up, which is stable by
//! itself. Boosts, schedules, people, the forecast and the fallback propose beside them. The
//! largest proposal to add wins; to remove, all must agree on closed, fresh points, no floor may
//! stand in the way, and the size after it must not be about to grow again. What is unknown never
//! removes a task. Guards come last, and every one of them can only hold.

mod decision;
mod floor;
mod guard;
mod observed;
mod proposal;
mod words;

use chrono::{DateTime, Utc};

use super::policy::Policy;
pub use decision::{Because, By, Decision, Proposal, Wish};
use floor::Limits;
pub use observed::{Block, Floor, FloorSource, Observed};
pub use words::Words;

/// At least so many may be added at once, however few there are.
const STEP_OUT_MIN: u32 = 4;

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
        return Decision::hold(Because::NotSeen, 0);
    };
    if let Some(decision) = guard::not_now(policy, seen, current, now) {
        return decision;
    }
    let mut limits = Limits::at(policy, seen, now);
    let floor = limits.highest().tasks;
    let mut proposals = Vec::with_capacity(policy.targets.len() + limits.floors.len() + 2);
    for target in &policy.targets {
        let wish = proposal::target(policy, target, seen, current, floor);
        proposals.push(Proposal { by: By::Target(target.metric), wish });
    }
    let blind = proposals.iter().all(|one| matches!(one.wish, Wish::Blind { .. }));
    if blind {
        limits.fall_back(policy, seen, now);
    }
    let calm = seen.run.is_none() && !seen.deploying;
    proposal::boosts(policy, seen, current, calm, &mut proposals);
    for floor in &limits.floors {
        let tasks = floor.tasks;
        let wish = if tasks > current { Wish::More(tasks) } else { Wish::Keep(tasks) };
        proposals.push(Proposal { by: floor.by, wish });
    }
    let decision = match largest(&proposals) {
        Some((winner, want)) => add(policy, seen, &limits, current, &proposals, want)
            .unwrap_or_else(|| {
                let hold = Decision::hold(Because::AtMaximum, current);
                hold.wanting(want).by(winner).until(limits.ceiling_until)
            }),
        None => remove_or_stay(policy, seen, &limits, current, now, &proposals),
    };
    let until = if blind && decision.because == Because::Unknown {
        fallback_at(policy, seen, now)
    } else {
        decision.until
    };
    Decision { blind, proposals, until, ..decision }
}

/// The first of the largest proposals to add.
fn largest(proposals: &[Proposal]) -> Option<(usize, u32)> {
    let mut largest = None;
    for (index, one) in proposals.iter().enumerate() {
        if let Wish::More(want) = one.wish
            && largest.is_none_or(|(_, most)| want > most)
        {
            largest = Some((index, want));
        }
    }
    largest
}

/// Adds what the proposal that may go furthest asks for; `None` when none may go anywhere.
fn add(
    policy: &Policy,
    seen: &Observed,
    limits: &Limits,
    current: u32,
    proposals: &[Proposal],
    want: u32,
) -> Option<Decision> {
    let step = proposal::ceiling(f64::from(current) * policy.step_out).max(STEP_OUT_MIN);
    let reach = |one: &Proposal| match one.wish {
        Wish::More(want) if one.by.load() => {
            Some((want.min(limits.ceiling).min(current.saturating_add(step)), want))
        }
        Wish::More(want) => Some((want, want)),
        _ => None,
    };
    let mut best: Option<(usize, u32, u32)> = None;
    for (index, (to, want)) in
        proposals.iter().enumerate().filter_map(|(index, one)| Some((index, reach(one)?)))
    {
        if to > current && best.is_none_or(|(_, most, _)| to > most) {
            best = Some((index, to, want));
        }
    }
    if let Some(held) = &seen.held_out {
        return Some(Decision::hold(Because::Held, current).wanting(want).until(held.until));
    }
    let (winner, to, want) = best?;
    let by = proposals[winner].by;
    let because = match by {
        By::Target(_) => Because::Load,
        By::Rise(_) | By::Errors | By::Latency => Because::Boost,
        By::Minimum | By::Schedule(_) | By::Floor(_) | By::Fallback => Because::BelowFloor,
    };
    let until = limits.floors.iter().find(|floor| floor.by == by).and_then(|floor| floor.until);
    let decision = Decision::hold(because, current).wanting(want).by(winner).until(until);
    Some(Decision { to, ..decision })
}

fn remove_or_stay(
    policy: &Policy,
    seen: &Observed,
    limits: &Limits,
    current: u32,
    now: DateTime<Utc>,
    proposals: &[Proposal],
) -> Decision {
    let first = |is: fn(&Wish) -> bool| proposals.iter().position(|one| is(&one.wish));
    if let Some(index) = first(|wish| matches!(wish, Wish::Starting(_))) {
        return Decision::hold(Because::Starting, current).by(index);
    }
    let unknown = first(|wish| matches!(wish, Wish::Blind { .. } | Wish::Gaps { .. }));
    let fewer = proposals.iter().filter_map(|one| match one.wish {
        Wish::Fewer(want) => Some(want),
        _ => None,
    });
    let Some(want) = fewer.max() else {
        let floor = limits.highest();
        return match unknown {
            Some(_) => Decision::hold(Because::Unknown, current),
            None if current <= floor.tasks => {
                Decision::hold(Because::AtFloor, current).until(floor.until)
            }
            None => Decision::hold(Because::Steady, current),
        };
    };
    let hold = |because: Because| Decision::hold(because, current).wanting(want);
    if let Some(index) = unknown {
        return hold(Because::Unknown).by(index);
    }
    if let Some(index) = first(|wish| matches!(wish, Wish::Near | Wish::Tight)) {
        return hold(Because::Disagreement).by(index);
    }
    // A boost that stands is a floor for as long as it stands.
    let boosted = proposals.iter().filter_map(|one| match one.wish {
        Wish::Keep(keep) if one.by.load() => Some(keep),
        _ => None,
    });
    let want = boosted.max().map_or(want, |keep| keep.max(want));
    if want >= current {
        return hold(Because::Boost);
    }
    guard::remove(policy, seen, current, now, want)
}

/// When the safe floor comes, for those who see nothing and are not there yet.
fn fallback_at(policy: &Policy, seen: &Observed, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = seen.past.blind_since.unwrap_or(now) + policy.fallback.as_ref()?.after;
    (at > now).then_some(at)
}
