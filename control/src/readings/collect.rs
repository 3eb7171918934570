//! Asks CloudWatch for what is due, in one call for the whole environment, and publishes what may
//! be believed. Never gives up: an unanswered question makes readings older, and then an error.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;
use tokio::sync::Notify;

use super::Signal;
use super::classify::{History, period_start};
use super::derive::{Book, KEPT};
use super::schedule::{Group, Schedule};
use crate::app::{Live, Signals};
use crate::aws::{CallError, Cloud, MetricQuery, Metrics as Answer, Series};
use crate::driver::Pass;
use crate::metrics::Metrics;

/// Looks for what is due; a look without a question costs nothing.
pub const TICK: std::time::Duration = std::time::Duration::from_millis(500);
/// A count of tasks that is older than this is not counted.
const COUNT_AGE_MAX: TimeDelta = TimeDelta::seconds(15);
/// Points that are read again each time, because a late publisher may still have raised them.
const PERIODS_REREAD: i32 = 4;
/// The `Date` header has whole seconds; less than this is no difference.
const SKEW_MIN: TimeDelta = TimeDelta::seconds(2);
/// Beyond this our clock or the server's is wrong, and nothing that depends on time is known.
const SKEW_MAX: TimeDelta = TimeDelta::seconds(30);

/// The loop that reads one environment's signals.
pub struct Collect {
    live: Arc<Live>,
    cloud: Arc<dyn Cloud>,
    metrics: Arc<Metrics>,
    /// Woken when new points came in.
    wakes: Vec<Arc<Notify>>,
    book: Book,
    schedule: Schedule,
    /// The server's clock minus ours.
    skew: TimeDelta,
    asked_before: bool,
}

impl Collect {
    /// A collector that has heard nothing yet.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        cloud: Arc<dyn Cloud>,
        metrics: Arc<Metrics>,
        wakes: Vec<Arc<Notify>>,
        now: DateTime<Utc>,
    ) -> Self {
        let wanted = live.wanted();
        let book = Book::new(&wanted.signals);
        let schedule = Schedule::new(&wanted.signals, now);
        let skew = TimeDelta::zero();
        Self { live, cloud, metrics, wakes, book, schedule, skew, asked_before: false }
    }

    fn count_tasks(&mut self, now: DateTime<Utc>) {
        let running = match &self.live.fleet.borrow().service {
            Some(seen) if now - seen.at <= COUNT_AGE_MAX => seen.value.running,
            _ => return,
        };
        self.book.count(now, running);
    }

    /// Asks for all signals of the groups.
    async fn ask(&self, signals: &[Signal], now: DateTime<Utc>) -> Result<Answer, CallError> {
        let longest = signals.iter().map(|signal| signal.period).max().unwrap_or_default();
        let back = if self.asked_before { longest * PERIODS_REREAD } else { KEPT };
        let from = period_start(now - back, TimeDelta::minutes(1));
        let queries: Vec<_> = signals.iter().enumerate().map(query).collect();
        self.metrics.metrics_asked.inc_by(queries.len() as u64);
        self.cloud.metrics(&queries, from, now).await
    }

    fn hear(&mut self, signals: &[Signal], answer: &Answer, now: DateTime<Utc>) {
        let keep_from = now - KEPT - TimeDelta::minutes(1);
        for (index, signal) in signals.iter().enumerate() {
            let history = self.book.histories.entry(signal.name.clone()).or_default();
            match series(&answer.series, index) {
                Some(series) => history.hear(series, signal.scale, keep_from),
                None => history.hear_nothing(),
            }
        }
        if let Some(server) = answer.server_time {
            let skew = server - now;
            self.skew = if skew.abs() >= SKEW_MIN { skew } else { TimeDelta::zero() };
            self.metrics.clock_skew_seconds.set(skew.as_seconds_f64());
        }
    }

    /// True when any signal of the group has the period that was asked for.
    fn found(&self, group: &Group) -> bool {
        let Some(period) = self.schedule.period(group) else { return false };
        let wanted = self.live.wanted();
        let signals = wanted.signals.iter().filter(|one| Group::of(one) == *group);
        let mut histories = signals.filter_map(|signal| self.book.histories.get(&signal.name));
        histories.any(|history: &History| history.at(period).is_some())
    }

    fn publish(&self, now: DateTime<Utc>, new_points: bool) {
        let skewed = self.skew.abs() > SKEW_MAX;
        let mut readings = self.book.readings(now);
        if skewed {
            readings.values_mut().for_each(|reading| *reading = Reading::Error);
        }
        self.live.signals.send_modify(|signals: &mut Signals| {
            signals.readings = readings;
            signals.windows = if skewed { Default::default() } else { self.book.windows(now) };
            if new_points {
                signals.history = self.book.points(now);
            }
        });
    }
}

fn query((index, signal): (usize, &Signal)) -> MetricQuery {
    MetricQuery {
        id: format!("m{index}"),
        namespace: signal.namespace.clone(),
        metric: signal.metric.clone(),
        dimensions: signal.dimensions.clone(),
        statistic: signal.statistic.clone(),
        period_s: u32::try_from(signal.period.num_seconds()).unwrap_or(60),
    }
}

fn series(series: &[Series], index: usize) -> Option<&Series> {
    let id = format!("m{index}");
    series.iter().find(|one| one.id == id)
}

impl Pass for Collect {
    type Error = CallError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), CallError> {
        self.count_tasks(now);
        let due = self.schedule.due(now);
        if due.is_empty() {
            self.publish(now + self.skew, false);
            return Ok(());
        }
        let wanted = self.live.wanted();
        let all = wanted.signals.iter();
        let signals: Vec<Signal> =
            all.filter(|signal| due.contains(&Group::of(signal))).cloned().collect();
        let answer = self.ask(&signals, now + self.skew).await;
        match &answer {
            Ok(answer) => {
                self.hear(&signals, answer, now);
                self.asked_before = true;
            }
            Err(_) => {
                for signal in &signals {
                    self.book.histories.entry(signal.name.clone()).or_default().hear_nothing();
                }
            }
        }
        for group in &due {
            let found = answer.is_ok() && self.found(group);
            self.schedule.asked(group, found, now);
        }
        self.publish(now + self.skew, answer.is_ok());
        self.wakes.iter().for_each(|wake| wake.notify_one());
        answer.map(|_| ())
    }
}
