//! The only module that names `aws_sdk_*`. Our types in and out.
//!
//! Reads may be retried by the SDK, within bounds. Changes never are: three of them take no
//! idempotency token, and a retry after a lost reply would fail a cluster over twice. What a
//! failure proves about the world is in its variant, because everything above decides by that.

mod autoscaling;
mod balancer;
mod client;
mod cloudwatch;
mod costexplorer;
mod ecs;
mod elasticache;
mod msk;
mod rds;
#[cfg(test)]
pub(crate) mod sample;
mod sns;
#[cfg(test)]
mod wire_bill_tests;
#[cfg(test)]
mod wire_metrics_tests;
#[cfg(test)]
mod wire_tests;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::cost::bill::BilledDay;
use crate::fleet;

/// The longest that a change takes, whatever becomes of it.
pub const CHANGE_MAX: Duration = client::CHANGE_TIMEOUT;

/// An answer on its way.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, CallError>>;

/// What a call failed at, and what that proves.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// AWS refused: nothing happened.
    #[error("{doing}: AWS refused: {code}: {message}")]
    Rejected { doing: String, code: String, message: String },
    /// AWS asked to come later: nothing happened.
    #[error("{doing}: AWS throttled it ({code})")]
    Throttled { doing: String, code: String },
    /// We may no longer act: nothing was sent.
    #[error("{doing}: not sent, because another process may lead by now")]
    Fenced { doing: String },
    /// No usable reply: it may have happened.
    #[error("{doing}: no usable answer")]
    Unknown {
        doing: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What repeating a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Says the wanted end state: repeating it changes nothing.
    Convergent,
    /// Repeating it does it again, and that is harmless.
    Repeatable,
    /// Repeating it does it again, and that is harm. Never sent twice.
    Once,
}

/// A change asked of AWS, with everything that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Change {
    /// ECS `UpdateService`, absolute.
    SetDesired { cluster: String, service: String, from: u32, to: u32 },
    /// Application Auto Scaling `RegisterScalableTarget`, absolute.
    SetCapacity { cluster: String, service: String, min: u32, max: u32 },
    /// The same of an Aurora cluster's readers, absolute.
    SetReaders { cluster: String, min: u32, max: u32 },
    /// ECS `StopTask`: the service replaces it.
    StopTask { cluster: String, task: String, reason: String },
    /// RDS FailoverDBCluster; the target is always named.
    FailoverDatabase { cluster: String, target: String },
    /// ElastiCache `TestFailover`. For drills only.
    FailoverCache { group: String, shard: String },
    /// MSK `RebootBroker`.
    RebootBroker { cluster_arn: String, broker: String },
    /// SNS `Publish`. `id` is the same each time the same message is sent.
    Publish { topic: String, subject: String, message: String, id: String },
}

impl Change {
    /// What repeating it does.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::SetDesired { .. }
            | Self::SetCapacity { .. }
            | Self::SetReaders { .. }
            | Self::StopTask { .. } => Effect::Convergent,
            Self::Publish { .. } => Effect::Repeatable,
            Self::FailoverDatabase { .. }
            | Self::FailoverCache { .. }
            | Self::RebootBroker { .. } => Effect::Once,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetDesired { service, from, to, .. } => {
                write!(f, "set desired tasks of {service} from {from} to {to}")
            }
            Self::SetCapacity { service, min, max, .. } => {
                write!(f, "set capacity of {service} to {min}..{max}")
            }
            Self::SetReaders { cluster, min, max } => {
                write!(f, "set readers of {cluster} to {min}..{max}")
            }
            Self::StopTask { task, .. } => write!(f, "stop task {task}"),
            Self::FailoverDatabase { cluster, target } => {
                write!(f, "fail database {cluster} over to {target}")
            }
            Self::FailoverCache { group, shard } => write!(f, "fail cache {group}/{shard} over"),
            Self::RebootBroker { broker, .. } => write!(f, "reboot broker {broker}"),
            Self::Publish { topic, subject, .. } => write!(f, "publish '{subject}' to {topic}"),
        }
    }
}

/// What AWS said about a change that it accepted: an operation, deployment or message id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt(pub String);

/// One series asked of CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuery {
    /// `[a-z][a-zA-Z0-9_]*`, unique within the call.
    pub id: String,
    pub namespace: String,
    pub metric: String,
    pub dimensions: Vec<(String, String)>,
    /// `Average`, `Sum`, `p99`, ….
    pub statistic: String,
    pub period_s: u32,
}

