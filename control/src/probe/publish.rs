//! Publishes what the canary experienced as metrics of our own, so that an alarm in AWS, and
//! whoever looks there, sees what a client saw even while we are dead or wrong.
//!
//! They carry the environment and nothing else, in a namespace of their own: what the canary did is
//! never part of what the wallet's clients did.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, Probes};
use crate::aws::{CallError, Cloud, Datum, Unit};
use crate::driver::Pass;

/// The namespace of control's own metrics.
const NAMESPACE: &str = "Wallet/Control";
const LATENCY: &str = "CanaryLatencyMs";
/// One for a probe that was acknowledged, zero for one that was not: its average is the share.
const SUCCESS: &str = "CanarySuccess";
/// Each call is paid for: two a minute are $0.88 a month at $0.01 for a thousand.
pub const PUBLISH_PERIOD: Duration = Duration::from_secs(30);
/// What could not be published for longer is history. Four probes a second for two minutes are
/// 480, and two values each are 960 of the 1,000 that one call takes.
const BACKLOG_MAX: TimeDelta = TimeDelta::minutes(2);

/// The loop that publishes for one environment.
pub struct Publish {
    environment: String,
    cloud: Arc<dyn Cloud>,
    probes: Probes,
    /// The newest probe that was published.
    told: DateTime<Utc>,
}

impl Publish {
    /// Publishes what happens from `now` on.
    #[must_use]
    pub fn new(
        environment: &str,
        cloud: Arc<dyn Cloud>,
        probes: Probes,
        now: DateTime<Utc>,
    ) -> Self {
        Self { environment: environment.to_owned(), cloud, probes, told: now }
    }
}

impl Pass for Publish {
    type Error = CallError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), CallError> {
        let from = self.told.max(now - BACKLOG_MAX);
        let mut outcomes = self.probes.outcomes();
        outcomes.retain(|one| one.at > from);
        let Some(newest) = outcomes.iter().map(|one| one.at).max() else { return Ok(()) };
        let data = data(&self.environment, &outcomes);
        self.cloud.publish_metrics(NAMESPACE, &data).await?;
        self.told = newest;
        Ok(())
    }
}

/// Each probe's success, and the latency of those that had one.
fn data(environment: &str, outcomes: &[Outcome]) -> Vec<Datum> {
    let datum = |metric: &str, at, value, unit| Datum {
        metric: metric.to_owned(),
        dimensions: vec![("Environment".to_owned(), environment.to_owned())],
        at,
        value,
        unit,
    };
    let each = |one: &Outcome| {
        let success = datum(SUCCESS, one.at, f64::from(u8::from(one.ok)), Unit::Count);
        let latency_ms = one.latency.as_secs_f64() * 1_000.0;
        let latency = one.ok.then(|| datum(LATENCY, one.at, latency_ms, Unit::Milliseconds));
        [Some(success), latency]
    };
    outcomes.iter().flat_map(each).flatten().collect()
}
