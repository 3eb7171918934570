//! What comes out of deciding: numbers and kinds, cheap enough to be made a million times a
//! second. [`Decision::explain`](super::words) turns one into sentences.

use chrono::{DateTime, Utc};

use crate::reconcile::capacity::policy::Metric;

/// What was decided. Holding is a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub because: Because,
    pub from: u32,
    pub to: u32,
    /// What was asked for, before guards and limits; `from` when nothing was.
    pub want: u32,
    /// Until when what decided it is known to last: a cooldown, a hold, a floor, a window.
    pub until: Option<DateTime<Utc>>,
    /// No target was known.
    pub blind: bool,
    /// Whose proposal decided it, if one did: an index into `proposals`.
    pub winner: Option<usize>,
    /// What everybody proposed, the targets first and in the policy's order.
    pub proposals: Vec<Proposal>,
}

impl Decision {
    pub(super) fn hold(because: Because, current: u32) -> Self {
        Self {
            because,
            from: current,
            to: current,
            want: current,
            until: None,
            blind: false,
            winner: None,
            proposals: Vec::new(),
        }
    }

    pub(super) fn until(self, until: Option<DateTime<Utc>>) -> Self {
        Self { until, ..self }
    }

    pub(super) fn wanting(self, want: u32) -> Self {
        Self { want, ..self }
    }

    pub(super) fn by(self, winner: usize) -> Self {
        Self { winner: Some(winner), ..self }
    }

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
    Frozen,
    /// A run owns the resource.
    Locked,
    AboveMaximum,
    /// Below the policy's minimum, or a floor of a schedule, a person, the forecast, the fallback.
    BelowFloor,
    Load,
    Boost,
    LessLoad,
    AtMaximum,
    AtFloor,
    Held,
    Starting,
    Steady,
    Unknown,
    Disagreement,
    /// A run or drill is on, and what is measured says little.
    Run,
    Deployment,
    CoolingDown,
    /// It was removed and added again too often.
    Oscillation,
    WouldFlap,
}

/// What somebody proposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    pub by: By,
    pub wish: Wish,
}

/// Who proposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By {
    /// A metric that the size follows.
    Target(Metric),
    /// A load that grows steeply, by this metric.
    Rise(Metric),
    Errors,
    Latency,
    /// The policy's minimum.
    Minimum,
    /// A schedule, by its place in the policy.
    Schedule(usize),
    /// A floor, by its place in what was observed.
    Floor(usize),
    /// The safe size of those who see nothing.
    Fallback,
}

impl By {
    /// True for what follows the load and is limited in its steps. Floors are not: they were
    /// chosen by somebody who saw further.
    #[must_use]
    pub fn load(self) -> bool {
        matches!(self, Self::Target(_) | Self::Rise(_) | Self::Errors | Self::Latency)
    }
}

/// What is proposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    /// Grow to this.
    More(u32),
    /// Do not shrink below this.
    Keep(u32),
    /// Shrink to this.
    Fewer(u32),
    /// Near the target.
    Near,
    /// One less would be too few.
    Tight,
    /// Above the target, but what is starting will do.
    Starting(u32),
    /// The newest points are not all known: so many of them are.
    Blind { known: usize },
    /// The newest points are known, but not all that removing needs: so many of them are.
    Gaps { known: usize },
}
