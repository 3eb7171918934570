//! Long series, as far as rules need them: counts by minute and by hour, and what is unusual. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::alert::rule::{Finding, Verdict};
use crate::anomaly;

/// Windows up to this are counted by minutes, longer ones by hours.
pub(super) const MINUTES_KEPT: TimeDelta = TimeDelta::hours(6);
/// A point that takes longer than this to appear is missing.
const LAG_MAX: TimeDelta = TimeDelta::minutes(2);
/// The newest verdict on a signal holds for three of its periods.
const UNUSUAL_AGE_MAX: TimeDelta = TimeDelta::minutes(15);

/// Requests of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub total: f64,
    pub bad: f64,
}

/// By the number of the minute, or hour, since 1970. One that is not there is not known.
pub(super) type Buckets = BTreeMap<i64, Counts>;

/// What is known of the past, by objective and by signal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub(super) minutes: BTreeMap<String, Buckets>,
    pub(super) hours: BTreeMap<String, Buckets>,
    pub(super) unusual: BTreeMap<String, (DateTime<Utc>, Finding)>,
}

impl History {
    /// The counts of an objective over the window that ends now, and the share of it that is
    /// known. A bucket that is still open, or that may not have appeared, is not missed yet.
    #[must_use]
    pub fn over(&self, slo: &str, window: TimeDelta, now: DateTime<Utc>) -> (Counts, f64) {
        let (all, size) = if window <= MINUTES_KEPT {
            (&self.minutes, TimeDelta::minutes(1))
        } else {
            (&self.hours, TimeDelta::hours(1))
        };
        let seconds = size.num_seconds();
        let end = (now - LAG_MAX).timestamp().div_euclid(seconds);
        let wanted = (window.num_seconds() / seconds).max(1);
        let Some(buckets) = all.get(slo) else { return (Counts::default(), 0.0) };
        // What has appeared early counts, and so does not have to be waited for.
        let newest = buckets.last_key_value().map_or(end, |(last, _)| (*last + 1).max(end));
        let mut counts = Counts::default();
        let mut known = 0_u32;
        for (_, bucket) in buckets.range(newest - wanted..newest) {
            counts.total += bucket.total;
            counts.bad += bucket.bad;
            known += 1;
        }
        let share = f64::from(known) / f64::from(u32::try_from(wanted).unwrap_or(u32::MAX));
        (counts, share)
    }

    /// Whether a signal is unusual, as the detector said of its newest point.
    #[must_use]
    pub fn unusual(&self, signal: &str, now: DateTime<Utc>) -> Finding {
        match self.unusual.get(signal) {
            Some((at, finding)) if now - *at <= UNUSUAL_AGE_MAX => finding.clone(),
            Some(_) => Finding::unknown(format!("{signal} has no new point")),
            None => Finding::unknown(format!("{signal} was not judged yet")),
        }
    }
}

/// What the detector says, in words.
pub(super) fn finding(signal: &str, value: Option<f64>, verdict: anomaly::Verdict) -> Finding {
    match (verdict, value) {
        (anomaly::Verdict::Unusual { low, high, .. }, Some(value)) => Finding {
            verdict: Verdict::Holds,
            text: format!("{signal} {value:.4} is unusual; {low:.4} to {high:.4} at this hour"),
        },
        (anomaly::Verdict::Usual, _) => {
            Finding { verdict: Verdict::Clear, text: format!("{signal} is usual") }
        }
        (_, None) => Finding::unknown(format!("{signal} has no point")),
        _ => Finding::unknown(format!("{signal} is not known well enough yet")),
    }
}
