//! From points each five minutes to the busiest five minutes of each hour. Pure.
//!
//! Hourly, because capacity is planned for the worst of an hour and not for its mean. An hour of
//! which too little is known is unknown, never zero.
//!
//! The hours are those of the clock on the wall, because that is what people live by: after a
//! change of the clock the load comes an hour earlier or later in UTC, and at the same hour as the
//! week before on the wall. An hour that the clock skips is one of which nothing is known; one that
//! it repeats is one hour, and the busier of the two counts.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// How far back is looked: four weeks.
pub(super) const HISTORY: TimeDelta = TimeDelta::weeks(4);
/// The period of the points: CloudWatch keeps five minutes for 63 days.
pub(super) const POINT: TimeDelta = TimeDelta::minutes(5);
/// Half of an hour's twelve points must be known.
const POINTS_MIN: u32 = 6;

/// An hour.
const HOUR: TimeDelta = TimeDelta::hours(1);

/// The load of the five minutes that begin then, in requests per second; oldest first. What is
/// missing is not known.
pub type Load = Vec<(DateTime<Utc>, f64)>;

/// A time that says nothing about ordinary load: an incident, a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// The load of whole hours by the clock on the wall, without a hole in its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Hourly {
    /// The end of the newest hour.
    pub end: DateTime<Utc>,
    pub zone: Tz,
    /// Oldest first. `None`: not known, or left out.
    pub values: Vec<Option<f64>>,
    /// Hours that would be known, had they not been left out.
    pub masked: u32,
}

impl Hourly {
    /// The hours that ended by `now`, out of points at the starts of their five minutes.
    #[must_use]
    pub fn of(
        points: &[(DateTime<Utc>, f64)],
        masks: &[Interval],
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Self {
        let end = hour_start(now);
        let start = end - HISTORY;
        let hours = usize::try_from(hours_between(start, end, zone)).unwrap_or_default();
        let mut bins = vec![Bin::default(); hours];
        for (at, value) in points {
            if *at < start || *at >= end || !value.is_finite() || *value < 0.0 {
                continue;
            }
            // Beyond the end when the newest hour is about to be repeated: it is not over yet.
            let index = usize::try_from(hours_between(start, hour_start(*at), zone));
            if let Some(bin) = index.ok().and_then(|index| bins.get_mut(index)) {
                bin.take(*value, masks.iter().any(|mask| overlaps(mask, *at)));
            }
        }
        let known = |bin: &Bin| (bin.known >= POINTS_MIN).then_some(bin.max);
        let masked = bins.iter().filter(|bin| known(bin).is_none() && bin.all >= POINTS_MIN);
        Self {
            end,
            zone,
            masked: u32::try_from(masked.count()).unwrap_or(u32::MAX),
            values: bins.iter().map(known).collect(),
        }
    }

    /// The hours to come from the end on, out of the hours of the wall that follow the history.
    #[must_use]
    pub fn ahead<T: Copy>(&self, walls: &[Option<T>], hours: usize) -> Vec<Option<T>> {
        let ends = std::iter::successors(Some(self.end), |at| at.checked_add_signed(HOUR));
        let wall = |at: DateTime<Utc>| {
            let index = usize::try_from(hours_between(self.end, at, self.zone)).ok()?;
            walls.get(index).copied().flatten()
        };
        ends.take(hours).map(wall).collect()
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

/// How many hours the clock on the wall moves between two instants. What is left of a shift by
/// half an hour is not counted.
fn hours_between(from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) -> i64 {
    let wall = |at: DateTime<Utc>| -> NaiveDateTime { at.with_timezone(&zone).naive_local() };
    (wall(to) - wall(from)).num_minutes().div_euclid(HOUR.num_minutes())
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
