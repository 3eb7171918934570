//! The nodes' metrics, sampled every ten seconds and published every minute.

use super::ElastiCache;
use crate::aws::failover::View;
use crate::aws::metric::{Metric, Publisher, Samples};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use std::sync::PoisonError;

const SAMPLING: TimeDelta = TimeDelta::seconds(10);

impl Publisher for ElastiCache {
    fn period(&self) -> TimeDelta {
        SAMPLING
    }

    fn measure(&self, at: DateTime<Utc>) -> BoxFuture<'_, Vec<Metric>> {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        sample(&self.supervisor.view(), &mut samples);
        ready(samples.take("AWS/ElastiCache", at, SAMPLING)).boxed()
    }
}

/// A dead node has no samples; the primary has no lag.
fn sample(view: &View, samples: &mut Samples) {
    let primary = view.writer().map(|primary| primary.id.clone());
    for member in view.members.iter().filter(|member| member.up) {
        let mut add = |name, unit, value| {
            samples.add(name, vec![("CacheClusterId", member.id.clone())], unit, value);
        };
        #[expect(clippy::cast_precision_loss, reason = "a server has a few hundred of them")]
        let connections = member.connections.map(|count| count as f64);
        let replica = Some(&member.id) != primary.as_ref();
        let lag = member.lag_ms.filter(|_| replica).map(|milliseconds| milliseconds / 1_000.0);
        add("CPUUtilization", "Percent", member.cpu_percent);
        add("CurrConnections", "Count", connections);
        add("ReplicationLag", "Seconds", lag);
    }
}
