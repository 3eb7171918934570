//! What the demonstration showed, in words, and what of it must not be. Pure.

use super::script::{Drill, Observed, ScaleOut};
use serde_json::Value;
use std::fmt;

/// The observations of the control side beside the report of the load.
#[derive(Debug)]
pub(super) struct Summary {
    observed: Observed,
    /// `loadgen`'s report; none when it was cut short.
    report: Option<Value>,
}

impl Summary {
    pub(super) fn new(observed: Observed, report: Option<Value>) -> Self {
        Self { observed, report }
    }

    fn number(&self, path: &str) -> Option<f64> {
        self.report.as_ref()?.pointer(path)?.as_f64()
    }

    /// Every invariant that broke. `expected` demands the scale-out and the drill as well.
    pub(super) fn faults(&self, expected: bool) -> Vec<String> {
        let mut faults = Vec::new();
        if self.report.is_none() {
            if expected {
                faults.push("the load left no report".to_owned());
            }
            return faults;
        }
        if self.report.as_ref().and_then(|r| r.pointer("/audit/ledger_audited"))
            != Some(&Value::Bool(true))
        {
            faults.push("the ledger was not audited".into());
        }
        for (path, words) in [
            ("/audit/lost", "acknowledged writes lost"),
            ("/audit/doubled", "writes doubled"),
            ("/audit/broken_wallets", "wallets whose entries do not add up"),
            ("/audit/broken_streams", "wallets with a hole or a wrong order on the topic"),
            ("/writes_unsettled", "writes whose fate stayed unknown"),
            ("/refused", "requests refused for no reason"),
        ] {
            match self.number(path) {
                Some(0.0) => {}
                Some(count) => faults.push(format!("{count} {words}")),
                None => faults.push(format!("unknown number of {words}")),
            }
        }
        let told = |report: &Value| report.pointer("/audit/faults")?.as_array().cloned();
        for fault in self.report.as_ref().and_then(told).unwrap_or_default() {
            faults.push(format!("audit: {}", fault.as_str().unwrap_or("unreadable")));
        }
        if expected && self.observed.scale_out.is_none() {
            faults.push("the daemon did not scale out to running tasks".into());
        }
        match &self.observed.drill {
            Some(drill) if !drill.succeeded => {
                faults.push(format!("the failover drill ended as {}", drill.outcome));
            }
            None if expected => faults.push("the failover drill was not run".into()),
            Some(_) | None => {}
        }
        faults
    }
}

/// What stands for a figure that the report lacks.
fn unknown() -> String {
    "?".to_owned()
}

impl fmt::Display for ScaleOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} -> {} tasks, decided {:.1} s and running {:.1} s after the load rose\n\
             {:11}{}",
            self.from,
            self.to,
            self.decided_after.as_secs_f64(),
            self.running_after.as_secs_f64(),
            "",
            self.reason
        )
    }
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.outcome)?;
        if let Some(rto_ms) = self.rto_ms {
            write!(f, "; RTO {rto_ms} ms by control's probe")?;
            if let Some(resolution) = self.rto_resolution_ms {
                write!(f, " (resolution {resolution} ms)")?;
            }
        }
        write!(f, "; writer {} -> {}", self.writer_before, self.writer_after)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |path: &str| self.number(path).map_or_else(unknown, |value| format!("{value:.1}"));
        writeln!(f, "SUMMARY")?;
        if self.report.is_some() {
            writeln!(
                f,
                "load       {} TPS; p50 {} ms, p95 {} ms, p99 {} ms from the due time",
                self.number("/tps").map_or_else(unknown, |tps| format!("{tps:.0}")),
                ms("/latency/p50_ms"),
                ms("/latency/p95_ms"),
                ms("/latency/p99_ms")
            )?;
        }
        match &self.observed.scale_out {
            Some(scale_out) => writeln!(f, "scale-out  {scale_out}")?,
            None => writeln!(f, "scale-out  none seen")?,
        }
        match &self.observed.drill {
            Some(drill) => writeln!(f, "drill      {drill}")?,
            None => writeln!(f, "drill      not run")?,
        }
        if self.report.is_some() {
            match self.number("/outage/seconds") {
                Some(seconds) => {
                    writeln!(
                        f,
                        "RTO        {seconds:.2} s from the clients' side (no write done)"
                    )?;
                }
                None => writeln!(f, "RTO        no outage seen by the clients")?,
            }
            let count = |path: &str| self.number(path).map_or_else(unknown, |n| format!("{n:.0}"));
            writeln!(
                f,
                "writes     {} acknowledged, lost {}, doubled {}, {} settled by asking again",
                count("/writes_acknowledged"),
                count("/audit/lost"),
                count("/audit/doubled"),
                count("/writes_settled_later")
            )?;
            writeln!(
                f,
                "audit      {} wallets, {} entries, {} events",
                count("/audit/wallets"),
                count("/audit/entries"),
                count("/audit/events")
            )?;
        }
        let faults = self.faults(self.observed.complete);
        if faults.is_empty() && self.report.is_some() {
            return write!(f, "verdict    CLEAN");
        }
        if self.report.is_none() {
            return write!(f, "verdict    not audited: the load was cut short");
        }
        write!(f, "verdict    BROKEN")?;
        faults.iter().try_for_each(|fault| write!(f, "\n           {fault}"))
    }
}
