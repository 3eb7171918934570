//! What each hour was like: its mean rate, its tasks and its peak load. Pure.
//!
//! The forecast's band, the drift against the bill, the jump of the live rate and most advice rest
//! on these. A closed hour is an event in the journal, so that a restart forgets nothing but the
//! hour in progress. An hour of which too little was seen is kept and not counted as known.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::readings::classify::period_start;

/// Five weeks: the month before and the week that it is compared with.
pub const HOURS_MAX: usize = 35 * 24;
/// Minutes that must have been seen of an hour for it to stand for the whole.
const MINUTES_MIN: u32 = 45;

/// One closed hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hour {
    pub start: DateTime<Utc>,
    /// Minutes in which anything was seen.
    pub minutes: u32,
    /// The mean of the known rates, in millionths of a dollar an hour.
    pub micros: Option<u64>,
    pub tasks_min: Option<u32>,
    pub tasks_max: Option<u32>,
    /// The mean number of tasks, in thousandths.
    pub tasks_mean_milli: Option<u64>,
    /// The highest load of a closed period, in requests a second.
    pub load_max: Option<f64>,
}

impl Hour {
    /// True when enough of it was seen.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.minutes >= MINUTES_MIN
    }

    /// The mean rate, if the hour is whole.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        self.micros.filter(|_| self.whole())
    }
}

/// What is seen at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    pub micros: Option<u64>,
    pub tasks: Option<u32>,
    pub load: Option<f64>,
}

/// The hour in progress.
#[derive(Clone, Debug, PartialEq)]
struct Open {
    start: DateTime<Utc>,
    minute: DateTime<Utc>,
    minutes: u32,
    rates: (u128, u64),
    tasks: (u64, u64),
    tasks_range: Option<(u32, u32)>,
    load_max: Option<f64>,
}

impl Open {
    fn new(now: DateTime<Utc>) -> Self {
        Self {
            start: hour_of(now),
            minute: DateTime::<Utc>::MIN_UTC,
            minutes: 0,
            rates: (0, 0),
            tasks: (0, 0),
            tasks_range: None,
            load_max: None,
        }
    }

    fn note(&mut self, sample: Sample, now: DateTime<Utc>) {
        let minute = period_start(now, TimeDelta::minutes(1));
        if minute != self.minute {
            self.minute = minute;
            self.minutes += 1;
        }
        if let Some(micros) = sample.micros {
            self.rates = (self.rates.0 + u128::from(micros), self.rates.1 + 1);
        }
        if let Some(tasks) = sample.tasks {
            self.tasks = (self.tasks.0 + u64::from(tasks), self.tasks.1 + 1);
            let (min, max) = self.tasks_range.unwrap_or((tasks, tasks));
            self.tasks_range = Some((min.min(tasks), max.max(tasks)));
        }
        if let Some(load) = sample.load.filter(|load| load.is_finite()) {
            self.load_max = Some(self.load_max.map_or(load, |max| max.max(load)));
        }
    }

    fn close(&self) -> Hour {
        let (sum, count) = self.rates;
        let (tasks, seen) = self.tasks;
        Hour {
            start: self.start,
            minutes: self.minutes,
            micros: sum.checked_div(u128::from(count)).and_then(|mean| u64::try_from(mean).ok()),
            tasks_min: self.tasks_range.map(|(min, _)| min),
            tasks_max: self.tasks_range.map(|(_, max)| max),
            tasks_mean_milli: (tasks * 1_000).checked_div(seen),
            load_max: self.load_max,
        }
    }
}

/// The last weeks, hour by hour, oldest first. The hour in progress is not written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Packed>", into = "Vec<Packed>")]
pub struct Hours {
    closed: VecDeque<Hour>,
    open: Option<Open>,
}

/// A closed hour as a snapshot keeps it, in a third of the bytes: its fields in their order, the
/// start in seconds and the load by its bits, which no rounding changes.
type Packed = (i64, u32, Option<u64>, Option<u32>, Option<u32>, Option<u64>, Option<u64>);

impl From<Hours> for Vec<Packed> {
    fn from(hours: Hours) -> Self {
        let pack = |hour: &Hour| {
            let Hour { start, minutes, micros, tasks_min, tasks_max, tasks_mean_milli, load_max } =
                hour;
            let load_max = load_max.map(f64::to_bits);
            let start = start.timestamp();
            (start, *minutes, *micros, *tasks_min, *tasks_max, *tasks_mean_milli, load_max)
        };
        hours.closed.iter().map(pack).collect()
    }
}

impl TryFrom<Vec<Packed>> for Hours {
    type Error = String;

