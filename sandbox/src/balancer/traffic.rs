//! What went through, counted as an ALB counts. On the path of every request: atomics only.

use crate::aws::machines::Traffic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// As many distinct values as PutMetricData takes.
const BUCKETS: usize = 150;

/// The upper bound of the first bucket, in seconds: faster than loopback answers.
const FIRST_SECONDS: f64 = 20e-6;

/// Each bucket is this much wider than the one before: 20 µs × 1.1^149 is 29 s, and a percentile
/// is off by 5 % at most. Each bucket's value is the mean of what is in it, so the average is
/// exact.
const GROWTH: f64 = 1.1;

/// Response times in buckets of equal relative width.
#[derive(Debug)]
struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sums_us: [AtomicU64; BUCKETS],
}

/// Counters since the last [`Meter::take`].
#[derive(Debug)]
pub(super) struct Meter {
    requests: AtomicU64,
    target_2xx: AtomicU64,
    target_4xx: AtomicU64,
    target_5xx: AtomicU64,
    elb_5xx: AtomicU64,
    times: Histogram,
}

impl Meter {
    pub(super) fn new() -> Meter {
        Meter {
            requests: AtomicU64::new(0),
            target_2xx: AtomicU64::new(0),
            target_4xx: AtomicU64::new(0),
            target_5xx: AtomicU64::new(0),
            elb_5xx: AtomicU64::new(0),
            times: Histogram {
                counts: [const { AtomicU64::new(0) }; BUCKETS],
                sums_us: [const { AtomicU64::new(0) }; BUCKETS],
            },
        }
    }

    /// A request was received.
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A target answered with `status`, `after` the request was sent to it.
    pub(super) fn answered(&self, status: u16, after: Duration) {
        let class = match status {
            200..=299 => &self.target_2xx,
            400..=499 => &self.target_4xx,
            500..=599 => &self.target_5xx,
            _ => return self.times.record(after),
        };
        class.fetch_add(1, Ordering::Relaxed);
        self.times.record(after);
    }

    /// The balancer answered in place of a target.
    pub(super) fn failed(&self) {
        self.elb_5xx.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the counters and begins anew.
    pub(super) fn take(&self) -> Traffic {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Traffic {
            requests: take(&self.requests),
            target_2xx: take(&self.target_2xx),
            target_4xx: take(&self.target_4xx),
            target_5xx: take(&self.target_5xx),
            elb_5xx: take(&self.elb_5xx),
            response_seconds: self.times.take(),
        }
    }
}

impl Histogram {
    fn record(&self, time: Duration) {
        let index = bucket(time);
        let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.counts[index].fetch_add(1, Ordering::Relaxed);
        self.sums_us[index].fetch_add(time_us, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<(f64, f64)> {
        let buckets = self.counts.iter().zip(&self.sums_us);
        let taken = buckets.filter_map(|(count, sum_us)| {
            let (count, sum_us) =
                (count.swap(0, Ordering::Relaxed), sum_us.swap(0, Ordering::Relaxed));
            // Counts of a minute and microseconds of a minute are far below 2^53.
            let (count, sum_us) = (exact(count), exact(sum_us));
            (count > 0.0).then(|| (sum_us / count / 1e6, count))
        });
        taken.collect()
    }
}

/// The bucket of a time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=149 before the conversion"
)]
fn bucket(time: Duration) -> usize {
    let steps = (time.as_secs_f64() / FIRST_SECONDS).ln() / GROWTH.ln();
    // The first bucket and the logarithm of zero: negative numbers.
    let last = f64::from(u8::try_from(BUCKETS - 1).unwrap_or(u8::MAX));
    steps.ceil().clamp(0.0, last) as usize
}

#[expect(clippy::cast_precision_loss, reason = "counters of one period are far below 2^53")]
fn exact(counter: u64) -> f64 {
    counter as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_classed_and_begin_anew_when_taken() {
        let meter = Meter::new();
        for status in [200, 201, 302, 404, 500] {
            meter.request();
            meter.answered(status, Duration::from_millis(10));
        }
        meter.request();
        meter.failed();
        let taken = meter.take();
        assert_eq!(
            (taken.requests, taken.target_2xx, taken.target_4xx, taken.target_5xx, taken.elb_5xx),
            (6, 2, 1, 1, 1)
        );
        assert_eq!(taken.response_seconds, [(0.01, 5.0)]);
        assert_eq!(meter.take(), Traffic::default());
    }

    #[test]
    fn every_time_has_a_bucket_and_neighbours_differ_by_a_tenth() {
        for (time_us, index) in [(0, 0), (20, 0), (21, 1), (u64::MAX, 149)] {
            assert_eq!(bucket(Duration::from_micros(time_us)), index, "{time_us} µs");
        }
        let meter = Meter::new();
        for time_us in 1..=100_000_u64 {
            meter.answered(200, Duration::from_micros(time_us));
        }
        let values = meter.take().response_seconds;
        assert!(values.len() <= BUCKETS);
        let count: f64 = values.iter().map(|(_, count)| count).sum();
        let sum: f64 = values.iter().map(|(value, count)| value * count).sum();
        assert_eq!(count, 100_000.0);
        assert!((sum / count - 0.050_000_5).abs() < 1e-9, "the mean is exact: {}", sum / count);
    }
}
