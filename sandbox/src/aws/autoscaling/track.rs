//! The target-tracking loop: read the metrics of every policy, decide, set the task count.

use super::AutoScaling;
use super::decide::{Capacity, Tracked, decide};
use super::state::{Policy, PolicyMetric, Target};
use crate::aws::metric::{Query, Statistic};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks; AWS's alarms are as quick for points of 20 seconds.
const PERIOD: Duration = Duration::from_secs(10);
/// Points looked back for, some more than the fifteen that shrinking needs: late ones are missing.
const POINTS: i32 = 18;

impl AutoScaling {
    /// Passes until `stop`.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let passes = async {
            loop {
                ticks.tick().await;
                self.pass();
            }
        };
        stop.run_until_cancelled(passes).await;
    }

    /// One look at every target, and what follows from it.
    pub fn pass(&self) {
        let now = (self.clock)();
        let mut state = self.state();
        let targets: Vec<(String, Target)> =
            state.targets.iter().map(|(id, target)| (id.clone(), target.clone())).collect();
        for (resource, target) in targets {
            let of_target = state.policies.iter().filter(|((of, _), _)| *of == resource);
            let tracked: Vec<Tracked> = of_target
                .map(|((_, name), policy)| self.track(name, policy, &target, now))
                .collect();
            let capacity = self.ecs.capacity(&target.cluster, &target.service);
            let Some((desired, deploying)) = capacity else { continue };
            let capacity = Capacity {
                desired,
                min: target.min,
                max: target.max,
                deploying,
                out_suspended: target.suspended.scale_out,
                in_suspended: target.suspended.scale_in,
                last_out: target.last_out,
                last_in: target.last_in,
            };
            let Some(change) = decide(&tracked, &capacity, now) else { continue };
            self.ecs.set_desired(&target.cluster, &target.service, change.to);
            let level = if change.to > desired { "AlarmHigh" } else { "AlarmLow" };
            let cause = format!(
                "monitor alarm TargetTracking-{resource}-{level} in state ALARM triggered \
                 policy {}",
                change.policy
            );
            tracing::info!(from = desired, to = change.to, "scaling {resource}: {cause}");
            if let Some(target) = state.targets.get_mut(&resource) {
                match change.to > desired {
                    true => target.last_out = Some((now, desired)),
                    false => target.last_in = Some(now),
                }
            }
            state.note(&resource, change.to, cause, now);
        }
    }

    /// The policy with the newest unbroken row of points.
    fn track(&self, name: &str, policy: &Policy, target: &Target, now: DateTime<Utc>) -> Tracked {
        let query = query(policy, target, now);
        let period = TimeDelta::seconds(query.period_seconds.into());
        let mut points = Vec::new();
        let mut newer: Option<DateTime<Utc>> = None;
        for (at, value) in self.metrics.read(&query).into_iter().rev() {
            if newer.is_some_and(|newer| newer - at > period) {
                break;
            }
            newer = Some(at);
            points.insert(0, value);
        }
        Tracked {
            policy: name.to_owned(),
            target: policy.target_value,
            points,
            scale_in: !policy.scale_in_disabled,
            out_cooldown: TimeDelta::seconds(policy.out_cooldown_seconds.into()),
            in_cooldown: TimeDelta::seconds(policy.in_cooldown_seconds.into()),
        }
    }
}

/// Closed periods only: the open one is provisional.
fn query(policy: &Policy, target: &Target, now: DateTime<Utc>) -> Query {
    let service =
        vec![("ClusterName", target.cluster.clone()), ("ServiceName", target.service.clone())];
    let (namespace, name, dimensions, period_seconds) = match policy.metric {
        PolicyMetric::Cpu => ("AWS/ECS", "CPUUtilization", service, 60),
        PolicyMetric::CpuHighResolution => ("AWS/ECS", "CPUUtilization", service, 20),
        PolicyMetric::Memory => ("AWS/ECS", "MemoryUtilization", service, 60),
        PolicyMetric::RequestsPerTarget => {
            let label = policy.resource_label.as_deref().unwrap_or_default();
            let group = label.find("targetgroup/").unwrap_or(label.len());
            let (balancer, group) = label.split_at(group);
            let balancer = balancer.trim_end_matches('/').to_owned();
            let dimensions = vec![("LoadBalancer", balancer), ("TargetGroup", group.to_owned())];
            ("AWS/ApplicationELB", "RequestCountPerTarget", dimensions, 60)
        }
    };
    let period = TimeDelta::seconds(period_seconds);
    let closed = now.timestamp().div_euclid(period_seconds) * period_seconds;
    let to = DateTime::from_timestamp(closed, 0).unwrap_or(now);
    Query {
        namespace,
        name,
        dimensions,
        statistic: Statistic::Average,
        period_seconds: u32::try_from(period_seconds).unwrap_or(60),
        from: to - period * POINTS,
        to,
    }
}
