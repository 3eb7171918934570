//! CPU and memory of each service, every 20 seconds, one value per running task.

use super::Ecs;
use super::state::{Phase, State};
use crate::aws::machines::TaskUsage;
use crate::aws::metric::{Metric, Publisher};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use std::collections::BTreeMap;

/// ECS's high resolution.
const PERIOD: TimeDelta = TimeDelta::seconds(20);

impl Publisher for Ecs {
    fn period(&self) -> TimeDelta {
        PERIOD
    }

    fn measure(&self, at: DateTime<Utc>) -> BoxFuture<'_, Vec<Metric>> {
        let usage = self.processes.usage();
        ready(measured(&self.state(), &usage, at)).boxed()
    }
}

/// A service without running tasks publishes nothing, as on AWS.
fn measured(state: &State, usage: &BTreeMap<String, TaskUsage>, at: DateTime<Utc>) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for service in state.services.values() {
        let used: Vec<TaskUsage> = state
            .tasks_of(service)
            .filter(|task| task.phase == Phase::Running)
            .filter_map(|task| usage.get(&task.id).copied())
            .collect();
        if used.is_empty() {
            continue;
        }
        let metric = |name, value: fn(&TaskUsage) -> f64| Metric {
            namespace: "AWS/ECS",
            name,
            dimensions: vec![
                ("ClusterName", service.cluster.clone()),
                ("ServiceName", service.name.clone()),
            ],
            unit: "Percent",
            at,
            values: used.iter().map(|one| (value(one), 1.0)).collect(),
        };
        metrics.push(metric("CPUUtilization", |one| one.cpu_percent));
        metrics.push(metric("MemoryUtilization", |one| one.memory_percent));
    }
    metrics
}
