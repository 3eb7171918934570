//! A drill: a runbook with a hypothesis, a measurement and an abort.
//!
//! It holds no steps of its own. What is rehearsed is the runbook that runs at three in the
//! morning, in the same engine; the drill only adds when it may begin, what must come out, and
//! what ends it. Every exit gives back what was taken, because that is how every run ends.

use crate::{
    document::{Faults, Field, decode},
    probe::{Outcome, failing_for},
    runbook::{
        condition::Condition,
        parse::{Scope, conditions, tier},
        state::{Measured, Run},
    },
};
use chrono::{DateTime, Utc};
use protocol::control::Tier;
use std::time::Duration;

/// One drill file.
#[derive(Clone, Debug, PartialEq)]
pub struct Drill {
    pub name: String,
    pub revision: u32,
    pub owner: String,
    pub summary: String,
    /// The runbook that it rehearses.
    pub runbook: String,
    pub tiers: Vec<Tier>,
    /// All must be known to hold before anything is touched.
    pub gate: Vec<Condition>,
    /// A gate that does not hold in time refuses the drill.
    pub gate_timeout: Duration,
    /// Clients must not have been without it for longer.
    pub rto_max: Duration,
    /// Clients that have been without it for this long end the drill.
    pub probe_failing_max: Duration,
    /// Between two runs of it in one environment.
    pub cooldown: Duration,
    pub text: String,
}

/// How the verdict of a drill that came out as expected begins.
pub const PASSED: &str = "drill passed";
/// How the verdict of one that did not begins.
pub const DEVIATED: &str = "drill deviated";

/// Reads a drill.
///
/// # Errors
///
/// Every fault of the file.
pub fn parse(file: &str, text: &str) -> Result<Drill, Faults> {
    decode(file, text, |root| drill(&root, text))
}

fn drill(root: &Field<'_>, text: &str) -> Option<Drill> {
    let second = Duration::from_secs(1);
    let day = second * 86_400;
    let map = root.map(&[
        "kind", "name", "revision", "owner", "summary", "runbook", "tiers", "gate", "expect",
        "abort", "cooldown",
    ])?;
    let kind = map.required("kind").and_then(|f| f.choice(&[("Drill", ())]));
    let name = map.required("name").and_then(|f| f.name());
    let revision = map.required("revision").and_then(|f| f.count(1..=1_000_000));
    let owner = map.required("owner").and_then(|f| f.text());
    let summary = map.required("summary").and_then(|f| f.text());
    let runbook = map.required("runbook").and_then(|f| f.name());
    let tiers = map.required("tiers").and_then(|f| f.list(3, |item| tier(&item)));
    let gate = map.required("gate").and_then(|f| gate(&f));
    let rto_max = map
        .required("expect")
        .and_then(|f| f.map(&["rto"])?.required("rto")?.duration(second..=day));
    // A drill without an abort is a fault without an end.
    let probe_failing_max = map.required("abort").and_then(|f| {
        f.map(&["probe_failing_for"])?.required("probe_failing_for")?.duration(second..=day)
    });
    let cooldown = map.required("cooldown").and_then(|f| f.duration(second..=day * 30));
    kind?;
    let (gate, gate_timeout) = gate?;
    Some(Drill {
        name: name?,
        revision: revision?,
        owner: owner?,
        summary: summary?,
        runbook: runbook?,
        tiers: tiers?,
        gate,
        gate_timeout,
        rto_max: rto_max?,
        probe_failing_max: probe_failing_max?,
        cooldown: cooldown?,
        text: text.to_owned(),
    })
}

fn gate(field: &Field<'_>) -> Option<(Vec<Condition>, Duration)> {
    let second = Duration::from_secs(1);
    let map = field.map(&["all", "timeout"])?;
    let scope = Scope::of_params(&[]);
    let all = map.required("all").and_then(|f| conditions(&f, &scope, 16));
    let timeout = map.required("timeout").and_then(|f| f.duration(second..=second * 3600));
    Some((all?, timeout?))
}

impl Drill {
    /// Why the drill must end now, if it must.
    #[must_use]
    pub fn abort(&self, probe: &[Outcome], now: DateTime<Utc>) -> Option<String> {
        let failing = failing_for(probe, now);
        (failing >= self.probe_failing_max).then(|| {
            format!(
                "clients have been without the wallet for {}s, {}s allowed",
                failing.as_secs(),
                self.probe_failing_max.as_secs()
            )
        })
    }

    /// What came out of it, beginning with [`PASSED`] or [`DEVIATED`].
    #[must_use]
    pub fn verdict(&self, run: &Run) -> String {
        let limit_ms = self.rto_max.as_millis();
        match &run.measured {
            None => format!("{DEVIATED}: the recovery time was not measured"),
            Some(Measured { rto_ms: None, words, .. }) => format!("{DEVIATED}: {words}"),
            Some(Measured { rto_ms: Some(ms), .. }) if u128::from(*ms) <= limit_ms => {
                format!("{PASSED}: recovered within {ms} ms, {limit_ms} ms allowed")
            }
            Some(Measured { rto_ms: Some(ms), .. }) => {
                format!("{DEVIATED}: recovered within {ms} ms, {limit_ms} ms allowed")
            }
        }
    }
}
