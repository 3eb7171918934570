//! From points each five minutes to the busiest five minutes of each hour. Pure.
//!
//! Hourly, because capacity is planned for the worst of an hour and not for its mean. An hour of
//! which too little is known is unknown, never zero.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How far back is looked: four weeks.
pub(super) const HISTORY: TimeDelta = TimeDelta::weeks(4);
/// The period of the points: CloudWatch keeps five minutes for 63 days.
pub(super) const POINT: TimeDelta = TimeDelta::minutes(5);
/// Half of an hour's twelve points must be known.
const POINTS_MIN: u32 = 6;

/// An hour.
const HOUR: TimeDelta = TimeDelta::hours(1);

/// A time that says nothing about ordinary load: an incident, a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// The load of whole hours, without a hole in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Hourly {
    pub start: DateTime<Utc>,
    /// `None`: not known, or left out.
    pub values: Vec<Option<f64>>,
    /// Hours that would be known, had they not been left out.
    pub masked: u32,
}

impl Hourly {
    /// The hours that ended by `now`, out of points at the starts of their five minutes.
    #[must_use]
    pub fn of(points: &[(DateTime<Utc>, f64)], masks: &[Interval], now: DateTime<Utc>) -> Self {
        let end = hour_start(now);
        let start = end - HISTORY;
        let hours = usize::try_from(HISTORY.num_hours()).expect("four weeks are 672 hours");
        let mut bins = vec![Bin::default(); hours];
        for (at, value) in points {
            if *at < start || *at >= end || !value.is_finite() || *value < 0.0 {
                continue;
            }
            let index = usize::try_from((*at - start).num_hours()).expect("at is past the start");
            bins[index].take(*value, masks.iter().any(|mask| overlaps(mask, *at)));
        }
        let known = |bin: &Bin| (bin.known >= POINTS_MIN).then_some(bin.max);
        let masked = bins.iter().filter(|bin| known(bin).is_none() && bin.all >= POINTS_MIN);
        Self {
            start,
            masked: u32::try_from(masked.count()).unwrap_or(u32::MAX),
            values: bins.iter().map(known).collect(),
        }
    }

    /// The end of the newest hour.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.start + HOUR * i32::try_from(self.values.len()).unwrap_or(i32::MAX)
    }

    /// How many hours are known.
    #[must_use]
    pub fn known(&self) -> u32 {
        u32::try_from(self.values.iter().flatten().count()).unwrap_or(u32::MAX)
    }

    /// The largest known hour.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.values.iter().flatten().copied().reduce(f64::max)
    }

    /// The hours from the first known one on.
    #[must_use]
    pub fn since_known(&self) -> &[Option<f64>] {
        let first = self.values.iter().position(Option::is_some).unwrap_or(self.values.len());
        &self.values[first..]
    }
}

/// The start of the hour that contains `at`.
#[must_use]
pub(super) fn hour_start(at: DateTime<Utc>) -> DateTime<Utc> {
    crate::readings::classify::period_start(at, HOUR)
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    max: f64,
    known: u32,
    all: u32,
}

impl Bin {
    fn take(&mut self, value: f64, masked: bool) {
        self.all += 1;
        if !masked {
            self.known += 1;
            self.max = self.max.max(value);
        }
    }
}

fn overlaps(mask: &Interval, at: DateTime<Utc>) -> bool {
    at + POINT > mask.from && at < mask.to
}
