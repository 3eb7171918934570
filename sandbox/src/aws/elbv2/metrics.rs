//! The load balancer's metrics, every minute: for itself and for its target group. As on AWS,
//! counters are published only when they are not zero, and nothing at all without requests but
//! the number of healthy and unhealthy targets.

use super::Elbv2;
use crate::aws::machines::{TargetHealth, TargetState, Traffic};
use crate::aws::metric::{Metric, Publisher};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

const PERIOD: TimeDelta = TimeDelta::seconds(60);

impl Publisher for Elbv2 {
    fn period(&self) -> TimeDelta {
        PERIOD
    }

    fn measure(&self, at: DateTime<Utc>) -> BoxFuture<'_, Vec<Metric>> {
        let (traffic, health) = (self.targets.take_traffic(), self.targets.health());
        ready(self.measured(&traffic, &health, at)).boxed()
    }
}

impl Elbv2 {
    fn measured(
        &self,
        traffic: &Traffic,
        health: &[TargetHealth],
        at: DateTime<Utc>,
    ) -> Vec<Metric> {
        let balancer = ("LoadBalancer", self.load_balancer_dimension());
        let group = ("TargetGroup", self.target_group_dimension());
        let both = vec![balancer.clone(), group.clone()];
        let metric = |name, unit, dimensions: &[(&'static str, String)], values| Metric {
            namespace: "AWS/ApplicationELB",
            name,
            dimensions: dimensions.to_vec(),
            unit,
            at,
            values,
        };
        let once = |value: f64| vec![(value, 1.0)];
        let count =
            |state| count_of(health.iter().filter(|target| target.state == state).count() as u64);
        let (healthy, unhealthy) = (count(TargetState::Healthy), count(TargetState::Unhealthy));
        let mut metrics = vec![
            metric("HealthyHostCount", "Count", &both, once(healthy)),
            metric("UnHealthyHostCount", "Count", &both, once(unhealthy)),
        ];
        let counters = [
            ("RequestCount", traffic.requests),
            ("HTTPCode_Target_2XX_Count", traffic.target_2xx),
            ("HTTPCode_Target_4XX_Count", traffic.target_4xx),
            ("HTTPCode_Target_5XX_Count", traffic.target_5xx),
            ("HTTPCode_ELB_5XX_Count", traffic.elb_5xx),
        ];
        for (name, value) in counters.into_iter().filter(|(_, value)| *value > 0) {
            let value = once(count_of(value));
            metrics.push(metric(name, "Count", std::slice::from_ref(&balancer), value.clone()));
            if name != "HTTPCode_ELB_5XX_Count" {
                metrics.push(metric(name, "Count", &both, value));
            }
        }
        if !traffic.response_seconds.is_empty() {
            for dimensions in [std::slice::from_ref(&balancer), &both] {
                let seconds = traffic.response_seconds.clone();
                metrics.push(metric("TargetResponseTime", "Seconds", dimensions, seconds));
            }
        }
        if traffic.requests > 0 && healthy > 0.0 {
            let value = once(count_of(traffic.requests) / healthy);
            metrics.push(metric("RequestCountPerTarget", "Count", &both, value));
        }
        metrics
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 requests a minute")]
fn count_of(number: u64) -> f64 {
    number as f64
}