/// How completely CloudWatch answered for one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    /// More exists than was sent.
    Partial,
    /// The series could not be read.
    Failed,
}

/// The points of one series, oldest first, each at the start of its period.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub id: String,
    pub completeness: Completeness,
    pub points: Vec<(DateTime<Utc>, f64)>,
}

/// The series, and the server's own clock as it answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    pub series: Vec<Series>,
    pub server_time: Option<DateTime<Utc>>,
}

/// One value of one metric of our own.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    pub metric: String,
    pub dimensions: Vec<(String, String)>,
    pub at: DateTime<Utc>,
    pub value: f64,
    pub unit: Unit,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
}

/// AWS as control knows it. The real one is [`Aws`]; simulations bring their own.
pub trait Cloud: Send + Sync {
    /// ECS: the service with its tasks.
    fn service<'a>(&'a self, cluster: &'a str, service: &'a str) -> Answer<'a, fleet::Service>;
    /// Application Auto Scaling: the service's capacity range and policies; `None` if not registered.
    fn scaling<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
    ) -> Answer<'a, Option<fleet::Scaling>>;
    /// The same for the readers of an Aurora cluster.
    fn readers<'a>(&'a self, cluster: &'a str) -> Answer<'a, Option<fleet::Scaling>>;
    /// Load balancing: the targets of the group with this name.
    fn targets<'a>(&'a self, target_group: &'a str) -> Answer<'a, Vec<fleet::Target>>;
    /// `ELBv2`: where clients reach the group with this name, as `http://host:port`.
    fn entrance<'a>(&'a self, target_group: &'a str) -> Answer<'a, String>;
    /// RDS: the cluster with its instances.
    fn database<'a>(&'a self, cluster: &'a str) -> Answer<'a, fleet::Database>;
    /// ElastiCache: the replication group with its nodes.
    fn cache<'a>(&'a self, group: &'a str) -> Answer<'a, fleet::Cache>;
    /// MSK: the cluster with its brokers.
    fn broker<'a>(&'a self, cluster_arn: &'a str) -> Answer<'a, fleet::Broker>;
    /// CloudWatch GetMetricData over `[from, to)`, every page of it.
    fn metrics<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Answer<'a, Metrics>;
    /// CloudWatch PutMetricData, at a resolution of one second. A value that is published twice is
    /// counted twice, which none of ours minds: they are read by their maximum or average.
    fn publish_metrics<'a>(&'a self, namespace: &'a str, data: &'a [Datum]) -> Answer<'a, ()>;
    /// Cost Explorer `GetCostAndUsage` over `[from, to)`, for what carries the tag `Environment`. Each
    /// question is paid for.
    fn bill<'a>(
        &'a self,
        environment: &'a str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Answer<'a, Vec<BilledDay>>;
    /// Makes a change, at most once, without any retry.
    fn change<'a>(&'a self, change: &'a Change) -> Answer<'a, Receipt>;
}

/// The real AWS, in one region.
pub struct Aws {
    ecs: aws_sdk_ecs::Client,
    ecs_changes: aws_sdk_ecs::Client,
    scaling: aws_sdk_applicationautoscaling::Client,
    scaling_changes: aws_sdk_applicationautoscaling::Client,
    balancer: aws_sdk_elasticloadbalancingv2::Client,
    rds: aws_sdk_rds::Client,
    rds_changes: aws_sdk_rds::Client,
    elasticache: aws_sdk_elasticache::Client,
    elasticache_changes: aws_sdk_elasticache::Client,
    msk: aws_sdk_kafka::Client,
    msk_changes: aws_sdk_kafka::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    costexplorer_once: aws_sdk_costexplorer::Client,
    sns_changes: aws_sdk_sns::Client,
}

impl Aws {
    /// Finds credentials and endpoint as every AWS tool does. Calls nothing yet.
    pub async fn connect(region: &str) -> Self {
        Self::over(&client::settings(client::loader(region)).await)
    }

