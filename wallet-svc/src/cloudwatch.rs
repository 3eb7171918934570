//! Publishes what was served to CloudWatch: the only module that names the AWS SDK.
//!
//! Every period one window of [`Traffic`] goes out with its whole latency histogram as values and
//! counts, so that a percentile over all tasks is true. A window that could not be sent is lost and
//! never sent later: a late point would correct a decision that was already taken. The service
//! does not depend on any of this.

use crate::{
    clock::Clock,
    config::CloudWatchConfig,
    metrics::Metrics,
    store::Stats,
    traffic::{Operation, Served, Traffic},
};
use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit, builders::MetricDatumBuilder},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// CloudWatch takes 150 distinct values a datum.
const VALUES_PER_DATUM_MAX: usize = 150;
/// CloudWatch takes 1,000 and 1 MB; 200 full ones have about 600 kB.
const DATA_PER_CALL_MAX: usize = 200;
/// With its retries, a call must end before the next one begins.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);
/// From the order to end: a call under way, and one with what is left.
const FLUSH_MAX: Duration = Duration::from_secs(4);
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);

/// What is published, and about whom.
pub struct Publisher {
    pub environment: String,
    pub config: CloudWatchConfig,
    pub traffic: Arc<Traffic>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    /// The ledger's own counters and gauges.
    pub stats: Box<dyn Fn() -> Stats + Send + Sync>,
}

impl Publisher {
    /// Publishes every period until `stop`, and what is left then.
    pub async fn run(self, stop: CancellationToken) {
        if !self.config.enabled {
            tracing::info!("publishes nothing to CloudWatch: no region and no endpoint is set");
            return;
        }
        let publishing = self.publish_periodically(&stop);
        let mut publishing = std::pin::pin!(publishing);
        tokio::select! {
            () = &mut publishing => return,
            () = stop.cancelled() => {}
        }
        if timeout(FLUSH_MAX, publishing).await.is_err() {
            tracing::warn!("gave up publishing the last metrics to CloudWatch");
        }
    }

    async fn publish_periodically(&self, stop: &CancellationToken) {
        let client = client().await;
        let mut ticks = interval(self.config.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks.reset();
        let mut window = Window { stats: (self.stats)(), failing: false };
        loop {
            let last = tokio::select! {
                _ = ticks.tick() => false,
                () = stop.cancelled() => true,
            };
            self.publish(&client, &mut window).await;
            if last {
                return;
            }
        }
    }

    async fn publish(&self, client: &Client, window: &mut Window) {
        let stats = (self.stats)();
        let data = data(&self.environment, &self.traffic.take(), &window.stats, &stats);
        window.stats = stats;
        let at = DateTime::from_secs(self.clock.now().timestamp());
        let mut failure = None;
        for chunk in data.chunks(DATA_PER_CALL_MAX) {
            let data = chunk.iter().map(|datum| datum.clone().timestamp(at).build()).collect();
            let call = client
                .put_metric_data()
                .namespace(&self.config.namespace)
                .set_metric_data(Some(data))
                .send();
            match timeout(CALL_TIMEOUT, call).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => failure = Some(format!("{:?}", error.into_service_error())),
                Err(_) => failure = Some("no answer in time".to_owned()),
            }
        }
        if failure.is_some() {
            self.metrics.cloudwatch_failures.inc();
        }
        match (failure, window.failing) {
            (Some(reason), false) => {
                window.failing = true;
                tracing::warn!(reason, "cannot publish to CloudWatch; says so once until it can");
            }
            (None, true) => {
                window.failing = false;
                tracing::info!("publishes to CloudWatch again");
            }
            (Some(_), true) | (None, false) => {}
        }
    }
}

/// What is remembered between two publications.
struct Window {
    stats: Stats,
    failing: bool,
}

async fn client() -> Client {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .load()
        .await;
    // An endpoint may be set without a region; every signature has one.
    let region = config.region().cloned().unwrap_or(Region::from_static("sa-east-1"));
    Client::new(&config.into_builder().region(region).build())
}

/// Everything of one window. What is not known is left out; what is zero is said.
fn data(
    environment: &str,
    traffic: &[(Operation, Served)],
    before: &Stats,
    now: &Stats,
) -> Vec<MetricDatumBuilder> {
    let all = vec![dimension("Environment", environment)];
    let mut total = Served::default();
    let mut data = Vec::new();
    for (operation, served) in traffic {
        total.add(served);
        let one = [all.clone(), vec![dimension("Operation", operation.name())]].concat();
        data.extend(served_data(&one, served));
    }
    data.extend(served_data(&all, &total));
    data.extend(ledger_data(&all, before, now));
    data
}

fn served_data(dimensions: &[Dimension], served: &Served) -> Vec<MetricDatumBuilder> {
    let count =
        |name, value: u64| datum(dimensions, name, StandardUnit::Count).value(as_f64(value));
    let mut data = vec![
        count("Requests", served.requests),
        count("Errors", served.errors),
        count("Declines", served.declines),
    ];
    let histogram = &served.latency_us;
    let recorded: Vec<_> = histogram
        .iter_recorded()
        .map(|step| {
            let us = histogram.median_equivalent(step.value_iterated_to());
            (as_f64(us) / 1_000.0, as_f64(step.count_since_last_iteration()))
        })
        .collect();
    data.extend(recorded.chunks(VALUES_PER_DATUM_MAX).map(|steps| {
        let (values, counts) = steps.iter().copied().unzip();
        datum(dimensions, "LatencyMs", StandardUnit::Milliseconds)
            .set_values(Some(values))
            .set_counts(Some(counts))
    }));
    data
}

fn ledger_data(dimensions: &[Dimension], before: &Stats, now: &Stats) -> Vec<MetricDatumBuilder> {
    let datum = |name, unit| datum(dimensions, name, unit);
    let batches = now.batches.saturating_sub(before.batches);
    let commands = now.commands.saturating_sub(before.commands);
    // Without a batch there were no commands either, and zero of them is said as zero.
    let commands_per_batch = as_f64(commands) / as_f64(batches.max(1));
    let deepest = now.queue_depths.iter().copied().max().unwrap_or(0);
    let deepest = u64::try_from(deepest).unwrap_or(u64::MAX);
    let mut data = vec![
        datum("CommandsPerBatch", StandardUnit::Count).value(commands_per_batch),
        datum("LaneQueueDepth", StandardUnit::Count).value(as_f64(deepest)),
    ];
    data.extend(
        now.outbox_pending
            .map(|pending| datum("OutboxPending", StandardUnit::Count).value(as_f64(pending))),
    );
    data.extend(now.outbox_oldest_us.map(|us| {
        datum("OutboxOldestSeconds", StandardUnit::Seconds).value(as_f64(us) / 1_000_000.0)
    }));
    data
}

fn datum(dimensions: &[Dimension], name: &str, unit: StandardUnit) -> MetricDatumBuilder {
    MetricDatum::builder()
        .metric_name(name)
        .unit(unit)
        .storage_resolution(1)
        .set_dimensions(Some(dimensions.to_vec()))
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

#[expect(clippy::as_conversions, reason = "a measurement; beyond 2^53 its last digit may go")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
#[path = "cloudwatch_tests.rs"]
mod tests;
