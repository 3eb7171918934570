//! Reads the long series of one environment, each minute.
//!
//! What is new, and after a start as far back as objectives and the detector look. Nothing is kept
//! over a restart, because AWS keeps it: minutes for 15 days, five minutes for 63, hours for 455.
//!
//! What it costs: two metrics a minute for each objective and one every five minutes for each
//! signal with an anomaly rule; at $0.01 for 1,000 metrics, $0.86 and $0.09 a month.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::history::{Buckets, MINUTES_KEPT, finding};
use super::{Counts, Slo};
use crate::alert::{Condition, Rule};
use crate::anomaly::Detector;
use crate::app::Live;
use crate::aws::{CallError, Cloud, Completeness, MetricQuery, Metrics, Series};
use crate::driver::Pass;
use crate::metrics::Metrics as Counters;
use crate::readings::classify::period_start;
use crate::readings::{Absence, Signal};

/// How often it looks for what is new.
pub const PERIOD: Duration = Duration::from_secs(60);
/// Minutes that are read again, because late publishers raise them.
const MINUTES_REREAD: TimeDelta = TimeDelta::minutes(10);
const HOURS_REREAD: TimeDelta = TimeDelta::hours(3);
/// The detector looks back two weeks; one day more lets it learn how far is too far.
const JUDGED_KEPT: TimeDelta = TimeDelta::days(15);
const JUDGED_STEP_S: u32 = 300;
/// A point is judged once, so it is judged when late publishers are through.
const JUDGED_LAG: TimeDelta = TimeDelta::minutes(2);

/// The loop that reads.
pub struct Watch {
    live: Arc<Live>,
    cloud: Arc<dyn Cloud>,
    counters: Arc<Counters>,
    detectors: BTreeMap<String, Detector>,
    /// Up to where each kind of series was read.
    minutes_to: Option<DateTime<Utc>>,
    hours_to: Option<DateTime<Utc>>,
    judged_to: Option<DateTime<Utc>>,
}

impl Watch {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(live: Arc<Live>, cloud: Arc<dyn Cloud>, counters: Arc<Counters>) -> Self {
        let detectors = BTreeMap::new();
        let (minutes_to, hours_to, judged_to) = (None, None, None);
        Self { live, cloud, counters, detectors, minutes_to, hours_to, judged_to }
    }

