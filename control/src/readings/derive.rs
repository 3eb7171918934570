//! Readings made from other readings, and the points of the charts. Pure.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{Reading, TrafficPoint};

use super::classify::{History, classify, period_start, value_at};
use super::{Absence, Sample, Signal, Window};

/// How far back charts and capacity windows reach.
pub const KEPT: TimeDelta = TimeDelta::minutes(15);
/// Changes of the number of tasks that are remembered; far more than 15 minutes can hold.
const COUNTS_MAX: usize = 256;

/// Everything heard, by signal.
#[derive(Clone, Debug)]
pub struct Book {
    signals: BTreeMap<String, Signal>,
    pub histories: BTreeMap<String, History>,
    /// How many tasks ran, from when on.
    counts: Counts,
    /// How many readers of the database were available.
    readers: Counts,
}

/// What a window is about: its name, the signal that it is made from, and what was counted.
const WINDOWS: [(&str, &str, Counted); 5] = [
    ("cpu_percent", "cpu_percent", Counted::Tasks),
    ("memory_percent", "memory_percent", Counted::Tasks),
    ("requests_per_task", "requests", Counted::Tasks),
    ("reader_cpu_percent", "reader_cpu_percent", Counted::Readers),
    ("reader_connections", "reader_connections", Counted::Readers),
];

/// What a signal is an average over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    Tasks,
    Readers,
}

/// A number and from when on it held, oldest first.
#[derive(Clone, Debug, Default)]
struct Counts(VecDeque<(DateTime<Utc>, u32)>);

impl Counts {
    fn note(&mut self, now: DateTime<Utc>, number: u32) {
        let counts = &mut self.0;
        if counts.back().is_none_or(|(_, count)| *count != number) {
            counts.push_back((now, number));
        }
        // The count that held at the start of the window began before it.
        while counts.len() > COUNTS_MAX || counts.get(1).is_some_and(|(at, _)| *at < now - KEPT) {
            counts.pop_front();
        }
    }

    /// The most during a period: the careful divisor and multiplier.
    fn during(&self, start: DateTime<Utc>, period: TimeDelta) -> Option<u32> {
        let ended = self.0.partition_point(|(at, _)| *at < start + period);
        let mut most = 0;
        // Back to the count that held as the period began.
        for (at, count) in self.0.range(..ended).rev() {
            most = most.max(*count);
            if *at <= start {
                return Some(most);
            }
        }
        None
    }
}

impl Book {
    /// A book in which nothing is written yet.
    #[must_use]
    pub fn new(signals: &[Signal]) -> Self {
        let named = |signal: &Signal| (signal.name.clone(), signal.clone());
        let empty = |signal: &Signal| (signal.name.clone(), History::default());
        Self {
            signals: signals.iter().map(named).collect(),
            histories: signals.iter().map(empty).collect(),
            counts: Counts::default(),
            readers: Counts::default(),
        }
    }

    /// Takes over other signals. What was heard under a name goes on only for the same question.
    pub fn follow(&mut self, signals: &[Signal]) {
        let after = Self::new(signals);
        for (name, history) in after.histories {
            if self.signals.get(&name) != after.signals.get(&name) {
                self.histories.insert(name, history);
            }
        }
        self.histories.retain(|name, _| after.signals.contains_key(name));
        self.signals = after.signals;
    }

    /// Notes how many there are now. Periods before the first note have an unknown number.
    pub fn count(&mut self, now: DateTime<Utc>, what: Counted, number: u32) {
        match what {
            Counted::Tasks => self.counts.note(now, number),
            Counted::Readers => self.readers.note(now, number),
        }
    }

    fn during(&self, what: Counted, start: DateTime<Utc>, period: TimeDelta) -> Option<u32> {
        let counts = match what {
            Counted::Tasks => &self.counts,
            Counted::Readers => &self.readers,
        };
        counts.during(start, period).filter(|number| *number > 0)
    }

    fn guard(&self, signal: &Signal) -> Option<&History> {
        match &signal.absent {
            Absence::ZeroIf(other) => self.histories.get(other),
            Absence::Unknown => None,
        }
    }

    /// The value of the period of `name` that contains `at`.
    fn value(&self, name: &str, at: DateTime<Utc>) -> Option<f64> {
        let signal = self.signals.get(name)?;
        let history = self.histories.get(name)?;
        value_at(signal, history, self.guard(signal), period_start(at, signal.period))
    }

    /// Requests per second in the period that contains `at`.
    fn tps(&self, at: DateTime<Utc>) -> Option<f64> {
        let signal = self.signals.get("requests")?;
        Some(self.value("requests", at)? / seconds(signal.period))
    }

