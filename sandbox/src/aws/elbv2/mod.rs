//! Elastic Load Balancing v2: one application load balancer with one listener and target group.
//!
//! The balancer itself, its health checks included, is behind [`Targets`]. Differs from AWS:
//! nothing is created or deleted, rules and certificates do not exist, attributes other than the
//! deregistration delay are remembered and have no effect, and a load balancer has one address.
//! Thresholds and period of the health check are the balancer's and are not described.

mod attributes;
mod describe;
mod metrics;

use super::machines::{TargetState, Targets};
use super::wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready};
use super::{Clock, Region};
use attributes::Attributes;
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The service; ECS registers its tasks through it.
pub struct Elbv2 {
    region: Region,
    created_at: DateTime<Utc>,
    targets: Arc<dyn Targets>,
    attributes: Mutex<Attributes>,
}

impl Elbv2 {
    /// The load balancer of the environment, in front of `targets`.
    #[must_use]
    pub fn new(
        region: Region,
        clock: &Clock,
        targets: Arc<dyn Targets>,
        deregistration_delay: Duration,
    ) -> Elbv2 {
        let attributes = Mutex::new(Attributes::new(deregistration_delay));
        Elbv2 { region, created_at: clock(), targets, attributes }
    }

    /// The machine.
    #[must_use]
    pub fn targets(&self) -> &dyn Targets {
        self.targets.as_ref()
    }

    /// Begins to drain a target, for as long as the target group says.
    pub fn deregister(&self, port: u16) {
        self.targets.deregister(port, attributes::deregistration_delay(self));
    }

    /// How the load balancer sees the target on this port; none when it does not know it.
    #[must_use]
    pub fn target_state(&self, port: Option<u16>) -> Option<TargetState> {
        let port = port?;
        let health = self.targets.health();
        health.iter().find(|target| target.port == port).map(|target| target.state)
    }

    /// `app/wallet-local/50dc6c495c0c9188`: the dimension `LoadBalancer`.
    #[must_use]
    pub fn load_balancer_dimension(&self) -> String {
        format!("app/wallet-{}/50dc6c495c0c9188", self.region.environment)
    }

    /// `targetgroup/wallet-svc/73e2d6bc24d8a067`: the dimension `TargetGroup`.
    #[must_use]
    pub fn target_group_dimension(&self) -> String {
        String::from("targetgroup/wallet-svc/73e2d6bc24d8a067")
    }

    /// The one target group.
    #[must_use]
    pub fn target_group_arn(&self) -> String {
        self.arn(&self.target_group_dimension())
    }

    /// The one load balancer.
    #[must_use]
    pub fn load_balancer_arn(&self) -> String {
        self.arn(&format!("loadbalancer/{}", self.load_balancer_dimension()))
    }

    fn arn(&self, resource: &str) -> String {
        self.region.arn("elasticloadbalancing", resource)
    }

    /// Refuses a target group that does not exist.
    fn expect_group(&self, input: Input<'_>) -> Result<(), AwsError> {
        match input.required("TargetGroupArn")? == self.target_group_arn() {
            true => Ok(()),
            false => {
                let words = "One or more target groups not found";
                Err(AwsError::refused("TargetGroupNotFound", words))
            }
        }
    }

    /// Refuses a load balancer that does not exist.
    fn expect_balancer(&self, arn: &str) -> Result<(), AwsError> {
        match arn == self.load_balancer_arn() {
            true => Ok(()),
            false => {
                let words = format!("Load balancer '{arn}' not found");
                Err(AwsError::refused("LoadBalancerNotFound", words))
            }
        }
    }
}

static INTERFACE: Interface = Interface {
    scope: "elasticloadbalancing",
    namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    lists: &[],
    maps: &[],
    routes: &[],
};

static OPERATIONS: &[(&str, Handler<Elbv2>)] = &[
    ("DescribeLoadBalancers", |elb, input| ready(describe::load_balancers(elb, input))),
    ("DescribeListeners", |elb, input| ready(describe::listeners(elb, input))),
    ("DescribeTargetGroups", |elb, input| ready(describe::target_groups(elb, input))),
    ("DescribeTargetHealth", |elb, input| ready(describe::target_health(elb, input))),
    ("RegisterTargets", |elb, input| ready(describe::register(elb, input))),
    ("DeregisterTargets", |elb, input| ready(describe::deregister(elb, input))),
    ("DescribeTargetGroupAttributes", |elb, input| ready(attributes::group(elb, input))),
    ("ModifyTargetGroupAttributes", |elb, input| ready(attributes::modify_group(elb, input))),
    ("DescribeLoadBalancerAttributes", |elb, input| ready(attributes::balancer(elb, input))),
    ("ModifyLoadBalancerAttributes", |elb, input| ready(attributes::modify_balancer(elb, input))),
];

impl Service for Elbv2 {
    fn interface(&self) -> &'static Interface {
        &INTERFACE
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
