//! A decision in sentences. Made only when somebody reads it: a simulation of a year does not.

use chrono::{DateTime, Utc};

use super::decision::{Because, By, Decision, Proposal, Wish};
use super::observed::{Block, Observed};
use super::proposal::slots;
use crate::reconcile::capacity::policy::{Metric, Policy, Target, Unit};

/// What a decision says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub reason: String,
    /// The proposals that lost, each with its reason.
    pub losing: Vec<String>,
    /// What it was decided from.
    pub inputs: Vec<String>,
}

impl Decision {
    /// The decision in words. `policy`, `seen` and `now` are those that it was made from.
    #[must_use]
    pub fn explain(&self, policy: &Policy, seen: &Observed, now: DateTime<Utc>) -> Words {
        let speaker = Speaker { decision: self, policy, seen, now };
        let reason = speaker.reason();
        Words { losing: speaker.losing(&reason), inputs: speaker.inputs(), reason }
    }
}

struct Speaker<'a> {
    decision: &'a Decision,
    policy: &'a Policy,
    seen: &'a Observed,
    now: DateTime<Utc>,
}

impl Speaker<'_> {
    fn reason(&self) -> String {
        let Decision { from, to, .. } = *self.decision;
        if self.seen.current.is_none() {
            return format!("hold: {} was never seen", self.thing());
        }
        if from == to {
            format!("hold {from}: {}", self.why_it_stays())
        } else {
            format!("{from} → {to}: {}", self.why_it_moves())
        }
    }

    fn why_it_moves(&self) -> String {
        let Decision { because, want, to, .. } = *self.decision;
        match because {
            Because::AboveMaximum => format!("above the maximum of {to}"),
            Because::LessLoad => self.targets(),
            _ if want > to => format!("{}, limited from {want}", self.winner()),
            _ => self.winner(),
        }
    }

    fn why_it_stays(&self) -> String {
        let Decision { because, from, want, .. } = *self.decision;
        let wants = |but: String| format!("wants {want}, but {but}");
        match because {
            Because::NotSeen => self.age(),
            Because::Forbidden => self.seen.forbidden.clone().unwrap_or_default(),
            Because::Frozen => said(self.seen.frozen.as_ref()),
            Because::Locked => said(self.seen.locked.as_ref()),
            Because::Held if want > from => wants(said(self.seen.held_out.as_ref())),
            Because::Held => wants(said(self.seen.held_in.as_ref())),
            Because::AtMaximum => self.at_maximum(),
            Because::Starting => self.winner(),
            Because::Unknown if want < from => {
                wants(format!("{}; unknown never scales in", self.winner()))
            }
            Because::Unknown => self.blind(),
            Because::Disagreement => {
                wants(format!("{}; all must agree to scale in", self.winner()))
            }
            Because::Boost => wants(self.boost()),
            Because::Run => wants(said(self.seen.run.as_ref())),
            Because::Deployment => wants(match self.policy.unit {
                Unit::Tasks => "a deployment is running".to_owned(),
                Unit::Readers => "the cluster is not available".to_owned(),
            }),
            Because::CoolingDown => wants(format!("cooling down{}", self.until())),
            Because::Oscillation => wants(format!(
                "it was removed and added again {} times within an hour; only adding{}",
                self.seen.past.reversals(self.now),
                self.until()
            )),
            Because::WouldFlap => wants("one less would be close to growing again".to_owned()),
            Because::AtFloor => self.at_floor(),
            Because::Steady
            | Because::AboveMaximum
            | Because::BelowFloor
            | Because::Load
            | Because::LessLoad => self.targets(),
        }
    }

    fn age(&self) -> String {
        let thing = self.thing();
        let Some(at) = self.seen.seen_at else { return format!("{thing} was never seen") };
        let seconds = (self.now - at).num_seconds();
        if seconds < 0 {
            return format!(
                "{thing} was last seen {} s from now: the clock was set back",
                -seconds
            );
        }
        format!("{thing} was last seen {seconds} s ago")
    }

    fn at_maximum(&self) -> String {
        let wants = self.decision.want;
        let limit =
            if self.decision.until.is_some() { "the schedule's maximum" } else { "the maximum" };
        format!("{}, but at {limit}{}; wants {wants}", self.winner(), self.until())
    }

    fn at_floor(&self) -> String {
        let floors = self.decision.proposals.iter().filter(|one| match one.wish {
            Wish::Keep(tasks) => {
                !one.by.load() && one.by != By::Minimum && tasks >= self.decision.from
            }
            _ => false,
        });
        let mut parts = vec![self.targets()];
        parts.extend(floors.map(|one| self.why(one)));
        parts.join("; ")
    }

    /// Nothing is known of the load; what comes next if it stays so.
    fn blind(&self) -> String {
        let mut said = self.targets();
        if self.decision.blind
            && let Some(floor) = self.decision.proposals.iter().find(|one| one.by == By::Fallback)
        {
            said = format!("{said}; {}", self.why(floor));
        } else if self.decision.blind && self.decision.until.is_some() {
            said = format!("{said}; blind{}, then the safe floor", self.until());
        }
        said
    }

    fn boost(&self) -> String {
        let keeps = |one: &&Proposal| one.by.load() && matches!(one.wish, Wish::Keep(_));
        let boosts = self.decision.proposals.iter().filter(keeps);
        boosts.map(|one| self.why(one)).collect::<Vec<_>>().join("; ")
    }

    fn winner(&self) -> String {
        let winner = self.decision.winner.and_then(|index| self.decision.proposals.get(index));
        winner.map_or_else(String::new, |one| self.why(one))
    }

    /// What all targets say, in the policy's order.
    fn targets(&self) -> String {
        let targets = self.decision.proposals.iter().filter(|one| matches!(one.by, By::Target(_)));
        targets.map(|one| self.why(one)).collect::<Vec<_>>().join("; ")
    }

    fn why(&self, one: &Proposal) -> String {
        let size = match one.wish {
            Wish::More(size) | Wish::Keep(size) | Wish::Fewer(size) | Wish::Starting(size) => size,
            Wish::Near | Wish::Tight | Wish::Blind { .. } | Wish::Gaps { .. } => self.decision.from,
        };
        match one.by {
            By::Target(metric) => self.target(metric, one.wish),
            By::Rise(metric) => {
                let newest = self.newest(metric).unwrap_or_default();
                format!("{newest} and rising steeply; {size} {} before it is there", self.unit())
            }
            By::Errors => self.breach("errors", self.seen.error_percent.fresh(), "%"),
            By::Latency => self.breach("p95", self.seen.p95_ms.fresh(), " ms"),
            By::Minimum => format!("below the minimum of {size}"),
            By::Schedule(index) => {
                let name = self.policy.schedules.get(index).map_or("", |one| one.name.as_str());
                format!("the schedule {name} asks for {size}{}", self.until_of(one))
            }
            By::Floor(index) => {
                self.seen.floors.get(index).map_or_else(String::new, |one| one.why.clone())
            }
            By::Fallback => {
                let since = self.seen.past.blind_since.unwrap_or(self.now);
                let clock = since.format("%H:%M:%S");
                format!("no target has been known since {clock}: the safe floor is {size}")
            }
        }
    }

    fn target(&self, metric: Metric, wish: Wish) -> String {
        let (word, unit) = (metric.word(), self.unit());
        let newest = self.newest(metric).unwrap_or_default();
        let Some(target) = self.policy.targets.iter().find(|one| one.metric == metric) else {
            return String::new();
        };
        let goal = metric.say(target.value);
        let (points_out, points_in) = (self.policy.points_out, self.policy.points_in);
        let current = self.decision.from;
        match wish {
            Wish::Blind { known } => {
                format!("{word} unknown: {known} of the newest {points_out} points")
            }
            Wish::Gaps { known } => format!(
                "{newest} of target {goal}, but {word} known for {known} of {points_in} points"
            ),
            Wish::More(_) => format!("{newest} above target {goal} for {points_out} points"),
            Wish::Starting(_) => format!("{newest} above target {goal}, {current} {unit} will do"),
            Wish::Near | Wish::Keep(_) => format!("{newest} of target {goal}"),
            Wish::Tight if current == self.policy.tasks_min => {
                format!("{newest} of target {goal}, at the minimum")
            }
            Wish::Tight if self.floored() => format!("{newest} of target {goal}, at the floor"),
            Wish::Tight => format!("{newest} of target {goal}, one less would exceed it"),
            Wish::Fewer(_) => {
                let edge = metric.say(target.value * (1.0 - self.policy.band));
                format!("{newest} below {edge} for {points_in} points")
            }
        }
    }

    /// Does a floor keep the size where it is?
    fn floored(&self) -> bool {
        self.decision.proposals.iter().any(|one| match one.wish {
            Wish::Keep(tasks) => !one.by.load() && tasks >= self.decision.from,
            _ => false,
        })
    }

    fn breach(&self, word: &str, value: Option<f64>, unit: &str) -> String {
        let boost = self.policy.boost.as_ref();
        let limit = boost.and_then(|one| if unit == "%" { one.error_percent } else { one.p95_ms });
        let add = boost.map_or(0.0, |one| one.add * 100.0);
        let (value, limit) = (value.unwrap_or_default(), limit.unwrap_or_default());
        format!("{word} {value:.1}{unit} above {limit:.1}{unit}, so {add:.0}% more than the load")
    }

    fn newest(&self, metric: Metric) -> Option<String> {
        let target = Target { metric, value: 1.0 };
        let sample = slots(self.seen, &target).first().copied().flatten()?;
        Some(metric.say(sample.value))
    }

    fn until(&self) -> String {
        let until = self.decision.until;
        until.map_or_else(String::new, |at| format!(" until {}", at.format("%H:%M:%S")))
    }

    /// The end of a schedule's window, when it is this proposal that decided.
    fn until_of(&self, one: &Proposal) -> String {
        let winner = self.decision.winner.and_then(|index| self.decision.proposals.get(index));
        let decided = winner == Some(one) || self.decision.because == Because::AtFloor;
        if decided { self.until() } else { String::new() }
    }

    fn unit(&self) -> &'static str {
        self.policy.unit.name()
    }

    fn thing(&self) -> &'static str {
        match self.policy.unit {
            Unit::Tasks => "the service",
            Unit::Readers => "the database",
        }
    }

    /// Every proposal that is not in the reason, apart from a minimum that nobody went near.
    fn losing(&self, reason: &str) -> Vec<String> {
        let told = |one: &Proposal| {
            let why = self.why(one);
            let idle = one.by == By::Minimum && matches!(one.wish, Wish::Keep(_));
            (!idle && !reason.contains(&why)).then(|| match one.wish {
                Wish::More(want) => format!("add to {want}: {why}"),
                Wish::Keep(want) => format!("keep {want}: {why}"),
                Wish::Fewer(want) => format!("remove to {want}: {why}"),
                Wish::Near | Wish::Tight => format!("stay: {why}"),
                Wish::Starting(want) => format!("stay ({want} wanted): {why}"),
                Wish::Blind { .. } | Wish::Gaps { .. } => format!("nothing: {why}"),
            })
        };
        self.decision.proposals.iter().filter_map(told).collect()
    }

    fn inputs(&self) -> Vec<String> {
        let unit = self.unit();
        let newest = |target: &Target| match slots(self.seen, target).first().copied().flatten() {
            Some(sample) => {
                format!("{} over {} {unit}", target.metric.say(sample.value), sample.tasks)
            }
            None => format!("{} unknown", target.metric.word()),
        };
        self.policy.targets.iter().map(newest).collect()
    }
}

fn said(block: Option<&Block>) -> String {
    block.map_or_else(String::new, |block| block.why.clone())
}