    /// Every signal's reading, and the derived ones.
    #[must_use]
    pub fn readings(&self, now: DateTime<Utc>) -> BTreeMap<String, Reading> {
        let mut readings = BTreeMap::new();
        for (name, signal) in &self.signals {
            let history = &self.histories[name];
            let reading = classify(now, signal, history, self.guard(signal));
            readings.insert(name.clone(), reading);
        }
        let period = self.signals.get("requests").map(|signal| signal.period);
        let of = |name: &str| readings.get(name).copied().unwrap_or(Reading::Absent);
        let (requests, errors) = (of("requests"), of("errors"));
        if let Some(period) = period {
            let tps = with_value(requests, |value, _| Some(value / seconds(period)));
            let per_task = with_value(tps, |value, at| {
                let tasks = self.during(Counted::Tasks, at - period, period)?;
                Some(value / f64::from(tasks))
            });
            readings.insert("tps".to_owned(), tps);
            readings.insert("requests_per_task".to_owned(), per_task);
        }
        readings.insert("error_percent".to_owned(), ratio_percent(errors, requests));
        readings
    }

    /// The newest closed periods of what capacity is decided by, newest first.
    #[must_use]
    pub fn windows(&self, now: DateTime<Utc>) -> BTreeMap<String, Window> {
        self.windows_up_to(now, usize::MAX)
    }

    /// As [`Book::windows`], with so many periods at the most: a replay makes millions of them.
    #[must_use]
    pub fn windows_up_to(&self, now: DateTime<Utc>, periods: usize) -> BTreeMap<String, Window> {
        let mut windows = BTreeMap::new();
        for (name, source, what) in WINDOWS {
            let Some(signal) = self.signals.get(source) else { continue };
            let Some((newest, _)) = self.histories[source].newest_closed(now, signal.period) else {
                continue;
            };
            let fresh = classify(now, signal, &self.histories[source], self.guard(signal));
            let slots = if fresh.fresh().is_some() {
                let per_task = name == "requests_per_task";
                self.slots(signal, (newest, now), what, per_task).take(periods).collect()
            } else {
                Vec::new()
            };
            windows.insert(name.to_owned(), Window { slots });
        }
        windows
    }

    /// Walks back through the points, newest first, for as long as somebody asks.
    fn slots(
        &self,
        signal: &Signal,
        (newest, now): (DateTime<Utc>, DateTime<Utc>),
        what: Counted,
        per_task: bool,
    ) -> impl Iterator<Item = Option<Sample>> {
        let (history, guard) = (&self.histories[&signal.name], self.guard(signal));
        let mut points = history.newest_first(newest).peekable();
        let starts = std::iter::successors(Some(newest), |at| Some(*at - signal.period));
        let starts = starts.take_while(move |at| *at > now - KEPT);
        let sample = move |at: DateTime<Utc>| {
            while points.next_if(|(point, _)| *point > at).is_some() {}
            let value = match points.next_if(|(point, _)| *point == at) {
                Some((_, value)) => value,
                None => value_at(signal, history, guard, at)?,
            };
            let tasks = self.during(what, at, signal.period)?;
            let rate = value / (seconds(signal.period) * f64::from(tasks));
            Some(Sample { value: if per_task { rate } else { value }, tasks })
        };
        starts.map(sample)
    }

    /// The charts' points, oldest first: one for each period of the requests.
    #[must_use]
    pub fn points(&self, now: DateTime<Utc>) -> Vec<TrafficPoint> {
        let Some(signal) = self.signals.get("requests") else { return Vec::new() };
        let newest = self.histories["requests"].newest_closed(now, signal.period);
        let Some((newest, _)) = newest else { return Vec::new() };
        let mut at = period_start(now - KEPT, signal.period) + signal.period;
        let mut points = Vec::new();
        while at <= newest {
            points.push(self.point(at));
            at += signal.period;
        }
        points
    }

    fn point(&self, at: DateTime<Utc>) -> TrafficPoint {
        let requests = self.value("requests", at).filter(|count| *count > 0.0);
        TrafficPoint {
            at,
            tps: self.tps(at),
            p50_ms: self.value("p50_ms", at),
            p95_ms: self.value("p95_ms", at),
            p99_ms: self.value("p99_ms", at),
            error_percent: requests
                .and_then(|requests| Some(self.value("errors", at)? / requests * 100.0)),
            cpu_percent: self.value("cpu_percent", at),
        }
    }
}

fn seconds(period: TimeDelta) -> f64 {
    period.as_seconds_f64()
}

/// The same reading with another value. One that cannot be computed is absent.
fn with_value(reading: Reading, change: impl FnOnce(f64, DateTime<Utc>) -> Option<f64>) -> Reading {
    let Some((value, at)) = reading.last() else { return reading };
    let Some(value) = change(value, at) else { return Reading::Absent };
    match reading {
        Reading::Fresh { .. } => Reading::Fresh { value, at },
        Reading::Stale { .. } => Reading::Stale { value, at },
        Reading::Partial { .. } => Reading::Partial { value, at },
        Reading::Absent | Reading::Error => reading,
    }
}

