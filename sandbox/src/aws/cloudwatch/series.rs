//! The data of one metric, bounded: single data for an hour, then minutes for a day.
//!
//! AWS keeps seconds for three hours and minutes for 15 days; this is a demonstration's memory.
//! A datum may be hidden for a while (publication lag) and is then seen by every reader at once.

use super::statistic::Distribution;
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeMap;

/// Nine tasks that flush every ten seconds make 3,240 data an hour.
const FINE_MAX: usize = 4096;
const FINE_SECONDS: i64 = 3600;
const MINUTE: i64 = 60;
/// Two units of one metric over a day of minutes.
const COARSE_MAX: usize = 2 * 1440;
/// Distinct values kept of a past minute: 16 bytes each, so at most 7 MB a day and metric.
const DISTINCT_MAX: usize = 300;

/// What tells one metric from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MetricKey {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Names and values in the order of the names.
    pub(super) dimensions: Vec<(String, String)>,
}

/// One published datum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Datum {
    pub(super) at: DateTime<Utc>,
    pub(super) unit: &'static str,
    pub(super) values: Distribution,
}

/// What is asked of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// Seconds; starts of periods are its multiples since 1970.
    pub(super) period: i64,
    /// Start of the first period, in seconds since 1970.
    pub(super) start: i64,
    /// No period starts here or later.
    pub(super) end: i64,
    /// What was published after this is not seen.
    pub(super) as_of: DateTime<Utc>,
}

impl Window {
    /// From times that need not be aligned: the start is rounded down to a period.
    pub(super) fn new(
        period: i64,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        as_of: DateTime<Utc>,
    ) -> Self {
        let start = start.timestamp().div_euclid(period) * period;
        let whole = end.timestamp() + i64::from(end.timestamp_subsec_nanos() > 0);
        Self { period, start, end: whole, as_of }
    }

    /// How many periods it spans.
    pub(super) fn periods(&self) -> i64 {
        ((self.end - self.start).max(0) + self.period - 1) / self.period
    }
}

#[derive(Debug)]
struct Sample {
    unit: &'static str,
    values: Distribution,
    visible_from: DateTime<Utc>,
}

/// The data of one metric.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// By second, and by order of arrival within it.
    fine: BTreeMap<(i64, u64), Sample>,
    /// By minute and unit.
    coarse: BTreeMap<(i64, &'static str), Sample>,
    arrivals: u64,
    /// When its first datum is seen.
    visible_from: Option<DateTime<Utc>>,
    /// Time of its newest datum.
    newest: i64,
}

impl Series {
    /// Takes a datum that readers see from `visible_from` on.
    pub(super) fn add(&mut self, datum: Datum, visible_from: DateTime<Utc>, now: DateTime<Utc>) {
        let at = datum.at.timestamp();
        self.newest = self.newest.max(at);
        self.visible_from =
            Some(self.visible_from.map_or(visible_from, |first| first.min(visible_from)));
        self.arrivals += 1;
        let sample = Sample { unit: datum.unit, values: datum.values, visible_from };
        self.fine.insert((at, self.arrivals), sample);
        self.roll_up(now);
    }

    fn roll_up(&mut self, now: DateTime<Utc>) {
        let old = (now - Duration::seconds(FINE_SECONDS)).timestamp();
        while let Some(first) = self.fine.first_entry() {
            let due = first.key().0 < old && first.get().visible_from <= now;
            if !due && self.fine.len() <= FINE_MAX {
                break;
            }
            let Some(((at, _), sample)) = self.fine.pop_first() else { break };
            let minute = at.div_euclid(MINUTE) * MINUTE;
            match self.coarse.get_mut(&(minute, sample.unit)) {
                Some(cell) => {
                    cell.values.merge(&sample.values);
                    cell.values.compact(DISTINCT_MAX);
                    cell.visible_from = cell.visible_from.max(sample.visible_from);
                }
                None => {
                    self.coarse.insert((minute, sample.unit), sample);
                }
            }
            if self.coarse.len() > COARSE_MAX {
                self.coarse.pop_first();
            }
        }
    }

    /// The values of every period that has any, by the period's start.
    pub(super) fn periods(
        &self,
        window: Window,
        unit: Option<&str>,
    ) -> BTreeMap<i64, (&'static str, Distribution)> {
        let mut found: BTreeMap<i64, (&'static str, Distribution)> = BTreeMap::new();
        let end = window.start + window.periods() * window.period;
        let coarse = self.coarse.range((window.start, "")..(end, ""));
        let fine = self.fine.range((window.start, 0)..(end, 0));
        let cells = coarse
            .map(|((at, _), sample)| (*at, sample))
            .chain(fine.map(|((at, _), sample)| (*at, sample)))
            .filter(|(_, sample)| sample.visible_from <= window.as_of)
            .filter(|(_, sample)| unit.is_none_or(|unit| unit == sample.unit));
        for (at, sample) in cells {
            let start = at.div_euclid(window.period) * window.period;
            match found.get_mut(&start) {
                Some((_, values)) => values.merge(&sample.values),
                None => {
                    found.insert(start, (sample.unit, sample.values.clone()));
                }
            }
        }
        found
    }

    /// Whether any reader may know of it.
    pub(super) fn is_visible(&self, now: DateTime<Utc>) -> bool {
        self.visible_from.is_some_and(|from| from <= now)
    }

    /// Time of its newest datum, in seconds since 1970.
    pub(super) fn newest(&self) -> i64 {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::cloudwatch::statistic::Statistic;

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    fn datum(at: i64, value: f64) -> Datum {
        let values = Distribution::of_values([(value, 1.0)]).expect("one value");
        Datum { at: time(at), unit: "None", values }
    }

    fn sums(series: &Series, window: Window) -> Vec<(i64, f64)> {
        let periods = series.periods(window, None);
        let sum = |d: &Distribution| d.statistic(Statistic::Sum).expect("always known");
        periods.iter().map(|(at, (_, values))| (*at, sum(values))).collect()
    }

    #[test]
    fn periods_start_at_multiples_and_take_in_whole_periods() {
        let mut series = Series::default();
        let now = time(1_000_000);
        for (at, value) in [(119, 1.0), (120, 2.0), (179, 4.0), (180, 8.0), (240, 16.0)] {
            series.add(datum(999_000 + at, value), now, now); // 999,000 is a multiple of 60.
        }
        let window = Window::new(60, time(999_130), time(999_181), now);
        assert_eq!(sums(&series, window), [(999_120, 6.0), (999_180, 8.0)]);
    }

    #[test]
    fn a_datum_is_hidden_until_it_is_published() {
        let mut series = Series::default();
        let now = time(1_000_000);
        series.add(datum(999_990, 1.0), now + Duration::seconds(5), now);
        let seen = |at| sums(&series, Window::new(1, time(999_000), now, at)).len();
        assert_eq!((seen(now), seen(now + Duration::seconds(5))), (0, 1));
        assert!(!series.is_visible(now) && series.is_visible(now + Duration::seconds(5)));
    }

    #[test]
    fn old_data_become_minutes_and_nothing_is_lost_but_the_second() {
        let mut series = Series::default();
        let start = 1_000_020;
        for second in 0..7200 {
            let now = time(start + second);
            series.add(datum(start + second, 1.0), now, now);
        }
        let now = time(start + 7200);
        assert!(series.fine.len() <= FINE_MAX && series.coarse.len() < 70);
        let all = sums(&series, Window::new(60, time(start), now, now));
        assert_eq!(all.len(), 120);
        assert!(all.iter().all(|(_, sum)| (sum - 60.0).abs() < 1e-9), "{all:?}");
    }
}
