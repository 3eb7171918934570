//! The cluster's metrics, every minute. Brokers that do not answer publish nothing.

use super::Msk;
use crate::aws::machines::PartitionHealth;
use crate::aws::metric::{Metric, Publisher};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;

const PERIOD: TimeDelta = TimeDelta::seconds(60);

impl Publisher for Msk {
    fn period(&self) -> TimeDelta {
        PERIOD
    }

    fn measure(&self, at: DateTime<Utc>) -> BoxFuture<'_, Vec<Metric>> {
        let health = self.brokers.partitions();
        health.map(move |health| health.map_or_else(Vec::new, |one| self.measured(one, at))).boxed()
    }
}

impl Msk {
    fn measured(&self, health: PartitionHealth, at: DateTime<Utc>) -> Vec<Metric> {
        let metric = |name, value: u64| Metric {
            namespace: "AWS/Kafka",
            name,
            dimensions: vec![("Cluster Name", self.name())],
            unit: "Count",
            at,
            #[expect(clippy::cast_precision_loss, reason = "a cluster has thousands at most")]
            values: vec![(value as f64, 1.0)],
        };
        vec![
            metric("ActiveControllerCount", health.active_controllers),
            metric("OfflinePartitionsCount", health.offline),
            metric("UnderReplicatedPartitions", health.under_replicated),
        ]
    }
}
