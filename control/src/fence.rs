//! Lets a change out to AWS only while we hold the lease.
//!
//! It stands around the one [`Cloud`] that every part is given, so that no part can forget to ask.
//! Reads pass: looking harms nobody, and a leader that may not act now may again in a moment.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::aws::{Answer, CallError, Change, Cloud, Datum, MetricQuery, Metrics, Receipt};
use crate::cost::bill::BilledDay;
use crate::fleet;
use crate::journal::Lease;

/// AWS, behind the lease.
pub struct Fenced {
    cloud: Arc<dyn Cloud>,
    lease: Lease,
}

impl Fenced {
    #[must_use]
    pub fn new(cloud: Arc<dyn Cloud>, lease: Lease) -> Self {
        Self { cloud, lease }
    }

    fn may_act(&self, doing: impl FnOnce() -> String) -> Result<(), CallError> {
        if self.lease.allows() { Ok(()) } else { Err(CallError::Fenced { doing: doing() }) }
    }
}

impl Cloud for Fenced {
    fn service<'a>(&'a self, cluster: &'a str, service: &'a str) -> Answer<'a, fleet::Service> {
        self.cloud.service(cluster, service)
    }

    fn scaling<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
    ) -> Answer<'a, Option<fleet::Scaling>> {
        self.cloud.scaling(cluster, service)
    }

    fn readers<'a>(&'a self, cluster: &'a str) -> Answer<'a, Option<fleet::Scaling>> {
        self.cloud.readers(cluster)
    }

    fn targets<'a>(&'a self, target_group: &'a str) -> Answer<'a, Vec<fleet::Target>> {
        self.cloud.targets(target_group)
    }

    fn entrance<'a>(&'a self, target_group: &'a str) -> Answer<'a, String> {
        self.cloud.entrance(target_group)
    }

    fn database<'a>(&'a self, cluster: &'a str) -> Answer<'a, fleet::Database> {
        self.cloud.database(cluster)
    }

    fn cache<'a>(&'a self, group: &'a str) -> Answer<'a, fleet::Cache> {
        self.cloud.cache(group)
    }

    fn broker<'a>(&'a self, cluster_arn: &'a str) -> Answer<'a, fleet::Broker> {
        self.cloud.broker(cluster_arn)
    }

    fn metrics<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Answer<'a, Metrics> {
        self.cloud.metrics(queries, from, to)
    }

    fn bill<'a>(
        &'a self,
        environment: &'a str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Answer<'a, Vec<BilledDay>> {
        self.cloud.bill(environment, from, to)
    }

    /// Our metrics tell AWS that we lead and do well: who may not act must not say so.
    fn publish_metrics<'a>(&'a self, namespace: &'a str, data: &'a [Datum]) -> Answer<'a, ()> {
        Box::pin(async move {
            self.may_act(|| format!("publishing metrics of {namespace}"))?;
            self.cloud.publish_metrics(namespace, data).await
        })
    }

    fn change<'a>(&'a self, change: &'a Change) -> Answer<'a, Receipt> {
        Box::pin(async move {
            self.may_act(|| change.to_string())?;
            self.cloud.change(change).await
        })
    }
}
