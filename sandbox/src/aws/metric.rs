//! How the emulated services publish metrics, and how auto scaling reads them.
//!
//! A seam of two functions between behaviour and CloudWatch, so that behaviour is tested without
//! a store. AWS publishes a period after it has ended, stamped with its start; so does this.

use super::Clock;
use super::cloudwatch::CloudWatch;
use super::wire::{Input, Service, timestamp};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Names and values, as the metric's owner spells them.
pub type Dimensions = Vec<(&'static str, String)>;

/// The values of one metric in one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub namespace: &'static str,
    pub name: &'static str,
    pub dimensions: Dimensions,
    /// A unit of CloudWatch: `Percent`, `Count`, `Seconds`, `Milliseconds`.
    pub unit: &'static str,
    /// Start of the period.
    pub at: DateTime<Utc>,
    /// Distinct values with how often each was seen, at most 150.
    pub values: Vec<(f64, f64)>,
}

/// What of a metric's values is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    Average,
    Sum,
}

/// A question for past periods of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub namespace: &'static str,
    pub name: &'static str,
    pub dimensions: Dimensions,
    pub statistic: Statistic,
    pub period_seconds: u32,
    pub from: DateTime<Utc>,
    /// Exclusive.
    pub to: DateTime<Utc>,
}

/// CloudWatch, as the other services need it.
pub trait Metrics: Send + Sync {
    /// Takes values; they become visible after the publication lag.
    fn publish(&self, metrics: Vec<Metric>);

    /// Starts of periods with their value, oldest first; a period without values is left out.
    fn read(&self, query: &Query) -> Vec<(DateTime<Utc>, f64)>;
}

/// A service that has metrics of its own.
pub trait Publisher: Send + Sync {
    /// How often it is asked.
    fn period(&self) -> TimeDelta;

    /// What it has to publish at the end of the period that began at `at`.
    fn measure(&self, at: DateTime<Utc>) -> BoxFuture<'_, Vec<Metric>>;
}

/// Asks `publisher` at the end of each of its periods, until `stop`.
pub async fn publish(
    publisher: Arc<dyn Publisher>,
    metrics: Arc<dyn Metrics>,
    clock: Clock,
    stop: CancellationToken,
) {
    let seconds = publisher.period().num_seconds();
    let passes = async {
        loop {
            let now = clock();
            let start = now.timestamp().div_euclid(seconds) * seconds;
            let start = DateTime::from_timestamp(start, 0).unwrap_or(now);
            let rest = start + publisher.period() - now;
            tokio::time::sleep(rest.to_std().unwrap_or_default()).await;
            metrics.publish(publisher.measure(start).await);
        }
    };
    stop.run_until_cancelled(passes).await;
}

/// Single samples of a minute, until the minute is published. As large as the set of metrics times
/// the samples of a minute.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<(&'static str, Dimensions, &'static str), Vec<f64>>);

impl Samples {
    /// Adds one sample; an unknown value is no sample.
    pub fn add(
        &mut self,
        name: &'static str,
        dimensions: Dimensions,
        unit: &'static str,
        value: Option<f64>,
    ) {
        if let Some(value) = value {
            self.0.entry((name, dimensions, unit)).or_default().push(value);
        }
    }

    /// At the end of a minute everything, as the values of that minute; else nothing. `at` is the
    /// start of the period of `period` that ends now.
    pub fn take(
        &mut self,
        namespace: &'static str,
        at: DateTime<Utc>,
        period: TimeDelta,
    ) -> Vec<Metric> {
        let end = at + period;
        if end.timestamp().rem_euclid(60) != 0 {
            return Vec::new();
        }
        let all = std::mem::take(&mut self.0).into_iter();
        all.map(|((name, dimensions, unit), values)| {
            let values = values.into_iter().map(|value| (value, 1.0)).collect();
            Metric { namespace, name, dimensions, unit, at: end - TimeDelta::minutes(1), values }
        })
        .collect()
    }
}

impl Metrics for CloudWatch {
    fn publish(&self, metrics: Vec<Metric>) {
        for one in metrics {
            let dimensions: Vec<(&str, &str)> =
                one.dimensions.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let named = (one.name, one.unit);
            if let Err(error) = self.put(one.namespace, &dimensions, named, one.at, &one.values) {
                tracing::warn!(metric = one.name, "publishing {}: {error}", one.name);
            }
        }
    }

    fn read(&self, query: &Query) -> Vec<(DateTime<Utc>, f64)> {
        let statistic = match query.statistic {
            Statistic::Average => "Average",
            Statistic::Sum => "Sum",
        };
        let dimensions = query.dimensions.iter();
        let dimensions: Vec<Value> =
            dimensions.map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        let request = json!({
            "Namespace": query.namespace,
            "MetricName": query.name,
            "Dimensions": dimensions,
            "Statistics": [statistic],
            "Period": query.period_seconds,
            "StartTime": timestamp(query.from),
            "EndTime": timestamp(query.to),
        });
        let answer = self.call("GetMetricStatistics", Input::of(&request)).now_or_never();
        let answer = match answer.expect("an answer from memory needs no waiting") {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(metric = query.name, "reading {}: {error}", query.name);
                return Vec::new();
            }
        };
        let points = Input::of(&answer).list("Datapoints").unwrap_or_default();
        let mut points: Vec<(DateTime<Utc>, f64)> = points
            .into_iter()
            .filter_map(|one| Some((one.time("Timestamp").ok()??, one.number(statistic).ok()??)))
            .collect();
        points.sort_by_key(|(at, _)| *at);
        points
    }
}
