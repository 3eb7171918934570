//! Says of each value of a series whether it is unusual, as it comes in. Pure.
//!
//! Usual is what was seen around this hour on the last fourteen days: the range from the lowest to
//! the highest value within an hour of it. A weekday's rush, a nightly job and a noisy series are
//! so all usual without being told. A value outside is at a distance from that range, and how far
//! is too far follows from the series' own distances ([`Tail`]), which makes one rule fit a calm
//! series and a wild one. Nothing is tuned to a series.

use std::collections::VecDeque;

use super::tail::Tail;

const DAY_S: i64 = 86_400;
/// Two weeks hold every weekday twice.
const DAYS: usize = 14;
/// Fewer days say little of what is usual.
const DAYS_MIN: usize = 2;
/// What may come an hour earlier or later on another day.
const TOLERANCE_S: i64 = 3_600;
/// Values that are compared before the first may be called unusual.
const LEARN_MIN: usize = 600;
/// How many widths of the usual range are remembered; an hour of five minutes.
const WIDTHS: usize = 12;

/// What one value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// There is no value, or too little to compare it with.
    Unknown,
    Usual,
    /// Outside `low..=high` by more than `limit`.
    Unusual {
        low: f64,
        high: f64,
        limit: f64,
    },
}

/// What is known of one series.
#[derive(Clone, Debug)]
pub struct Detector {
    per_day: usize,
    tolerance: usize,
    /// The value of each step, newest last; `None` is a gap.
    values: VecDeque<Option<f64>>,
    newest: Option<i64>,
    above: Tail,
    below: Tail,
    widths: VecDeque<f64>,
}

impl Detector {
    /// A detector for values `step_s` seconds apart: at least a minute, at most an hour.
    #[must_use]
    pub fn new(step_s: i64) -> Self {
        let step_s = step_s.clamp(60, 3_600);
        Self {
            per_day: usize::try_from(DAY_S / step_s).expect("between 24 and 1,440"),
            tolerance: usize::try_from(TOLERANCE_S / step_s).expect("between 1 and 60"),
            values: VecDeque::new(),
            newest: None,
            above: Tail::default(),
            below: Tail::default(),
            widths: VecDeque::new(),
        }
    }

    /// Judges the value of step number `step` and learns from it. Steps count on from any origin;
    /// one that is not newer than the newest is not judged again.
    pub fn observe(&mut self, step: i64, value: Option<f64>) -> Verdict {
        if self.newest.is_some_and(|newest| step <= newest) {
            return Verdict::Unknown;
        }
        self.advance(step);
        let value = value.filter(|value| value.is_finite());
        let verdict = value.map_or(Verdict::Unknown, |value| self.judge(value));
        self.values.push_back(value);
        verdict
    }

    /// Fills the steps that were left out, and forgets what is older than the range looks back.
    fn advance(&mut self, step: i64) {
        let kept = self.per_day * DAYS + self.tolerance;
        let skipped = self.newest.map_or(0, |newest| step - newest - 1);
        let skipped = usize::try_from(skipped).unwrap_or(kept).min(kept);
        self.values.extend(std::iter::repeat_n(None, skipped));
        let extra = (self.values.len() + 1).saturating_sub(kept);
        self.values.drain(..extra.min(self.values.len()));
        self.newest = Some(step);
    }

    fn judge(&mut self, value: f64) -> Verdict {
        let Some((low, high)) = self.range() else { return Verdict::Unknown };
        if self.widths.len() == WIDTHS {
            self.widths.pop_front();
        }
        self.widths.push_back(high - low);
        let width = self.widths.iter().copied().fold(0.0, f64::max);
        let (above, below) = ((value - high).max(0.0), (low - value).max(0.0));
        let learned = self.above.len() >= LEARN_MIN;
        let beyond = |tail: &mut Tail, distance: f64| {
            let limit = tail.limit(width);
            (learned && distance > limit).then_some(limit)
        };
        let surprise = match above > 0.0 {
            true => beyond(&mut self.above, above),
            false => beyond(&mut self.below, below),
        };
        self.above.learn(above, surprise.is_some());
        self.below.learn(below, surprise.is_some());
        match surprise {
            Some(limit) => Verdict::Unusual { low, high, limit },
            None if learned => Verdict::Usual,
            None => Verdict::Unknown,
        }
    }

    /// The lowest and the highest value around this hour on the days before; `None` while there
    /// are too few days.
    fn range(&self) -> Option<(f64, f64)> {
        let mut range = None::<(f64, f64)>;
        let mut days = 0;
        for day in 1..=DAYS {
            let Some(middle) = self.values.len().checked_sub(day * self.per_day) else { break };
            let from = middle.saturating_sub(self.tolerance);
            let to = (middle + self.tolerance + 1).min(self.values.len());
            let mut seen = false;
            for value in self.values.range(from..to).flatten() {
                let (low, high) = range.unwrap_or((*value, *value));
                range = Some((low.min(*value), high.max(*value)));
                seen = true;
            }
            days += usize::from(seen);
        }
        range.filter(|_| days >= DAYS_MIN)
    }
}