    /// Counts of every objective, in buckets of `period_s`, from the bucket that holds `from` on.
    async fn counts(
        &self,
        period_s: u32,
        from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<String, Buckets>, CallError> {
        let wanted = self.live.wanted();
        let of = |name: &str| wanted.signals.iter().find(|signal| signal.name == name);
        let pairs: Vec<(&Slo, &Signal, &Signal)> = wanted
            .slos
            .iter()
            .filter_map(|slo| Some((slo, of(&slo.total)?, of(&slo.bad)?)))
            .collect();
        let queries: Vec<MetricQuery> = pairs
            .iter()
            .enumerate()
            .flat_map(|(n, (_, total, bad))| {
                [query(format!("t{n}"), total, period_s), query(format!("b{n}"), bad, period_s)]
            })
            .collect();
        let answer = self.ask(&queries, period_s, from, now).await?;
        let bucketed = pairs.iter().enumerate().map(|(n, (slo, total, bad))| {
            let series = |kind: char| find(&answer, &format!("{kind}{n}"));
            let (Some(totals), Some(bads)) = (series('t'), series('b')) else {
                return (slo.name.clone(), Buckets::new());
            };
            let closed = now - TimeDelta::seconds(i64::from(period_s));
            (slo.name.clone(), buckets((total, totals), (bad, bads), period_s, closed))
        });
        Ok(bucketed.collect())
    }

    async fn ask(
        &self,
        queries: &[MetricQuery],
        period_s: u32,
        from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Metrics, CallError> {
        self.counters.metrics_asked.inc_by(queries.len() as u64);
        let from = period_start(from, TimeDelta::seconds(i64::from(period_s)));
        self.cloud.metrics(queries, from, now).await
    }

    async fn read_minutes(&mut self, now: DateTime<Utc>) -> Result<(), CallError> {
        let from = reread(self.minutes_to, MINUTES_REREAD, MINUTES_KEPT, now);
        let read = self.counts(60, from, now).await?;
        self.minutes_to = Some(now);
        let keep_from = (now - MINUTES_KEPT).timestamp() / 60 - 5;
        self.live.history.send_modify(|history| merge(&mut history.minutes, read, keep_from));
        Ok(())
    }

    /// Once an hour, a few minutes after it has ended.
    async fn read_hours(&mut self, now: DateTime<Utc>) -> Result<(), CallError> {
        let hour = |at: DateTime<Utc>| period_start(at - JUDGED_LAG, TimeDelta::hours(1));
        if self.hours_to.is_some_and(|to| hour(to) == hour(now)) {
            return Ok(());
        }
        let longest = self.live.wanted().slos.iter().map(|slo| slo.window).max();
        let kept = longest.unwrap_or_default();
        let from = reread(self.hours_to, HOURS_REREAD, kept, now);
        let read = self.counts(3_600, from, now).await?;
        self.hours_to = Some(now);
        let keep_from = (now - kept).timestamp() / 3_600 - 5;
        self.live.history.send_modify(|history| merge(&mut history.hours, read, keep_from));
        Ok(())
    }

    /// Keeps a detector for each signal of which a rule asks. When these change, all of them learn
    /// anew from what AWS kept.
    fn follow(&mut self, rules: &[Rule]) {
        let judged: BTreeSet<&String> = rules
            .iter()
            .filter_map(|rule| match &rule.condition {
                Condition::Anomaly { signal } => Some(signal),
                _ => None,
            })
            .collect();
        if judged.iter().copied().ne(self.detectors.keys()) {
            let step_s = i64::from(JUDGED_STEP_S);
            let detector = |signal: &String| (signal.clone(), Detector::new(step_s));
            self.detectors = judged.into_iter().map(detector).collect();
            self.judged_to = None;
        }
    }

    /// Hands the detector every step that it has not judged and that nobody publishes any more.
    async fn judge(&mut self, now: DateTime<Utc>) -> Result<(), CallError> {
        let wanted = self.live.wanted();
        self.follow(&wanted.alerts);
        if self.detectors.is_empty() {
            return Ok(());
        }
        let step = TimeDelta::seconds(i64::from(JUDGED_STEP_S));
        let to = period_start(now - JUDGED_LAG, step);
        let from = self.judged_to.unwrap_or(to - JUDGED_KEPT);
        if from >= to {
            return Ok(());
        }
        let from = from.max(to - JUDGED_KEPT);
        let signals: Vec<Signal> = {
            let all = wanted.signals.iter();
            all.filter(|signal| self.detectors.contains_key(&signal.name)).cloned().collect()
        };
        let queries: Vec<MetricQuery> = signals
            .iter()
            .enumerate()
            .map(|(n, signal)| query(format!("a{n}"), signal, JUDGED_STEP_S))
            .collect();
        let answer = self.ask(&queries, JUDGED_STEP_S, from, to).await?;
        for (n, signal) in signals.iter().enumerate() {
            let Some(series) = find(&answer, &format!("a{n}")) else { continue };
            let Some(detector) = self.detectors.get_mut(&signal.name) else { continue };
            let points: BTreeMap<_, _> = series.points.iter().copied().collect();
            let mut at = from;
            let mut newest = None;
            while at < to {
                let value = points.get(&at).map(|value| value * signal.scale);
                let number = at.timestamp() / i64::from(JUDGED_STEP_S);
                newest = Some(finding(&signal.name, value, detector.observe(number, value)));
                at += step;
            }
            self.live.history.send_modify(|history| {
                let newest = newest.take().map(|finding| (to, finding));
                history.unusual.extend(newest.map(|newest| (signal.name.clone(), newest)));
            });
        }
        self.judged_to = Some(to);
        Ok(())
    }
}

impl Pass for Watch {
    type Error = CallError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), CallError> {
        if !self.live.wanted().slos.is_empty() {
            self.read_minutes(now).await?;
            self.read_hours(now).await?;
        }
        self.judge(now).await
    }
}

/// From where to read on: a little before what was read, and never further back than is kept.
fn reread(
    to: Option<DateTime<Utc>>,
    again: TimeDelta,
    kept: TimeDelta,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    to.map_or(now - kept, |to| (to - again).max(now - kept))
}

fn query(id: String, signal: &Signal, period_s: u32) -> MetricQuery {
    MetricQuery {
        id,
        namespace: signal.namespace.clone(),
        metric: signal.metric.clone(),
        dimensions: signal.dimensions.clone(),
        statistic: signal.statistic.clone(),
        period_s,
    }
}

fn find<'a>(answer: &'a Metrics, id: &str) -> Option<&'a Series> {
    answer.series.iter().find(|series| series.id == id)
}

/// Closed periods of which both counts are known. No bad request is known where the bad signal's
/// own rule says that its absence is zero, and all of it was sent.
fn buckets(
    (total, totals): (&Signal, &Series),
    (bad, bads): (&Signal, &Series),
    period_s: u32,
    closed: DateTime<Utc>,
) -> Buckets {
    let zero =
        matches!(bad.absent, Absence::ZeroIf(_)) && bads.completeness == Completeness::Complete;
    let found: BTreeMap<_, _> = bads.points.iter().copied().collect();
    let closed = totals.points.iter().filter(|(at, value)| *at <= closed && value.is_finite());
    let known = closed.filter_map(|(at, value)| {
        let bad_value = found.get(at).copied().filter(|value| value.is_finite());
        let bad_value = bad_value.or_else(|| zero.then_some(0.0))?;
        let counts = Counts { total: value * total.scale, bad: bad_value * bad.scale };
        Some((at.timestamp() / i64::from(period_s), counts))
    });
    known.collect()
}

fn merge(into: &mut BTreeMap<String, Buckets>, read: BTreeMap<String, Buckets>, keep_from: i64) {
    for (name, buckets) in read {
        let held = into.entry(name).or_default();
        held.extend(buckets);
        *held = held.split_off(&keep_from);
    }
}
