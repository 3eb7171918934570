//! Asks CloudWatch for what is due, in one call for the whole environment, and publishes what may
//! be believed. Never gives up: an unanswered question makes readings older, and then an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;
use tokio::sync::Notify;

use super::Signal;
use super::classify::{History, period_start};
use super::derive::{Book, Counted};
use super::schedule::{Asked, Group, Outcome, Schedule};
use crate::alert::rule::Verdict;
use crate::app::{Live, Signals};
use crate::aws::{CallError, Cloud, Metrics as Answer, Series};
use crate::config::Environment;
use crate::driver::Pass;
use crate::metrics::Metrics;

/// Looks for what is due; a look without a question costs nothing.
pub const TICK: std::time::Duration = std::time::Duration::from_millis(500);
/// A count that was seen longer ago than this is not counted.
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
    /// The signal by which each group is looked for: one that had a point when all were asked.
    scouts: BTreeMap<Group, String>,
    asked: Asked,
    /// What people wanted when book and schedule were made for it.
    followed: Option<Arc<Environment>>,
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
        Self {
            cloud,
            metrics,
            wakes,
            book: Book::new(&wanted.signals),
            schedule: Schedule::new(&wanted.signals, now),
            skew: TimeDelta::zero(),
            heard: BTreeSet::new(),
            scouts: BTreeMap::new(),
            asked: Asked { since: now, metrics: 0 },
            followed: Some(wanted),
            live,
        }
    }

    /// Notes how many tasks and readers share what is about to be measured.
    fn count(&mut self, now: DateTime<Utc>) {
        let fleet = self.live.fleet.borrow();
        if let Some(seen) = fleet.service.as_ref().filter(|seen| now - seen.at <= COUNT_AGE_MAX) {
            self.book.count(now, Counted::Tasks, seen.value.running);
        }
        if let Some(seen) = fleet.database.as_ref().filter(|seen| now - seen.at <= COUNT_AGE_MAX) {
            let readers = seen.value.readers_available().count();
            self.book.count(now, Counted::Readers, u32::try_from(readers).unwrap_or(u32::MAX));
        }
    }

    /// Takes over what people want now, keeping what was heard of the signals that stay.
    fn follow(&mut self, now: DateTime<Utc>) {
        let wanted = self.live.wanted();
        if self.followed.as_ref().is_none_or(|followed| !Arc::ptr_eq(followed, &wanted)) {
            self.book.follow(&wanted.signals);
            self.schedule.follow(&wanted.signals, now);
            self.followed = Some(wanted);
        }
    }

    /// Asks for signals and takes in the answer, or that there was none.
    async fn ask(&mut self, signals: &[Signal], now: DateTime<Utc>) -> Result<(), CallError> {
        let server_now = now + self.skew;
        let reach = signals.iter().map(|signal| self.reach(signal)).max().unwrap_or_default();
        let from = period_start(server_now - reach, TimeDelta::minutes(1));
        let queries: Vec<_> =
            signals.iter().enumerate().map(|(index, one)| one.query(index)).collect();
        let asked = queries.len() as u64;
        self.metrics.metrics_asked.inc_by(asked);
        self.asked.metrics = self.asked.metrics.saturating_add(asked);
        let answer = self.cloud.metrics(&queries, from, server_now).await;
        match &answer {
            Ok(answer) => self.hear(signals, answer, now),
            Err(_) => {
                for signal in signals {
                    self.book.histories.entry(signal.name.clone()).or_default().hear_nothing();
                }
            }
        }
        answer.map(|_| ())
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
        self.heard.extend(signals.iter().map(Group::of));
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
            let skewed = self.skew.abs() > SKEW_MAX;
            let verdict = if skewed { Verdict::Holds } else { Verdict::Clear };
            let words = format!("AWS's clock is {} s from ours", skew.num_seconds());
            self.live.findings.report("clock-skewed", verdict, &words, now);
        }
    }

    /// The first of these signals that has the period that its group was asked for.
    fn found<'a>(&self, group: &Group, signals: &'a [Signal]) -> Option<&'a Signal> {
        let period = self.schedule.period(group)?;
        let has = |signal: &&Signal| {
            let history = self.book.histories.get(&signal.name);
            history.is_some_and(|history: &History| history.at(period).is_some())
        };
        signals.iter().filter(|one| Group::of(one) == *group).find(has)
    }

    /// What is asked for first: the scouts of groups that are only looked for, all signals of the
    /// others.
    fn first_questions(
        &self,
        groups: &[Group],
        signals: &[Signal],
        now: DateTime<Utc>,
    ) -> (Vec<Signal>, BTreeSet<Group>) {
        let scout = |group: &Group| {
            let name = self.scouts.get(group).filter(|_| self.schedule.looks(group, now))?;
            signals.iter().find(|one| one.name == *name && Group::of(one) == *group)
        };
        let (mut questions, mut looked) = (Vec::new(), BTreeSet::new());
        for group in groups {
            if let Some(scout) = scout(group) {
                questions.push(scout.clone());
                looked.insert(group.clone());
            } else {
                let whole = signals.iter().filter(|one| Group::of(one) == *group);
                questions.extend(whole.cloned());
            }
        }
        (questions, looked)
    }

    /// Looks for the groups, and asks for the rest of those that are there. True when anything
    /// new was heard.
    async fn ask_groups(
        &mut self,
        groups: &[Group],
        signals: &[Signal],
        now: DateTime<Utc>,
    ) -> Result<bool, CallError> {
        let (questions, looked) = self.first_questions(groups, signals, now);
        let answer = self.ask(&questions, now).await;
        let there: Vec<&Group> = match &answer {
            Ok(()) => groups.iter().filter(|one| self.found(one, &questions).is_some()).collect(),
            Err(_) => Vec::new(),
        };
        let rest = |one: &&Signal| {
            let group = Group::of(one);
            looked.contains(&group) && there.contains(&&group) && !questions.contains(one)
        };
        let rest: Vec<Signal> = signals.iter().filter(rest).cloned().collect();
        let rest = if rest.is_empty() { Ok(()) } else { self.ask(&rest, now).await };
        for group in groups {
            let outcome = match (&answer, &rest) {
                (Err(_), _) => Outcome::Unanswered,
                (Ok(()), _) if !there.contains(&group) => Outcome::NotYet,
                (Ok(()), Err(_)) if looked.contains(group) => Outcome::Unanswered,
                (Ok(()), _) => Outcome::Found,
            };
            if !looked.contains(group) && outcome == Outcome::Found {
                let scout = self.found(group, &questions).map(|one| one.name.clone());
                self.scouts.extend(scout.map(|name| (group.clone(), name)));
            }
            self.schedule.asked(group, outcome, now);
        }
        let whole = looked.len() < groups.len();
        answer.and(rest).map(|()| whole || !there.is_empty())
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
        self.follow(now);
        self.count(now);
        let due = self.schedule.due(now);
        if due.is_empty() {
            self.publish(now + self.skew, false);
            return Ok(());
        }
        let wanted = self.live.wanted();
        let mut first_error = None;
        // What is slow is another call, because a call has one beginning and theirs is hours
        // earlier; and it comes second, so that what is hot does not wait for it.
        let (hot, slow): (Vec<_>, Vec<_>) = due.into_iter().partition(|group| !group.slow());
        for groups in [hot, slow].iter().filter(|groups| !groups.is_empty()) {
            let asked = self.ask_groups(groups, &wanted.signals, now).await;
            let news = asked.as_ref().is_ok_and(|news| *news);
            self.publish(now + self.skew, news);
            // What could not be asked is known to be unknown, and that is news too.
            if news || asked.is_err() {
                self.wakes.iter().for_each(|wake| wake.notify_one());
            }
            first_error = first_error.or_else(|| asked.err());
        }
        first_error.map_or(Ok(()), Err)
    }
}