    fn try_from(packed: Vec<Packed>) -> Result<Self, String> {
        let unpack = |hour: Packed| {
            let (start, minutes, micros, tasks_min, tasks_max, tasks_mean_milli, load_max) = hour;
            let start = DateTime::from_timestamp(start, 0)
                .ok_or_else(|| format!("{start} is no time at which an hour starts"))?;
            let load_max = load_max.map(f64::from_bits);
            Ok(Hour { start, minutes, micros, tasks_min, tasks_max, tasks_mean_milli, load_max })
        };
        let closed = packed.into_iter().map(unpack).collect::<Result<_, String>>()?;
        Ok(Self { closed, open: None })
    }
}

impl Hours {
    /// Takes in what is seen now. Returns the hour that this ends.
    pub fn note(&mut self, sample: Sample, now: DateTime<Utc>) -> Option<Hour> {
        let start = hour_of(now);
        let ended = self.open.take_if(|open| open.start != start).map(|open| open.close());
        self.open.get_or_insert_with(|| Open::new(now)).note(sample, now);
        if let Some(hour) = &ended {
            self.push(hour.clone());
        }
        ended
    }

    /// Takes in a closed hour, as after a restart. An hour that is known already is replaced only
    /// by one of which more was seen: a restart within the hour leaves two parts.
    pub fn push(&mut self, hour: Hour) {
        match self.closed.back_mut() {
            Some(last) if last.start == hour.start => {
                if hour.minutes > last.minutes {
                    *last = hour;
                }
                return;
            }
            // A clock that was set back must not make the hours unsorted.
            Some(last) if last.start > hour.start => return,
            _ => {}
        }
        if self.closed.len() == HOURS_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(hour);
    }

    /// The closed hours from `from` on, oldest first.
    pub fn since(&self, from: DateTime<Utc>) -> impl DoubleEndedIterator<Item = &Hour> {
        let first = self.closed.partition_point(|hour| hour.start < from);
        self.closed.range(first..)
    }

    /// The closed hour that starts then.
    #[must_use]
    pub fn at(&self, start: DateTime<Utc>) -> Option<&Hour> {
        self.since(start).next().filter(|hour| hour.start == start)
    }
}

/// The start of the hour that holds an instant.
#[must_use]
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    period_start(at, TimeDelta::hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;

    fn sample(micros: u64, tasks: u32, load: f64) -> Sample {
        Sample { micros: Some(micros), tasks: Some(tasks), load: Some(load) }
    }

    #[test]
    fn an_hour_closes_with_its_mean_its_range_and_its_peak() {
        let mut hours = Hours::default();
        for minute in 0..60 {
            let tasks = if minute < 30 { 3 } else { 6 };
            let load = if minute == 40 { 900.0 } else { 300.0 };
            let ended =
                hours.note(sample(u64::from(tasks) * 100, tasks, load), second(minute * 60));
            assert_eq!(ended, None);
        }
        let hour = hours.note(Sample::default(), second(3600)).unwrap();
        assert_eq!(hour.start, second(0));
        assert_eq!((hour.minutes, hour.whole()), (60, true));
        assert_eq!(hour.rate(), Some(450));
        assert_eq!((hour.tasks_min, hour.tasks_max), (Some(3), Some(6)));
        assert_eq!(hour.tasks_mean_milli, Some(4_500));
        assert_eq!(hour.load_max, Some(900.0));
        assert_eq!(hours.at(second(0)), Some(&hour));
    }

    #[test]
    fn what_was_not_known_is_not_zero_and_a_short_hour_has_no_rate() {
        let mut hours = Hours::default();
        for minute in 0..60 {
            hours.note(Sample::default(), second(minute * 60));
        }
        for minute in 60..70 {
            hours.note(sample(5, 1, 1.0), second(minute * 60));
        }
        hours.note(Sample::default(), second(7200));
        let unknown = hours.at(second(0)).unwrap();
        assert_eq!((unknown.micros, unknown.tasks_min, unknown.load_max), (None, None, None));
        let short = hours.at(second(3600)).unwrap();
        assert_eq!((short.micros, short.rate()), (Some(5), None));
    }

    #[test]
    fn a_restart_within_an_hour_keeps_the_larger_part() {
        let part = |minutes| Hour {
            start: second(0),
            minutes,
            micros: Some(u64::from(minutes)),
            tasks_min: None,
            tasks_max: None,
            tasks_mean_milli: None,
            load_max: None,
        };
        let mut hours = Hours::default();
        hours.push(part(20));
        hours.push(part(39));
        hours.push(part(10));
        assert_eq!(hours.at(second(0)).unwrap().micros, Some(39));
        hours.push(Hour { start: second(-3600), ..part(60) });
        assert_eq!(hours.since(second(-7200)).count(), 1, "the clock was set back");
    }

    #[test]
    fn five_weeks_are_kept_and_no_more() {
        let mut hours = Hours::default();
        for hour in 0..i64::try_from(HOURS_MAX).unwrap() + 50 {
            hours.note(sample(1, 1, 1.0), second(hour * 3600));
        }
        assert_eq!(hours.since(second(0)).count(), HOURS_MAX);
        assert_eq!(hours.since(second(0)).next().unwrap().start, second(49 * 3600));
    }
}
