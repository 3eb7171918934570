//! The AWS side of the region: services behind one loopback port that speak AWS's own protocols.
//!
//! A service keeps state and answers operations in JSON ([`wire::Service`]); [`wire::Endpoint`]
//! carries that over whatever the client speaks, so unmodified SDKs and the `aws` command work.
//! What differs from AWS on purpose is said at the head of each service's file. Not here: the
//! real servers behind the services, which are reached through [`machines`].

pub mod autoscaling;
pub mod backstop;
pub mod cloudwatch;
pub mod costexplorer;
pub mod ecs;
pub mod elasticache;
pub mod elbv2;
pub mod failover;
pub mod machines;
pub mod metric;
pub mod msk;
pub mod rds;
pub mod services;
pub mod sns;
pub mod sts;
pub mod wire;

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Tells the time; made once at the edge, so that tests bring their own.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The region that is played: the names that appear in ARNs and credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// `sa-east-1`
    pub name: String,
    /// Twelve digits.
    pub account: String,
    /// The one access key id that is known here.
    pub access_key: String,
    /// Value of the tag `Environment`, and of every name that ends in it.
    pub environment: String,
}

impl Default for Region {
    fn default() -> Self {
        Self {
            name: "sa-east-1".into(),
            account: "000000000000".into(),
            access_key: "sandbox".into(),
            environment: "local".into(),
        }
    }
}

impl Region {
    /// The three zones, in order: `sa-east-1a`, `sa-east-1b`, `sa-east-1c`.
    #[must_use]
    pub fn zones(&self) -> [String; 3] {
        ["a", "b", "c"].map(|letter| format!("{}{letter}", self.name))
    }

    /// The ARN of a resource, such as `arn:aws:sns:sa-east-1:000000000000:wallet-local-p1`.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.name, self.account)
    }
}
