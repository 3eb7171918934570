//! The instances' metrics, sampled every ten seconds and published every minute: by instance, and
//! by cluster and role.

use super::Rds;
use crate::aws::failover::View;
use crate::aws::metric::{Dimensions, Metric, Publisher, Samples};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use std::sync::PoisonError;

const SAMPLING: TimeDelta = TimeDelta::seconds(10);

impl Publisher for Rds {
    fn period(&self) -> TimeDelta {
        SAMPLING
    }

    fn measure(&self, at: DateTime<Utc>) -> BoxFuture<'_, Vec<Metric>> {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        self.sample(&self.supervisor.view(), &mut samples);
        ready(samples.take("AWS/RDS", at, SAMPLING)).boxed()
    }
}

impl Rds {
    /// A dead instance has no samples.
    fn sample(&self, view: &View, samples: &mut Samples) {
        let writer = view.writer().map(|writer| writer.id.clone());
        for member in view.members.iter().filter(|member| member.up) {
            let is_writer = Some(&member.id) == writer.as_ref();
            let role = if is_writer { "WRITER" } else { "READER" };
            let by_role =
                vec![("DBClusterIdentifier", self.cluster_id()), ("Role", role.to_owned())];
            let by_id: Dimensions = vec![("DBInstanceIdentifier", member.id.clone())];
            #[expect(clippy::cast_precision_loss, reason = "a server has a few hundred of them")]
            let connections = member.connections.map(|count| count as f64);
            let lag = if is_writer { None } else { member.lag_ms };
            for dimensions in [by_id, by_role] {
                let mut add = |name, unit, value| {
                    samples.add(name, dimensions.clone(), unit, value);
                };
                add("CPUUtilization", "Percent", member.cpu_percent);
                add("DatabaseConnections", "Count", connections);
                add("AuroraReplicaLag", "Milliseconds", lag);
            }
        }
    }
}