/// A share in percent, as good as the worse of its two parts. A share of nothing is absent: it is
/// neither good nor bad, and it must not resolve an alert.
fn ratio_percent(part: Reading, whole: Reading) -> Reading {
    let (Some((part_value, part_at)), Some((whole_value, whole_at))) = (part.last(), whole.last())
    else {
        let failed = matches!(part, Reading::Error) || matches!(whole, Reading::Error);
        return if failed { Reading::Error } else { Reading::Absent };
    };
    if part_at != whole_at || whole_value <= 0.0 {
        return Reading::Absent;
    }
    let worse = if part.fresh().is_some() { whole } else { part };
    with_value(worse, |_, _| Some(part_value / whole_value * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Completeness, Series};
    use crate::fleet::samples::second;

    fn signal(name: &str, period: i64, absent: Absence) -> Signal {
        Signal {
            name: name.to_owned(),
            namespace: "Wallet".to_owned(),
            metric: "M".to_owned(),
            dimensions: vec![],
            statistic: "Sum".to_owned(),
            period: TimeDelta::seconds(period),
            max_age: TimeDelta::seconds(60),
            absent,
            scale: 1.0,
        }
    }

    fn book() -> Book {
        Book::new(&[
            signal("requests", 10, Absence::Unknown),
            signal("errors", 10, Absence::ZeroIf("requests".to_owned())),
            signal("cpu_percent", 20, Absence::Unknown),
        ])
    }

    fn hear(book: &mut Book, name: &str, points: &[(i64, f64)]) {
        let points = points.iter().map(|(at, value)| (second(*at), *value)).collect();
        let series = Series { id: "m".to_owned(), completeness: Completeness::Complete, points };
        book.histories.get_mut(name).unwrap().hear(&series, 1.0, second(-900));
    }

    #[test]
    fn rates_and_shares_are_made_from_closed_periods() {
        let mut book = book();
        book.count(second(0), Counted::Tasks, 4);
        hear(&mut book, "requests", &[(20, 2000.0), (30, 4000.0)]);
        hear(&mut book, "errors", &[(30, 20.0)]);
        let readings = book.readings(second(45));
        let at = second(40);
        assert_eq!(readings["tps"], Reading::Fresh { value: 400.0, at });
        assert_eq!(readings["requests_per_task"], Reading::Fresh { value: 100.0, at });
        assert_eq!(readings["error_percent"], Reading::Fresh { value: 0.5, at });
    }

    #[test]
    fn a_share_of_nothing_and_a_rate_over_unknown_tasks_are_absent() {
        let mut book = book();
        hear(&mut book, "requests", &[(30, 0.0)]);
        hear(&mut book, "errors", &[]);
        let readings = book.readings(second(45));
        assert_eq!(readings["tps"], Reading::Fresh { value: 0.0, at: second(40) });
        assert_eq!(readings["error_percent"], Reading::Absent);
        assert_eq!(readings["requests_per_task"], Reading::Absent);
    }

    #[test]
    fn a_share_is_as_good_as_the_worse_of_its_parts() {
        let mut book = book();
        hear(&mut book, "requests", &[(30, 100.0)]);
        assert_eq!(book.readings(second(45))["error_percent"], Reading::Error, "never answered");
        hear(&mut book, "errors", &[]);
        let fresh = Reading::Fresh { value: 0.0, at: second(40) };
        assert_eq!(book.readings(second(45))["error_percent"], fresh, "the requests prove it");
        let stale = Reading::Stale { value: 0.0, at: second(40) };
        assert_eq!(book.readings(second(200))["error_percent"], stale);
    }

    #[test]
    fn a_window_has_a_gap_where_nothing_is_known_and_counts_the_most_tasks() {
        let mut book = book();
        book.count(second(25), Counted::Tasks, 2);
        book.count(second(45), Counted::Tasks, 4);
        hear(&mut book, "requests", &[(10, 100.0), (30, 200.0), (40, 800.0), (60, 800.0)]);
        let slots = &book.windows(second(70))["requests_per_task"].slots;
        let sample = |value, tasks| Some(Sample { value, tasks });
        // 60..70, then a hole, then 40..50 in which tasks were added, then 30..40, a hole, and
        // 10..20, when nobody had counted.
        assert_eq!(
            slots[..6],
            [sample(20.0, 4), None, sample(20.0, 4), sample(10.0, 2), None, None]
        );
    }

    #[test]
    fn a_window_that_is_not_fresh_is_empty() {
        let mut book = book();
        book.count(second(0), Counted::Tasks, 2);
        hear(&mut book, "cpu_percent", &[(0, 80.0), (20, 80.0)]);
        assert_eq!(book.windows(second(45))["cpu_percent"].slots[0].unwrap().tasks, 2);
        assert!(book.windows(second(101))["cpu_percent"].slots.is_empty());
        assert!(!book.windows(second(45)).contains_key("requests_per_task"));
    }

    #[test]
    fn the_charts_have_gaps_and_no_zeros_where_nothing_is_known() {
        let mut book = book();
        hear(&mut book, "requests", &[(10, 100.0), (30, 200.0)]);
        let points = book.points(second(45));
        let newest: Vec<_> = points.iter().rev().take(3).map(|point| point.tps).collect();
        assert_eq!(newest, [Some(20.0), None, Some(10.0)]);
        assert!(points.len() <= 90);
    }
}
