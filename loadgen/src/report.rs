//! The report of a run: for people as text, for programs as JSON.

use crate::{
    audit::Verdict,
    run::Writes,
    tally::{Outcome, Tally},
};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// Everything measured, in the units that the names say.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Answered requests per second, from the start of the load to its last answer.
    pub tps: f64,
    pub succeeded: u64,
    /// Refused for want of money, as the mix expects.
    pub declined: u64,
    /// Refused for another reason: must be 0.
    pub refused: u64,
    /// 5xx, timeouts and broken connections.
    pub unavailable: u64,
    /// Not sent, because too many were waiting.
    pub unsent: u64,
    pub latency: Latency,
    pub operations: BTreeMap<&'static str, OperationReport>,
    /// The longest span without an acknowledged write in which a request failed.
    pub outage: Option<OutageReport>,
    pub writes_acknowledged: u64,
    /// Writes that failed at first and were settled by asking again under their key.
    pub writes_settled_later: u64,
    /// Writes whose fate the service never told.
    pub writes_unsettled: u64,
    /// Requests answered in each second of the run.
    pub per_second: BTreeMap<u64, u64>,
    pub audit: Verdict,
}

/// Milliseconds from the due time to the last byte of the answer.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

/// One operation's share of the report.
#[derive(Clone, Debug, Serialize)]
pub struct OperationReport {
    pub requests: u64,
    pub failed: u64,
    pub latency: Latency,
}

/// When writes were out, in seconds from the start of the load.
#[derive(Clone, Debug, Serialize)]
pub struct OutageReport {
    pub from_s: f64,
    pub seconds: f64,
}

impl Report {
    /// Sums up a finished run.
    #[must_use]
    pub fn new(tally: &Tally, writes: &Writes, audit: Verdict) -> Self {
        let operations = tally.rows.iter().map(|(operation, row)| {
            let requests = row.outcomes.values().sum();
            let failed = [Outcome::Refused, Outcome::Unavailable, Outcome::Unsent]
                .iter()
                .filter_map(|outcome| row.outcomes.get(outcome))
                .sum();
            let latency = Latency::of(&row.latency_us);
            (operation.name(), OperationReport { requests, failed, latency })
        });
        let per_second: BTreeMap<u64, u64> =
            tally.seconds().iter().map(|(second, count)| (*second, count.succeeded)).collect();
        let answered: u64 = per_second.values().sum();
        let span_s = tally.span().as_secs_f64();
        Self {
            tps: if span_s > 0.0 { answered as f64 / span_s } else { 0.0 },
            succeeded: tally.count(Outcome::Succeeded),
            declined: tally.count(Outcome::Declined),
            refused: tally.count(Outcome::Refused),
            unavailable: tally.count(Outcome::Unavailable),
            unsent: tally.count(Outcome::Unsent),
            latency: Latency::of(&tally.latency_us()),
            operations: operations.collect(),
            outage: tally.longest_outage().map(|outage| OutageReport {
                from_s: outage.last_before.as_secs_f64(),
                seconds: outage.length().as_secs_f64(),
            }),
            writes_acknowledged: writes.acknowledged.len() as u64,
            writes_settled_later: writes.settled_later,
            writes_unsettled: writes.unsettled.len() as u64,
            per_second,
            audit,
        }
    }

    /// True when nothing was lost, doubled, refused without reason or left open.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.audit.clean() && self.refused == 0 && self.writes_unsettled == 0
    }
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            p50_ms: ms(0.50),
            p95_ms: ms(0.95),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: histogram.max() as f64 / 1000.0,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50_ms, p95_ms, p99_ms, p999_ms, max_ms } = &self.latency;
        writeln!(f, "load       {:.0} TPS answered", self.tps)?;
        writeln!(
            f,
            "latency    p50 {p50_ms:.1}  p95 {p95_ms:.1}  p99 {p99_ms:.1}  p99.9 {p999_ms:.1}  \
             max {max_ms:.0} ms, from the due time"
        )?;
        writeln!(
            f,
            "outcomes   {} succeeded, {} declined, {} refused, {} unavailable, {} not sent",
            self.succeeded, self.declined, self.refused, self.unavailable, self.unsent
        )?;
        for (name, row) in &self.operations {
            writeln!(
                f,
                "  {name:<12}{:>9} requests{:>7} failed   p50 {:>7.1}  p99 {:>7.1} ms",
                row.requests, row.failed, row.latency.p50_ms, row.latency.p99_ms
            )?;
        }
        match &self.outage {
            Some(outage) => writeln!(
                f,
                "outage     {:.2} s without an acknowledged write, from second {:.1}",
                outage.seconds, outage.from_s
            )?,
            None => writeln!(f, "outage     none")?,
        }
        writeln!(
            f,
            "writes     {} acknowledged, {} settled by asking again, {} unsettled",
            self.writes_acknowledged, self.writes_settled_later, self.writes_unsettled
        )?;
        self.audit.fmt(f)
    }
}