    fn over(client::Settings { reads, changes }: &client::Settings) -> Self {
        Self {
            ecs: aws_sdk_ecs::Client::new(reads),
            ecs_changes: aws_sdk_ecs::Client::new(changes),
            scaling: aws_sdk_applicationautoscaling::Client::new(reads),
            scaling_changes: aws_sdk_applicationautoscaling::Client::new(changes),
            balancer: aws_sdk_elasticloadbalancingv2::Client::new(reads),
            rds: aws_sdk_rds::Client::new(reads),
            rds_changes: aws_sdk_rds::Client::new(changes),
            elasticache: aws_sdk_elasticache::Client::new(reads),
            elasticache_changes: aws_sdk_elasticache::Client::new(changes),
            msk: aws_sdk_kafka::Client::new(reads),
            msk_changes: aws_sdk_kafka::Client::new(changes),
            cloudwatch: aws_sdk_cloudwatch::Client::new(reads),
            costexplorer_once: aws_sdk_costexplorer::Client::new(changes),
            sns_changes: aws_sdk_sns::Client::new(changes),
        }
    }

    async fn make(&self, change: &Change) -> Result<Receipt, CallError> {
        let doing = change.to_string();
        match change {
            Change::SetDesired { cluster, service, to, .. } => {
                ecs::set_desired(&self.ecs_changes, cluster, service, *to, doing).await
            }
            Change::SetCapacity { cluster, service, min, max } => {
                let tasks = autoscaling::tasks(cluster, service);
                let range = (*min, *max);
                autoscaling::set_capacity(&self.scaling_changes, tasks, range, doing).await
            }
            Change::SetReaders { cluster, min, max } => {
                let readers = autoscaling::readers(cluster);
                let range = (*min, *max);
                autoscaling::set_capacity(&self.scaling_changes, readers, range, doing).await
            }
            Change::StopTask { cluster, task, reason } => {
                ecs::stop_task(&self.ecs_changes, cluster, task, reason, doing).await
            }
            Change::FailoverDatabase { cluster, target } => {
                rds::failover(&self.rds_changes, cluster, target, doing).await
            }
            Change::FailoverCache { group, shard } => {
                elasticache::failover(&self.elasticache_changes, group, shard, doing).await
            }
            Change::RebootBroker { cluster_arn, broker } => {
                msk::reboot(&self.msk_changes, cluster_arn, broker, doing).await
            }
            Change::Publish { topic, subject, message, id } => {
                sns::publish(&self.sns_changes, topic, (subject, message), id, doing).await
            }
        }
    }
}

impl Cloud for Aws {
    fn service<'a>(&'a self, cluster: &'a str, service: &'a str) -> Answer<'a, fleet::Service> {
        Box::pin(ecs::service(&self.ecs, cluster, service))
    }

    fn scaling<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
    ) -> Answer<'a, Option<fleet::Scaling>> {
        Box::pin(autoscaling::scaling(&self.scaling, autoscaling::tasks(cluster, service)))
    }

    fn readers<'a>(&'a self, cluster: &'a str) -> Answer<'a, Option<fleet::Scaling>> {
        Box::pin(autoscaling::scaling(&self.scaling, autoscaling::readers(cluster)))
    }

    fn targets<'a>(&'a self, target_group: &'a str) -> Answer<'a, Vec<fleet::Target>> {
        Box::pin(balancer::targets(&self.balancer, target_group))
    }

    fn entrance<'a>(&'a self, target_group: &'a str) -> Answer<'a, String> {
        Box::pin(balancer::entrance(&self.balancer, target_group))
    }

    fn database<'a>(&'a self, cluster: &'a str) -> Answer<'a, fleet::Database> {
        Box::pin(rds::database(&self.rds, cluster))
    }

    fn cache<'a>(&'a self, group: &'a str) -> Answer<'a, fleet::Cache> {
        Box::pin(elasticache::cache(&self.elasticache, group))
    }

    fn broker<'a>(&'a self, cluster_arn: &'a str) -> Answer<'a, fleet::Broker> {
        Box::pin(msk::broker(&self.msk, cluster_arn))
    }

    fn metrics<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Answer<'a, Metrics> {
        Box::pin(cloudwatch::metrics(&self.cloudwatch, queries, from, to))
    }

    fn publish_metrics<'a>(&'a self, namespace: &'a str, data: &'a [Datum]) -> Answer<'a, ()> {
        Box::pin(cloudwatch::publish(&self.cloudwatch, namespace, data))
    }

    fn bill<'a>(
        &'a self,
        environment: &'a str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Answer<'a, Vec<BilledDay>> {
        Box::pin(costexplorer::bill(&self.costexplorer_once, environment, from, to))
    }

    fn change<'a>(&'a self, change: &'a Change) -> Answer<'a, Receipt> {
        Box::pin(self.make(change))
    }
}
