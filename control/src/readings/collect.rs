//! Asks CloudWatch for what is due, in one call for the whole environment, and publishes what may
//! be believed. Never gives up: an unanswered question makes readings older, and then an error.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;
use tokio::sync::Notify;

use super::Signal;
use super::classify::{History, period_start};
use super::derive::Book;
use super::schedule::{Asked, Group, Schedule};
use crate::app::{Live, Signals};
use crate::aws::{CallError, Cloud, Metrics as Answer, Series};
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
    /// Groups that answered before.
    heard: BTreeSet<Group>,
    asked: Asked,
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
        let asked = Asked { since: now, metrics: 0 };
        let heard = BTreeSet::new();
        Self { live, cloud, metrics, wakes, book, schedule, skew, heard, asked }
    }

    fn count_tasks(&mut self, now: DateTime<Utc>) {
        let running = match &self.live.fleet.borrow().service {
            Some(seen) if now - seen.at <= COUNT_AGE_MAX => seen.value.running,
            _ => return,
        };
        self.book.count(now, running);
    }

    /// Asks for all signals of the groups: those of a minute and less in one call, the slower ones
    /// in another, because one call has one beginning and theirs is hours earlier.
    async fn ask(&mut self, signals: &[Signal], now: DateTime<Utc>) -> Result<Answer, CallError> {
        let mut all = Answer { series: Vec::new(), server_time: None };
        for slow in [false, true] {
            let part: Vec<_> = signals
                .iter()
                .enumerate()
                .filter(|(_, signal)| (signal.period > TimeDelta::minutes(1)) == slow)
                .collect();
            let reach = part.iter().map(|(_, signal)| self.reach(signal)).max();
            let Some(reach) = reach else { continue };
            let from = period_start(now - reach, TimeDelta::minutes(1));
            let queries: Vec<_> = part.into_iter().map(|(index, one)| one.query(index)).collect();
            let asked = queries.len() as u64;
            self.metrics.metrics_asked.inc_by(asked);
            self.asked.metrics = self.asked.metrics.saturating_add(asked);
            let answer = self.cloud.metrics(&queries, from, now).await?;
            all.series.extend(answer.series);
            all.server_time = answer.server_time.or(all.server_time);
        }
        Ok(all)
    }

    /// How far back a signal is asked for: all that is of use the first time, then the periods
    /// that a late publisher may still have raised.
    fn reach(&self, signal: &Signal) -> TimeDelta {
        if self.heard.contains(&Group::of(signal)) {
            signal.period * PERIODS_REREAD
        } else {
            signal.kept()
        }
    }

    fn hear(&mut self, signals: &[Signal], answer: &Answer, now: DateTime<Utc>) {
        for (index, signal) in signals.iter().enumerate() {
            let history = self.book.histories.entry(signal.name.clone()).or_default();
            match series(&answer.series, index) {
                Some(series) => history.hear(series, signal.scale, now - signal.kept()),
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
            signals.asked = Some(self.asked);
            signals.windows = if skewed { Default::default() } else { self.book.windows(now) };
            if new_points {
                signals.history = self.book.points(now);
            }
        });
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
                self.heard.extend(due.iter().cloned());
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
