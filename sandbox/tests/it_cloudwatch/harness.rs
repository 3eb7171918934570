//! An endpoint on a free port with a clock that stands still until it is moved.

use aws_sdk_cloudwatch::config::{BehaviorVersion, Credentials, Region as SdkRegion};
use aws_sdk_cloudwatch::primitives::DateTime as SdkTime;
use aws_sdk_cloudwatch::types::{Metric, MetricDataQuery, MetricDatum, MetricStat};
use chrono::{DateTime, TimeDelta, Utc};
use sandbox::aws::{
    Clock, Region, cloudwatch::CloudWatch, costexplorer::CostExplorer, sns::Sns, sts::Sts,
    wire::Endpoint,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio_util::{sync::CancellationToken, sync::DropGuard, task::TaskTracker};

/// 2026-06-10T12:00:00Z, a Wednesday.
pub(crate) const NOON: i64 = 1_781_092_800;

/// The running endpoint; it stops when this is dropped.
pub(crate) struct Harness {
    pub(crate) url: String,
    pub(crate) cloudwatch: Arc<CloudWatch>,
    pub(crate) sns: Arc<Sns>,
    now_seconds: Arc<AtomicI64>,
    _stop: DropGuard,
}

impl Harness {
    /// A region at noon whose metrics are seen `lag_s` seconds after they came.
    pub(crate) async fn start(lag_s: u64) -> Self {
        let now_seconds = Arc::new(AtomicI64::new(NOON));
        let read = Arc::clone(&now_seconds);
        let clock: Clock = Arc::new(move || time(read.load(Ordering::SeqCst)));
        let region = Region::default();
        let sns = Arc::new(Sns::new(region.clone(), Arc::clone(&clock)));
        let notify = Arc::clone(&sns);
        let cloudwatch = Arc::new(CloudWatch::new(
            region.clone(),
            Duration::from_secs(lag_s),
            Arc::clone(&clock),
            Arc::new(move |notice| {
                let _gone = notify.publish(&notice.topic, &notice.subject, &notice.message);
            }),
        ));
        let router = Endpoint::new(region.clone())
            .with(cloudwatch.clone())
            .with(sns.clone())
            .with(Arc::new(Sts::new(region.clone())))
            .with(Arc::new(CostExplorer::new(region, clock)))
            .router()
            .merge(sns.routes());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        TaskTracker::new().spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped).await
        });
        Self { url, cloudwatch, sns, now_seconds, _stop: stop.drop_guard() }
    }

    /// Moves the region's clock on.
    pub(crate) fn pass(&self, seconds: i64) {
        self.now_seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// What every client is made from.
    pub(crate) async fn config(&self) -> aws_config::SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(SdkRegion::from_static("sa-east-1"))
            .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .load()
            .await
    }

    /// A CloudWatch client.
    pub(crate) async fn client(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&self.config().await)
    }
}

/// A client that signs nothing and knows nothing of AWS.
pub(crate) fn http() -> reqwest::Client {
    // Building a client wants a TLS provider, also where none is used; the first one stays.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Seconds since 1970 as chrono has them.
pub(crate) fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// Seconds from noon as the SDK has them.
pub(crate) fn at(from_noon: i64) -> SdkTime {
    SdkTime::from_secs(NOON + from_noon)
}

/// A datum of the high resolution in namespace-free form.
pub(crate) fn datum(
    name: &str,
    from_noon: i64,
) -> aws_sdk_cloudwatch::types::builders::MetricDatumBuilder {
    MetricDatum::builder().metric_name(name).timestamp(at(from_noon)).storage_resolution(1)
}

/// A query for one metric of the namespace `Wallet` without dimensions.
pub(crate) fn query(id: &str, name: &str, stat: &str, period: i32) -> MetricDataQuery {
    let metric = Metric::builder().namespace("Wallet").metric_name(name).build();
    let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

/// A query that computes.
pub(crate) fn expression(id: &str, text: &str) -> MetricDataQuery {
    MetricDataQuery::builder().id(id).expression(text).build()
}
