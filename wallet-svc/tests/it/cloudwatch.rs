//! What a task publishes, read back through the unmodified SDK from an endpoint that speaks the
//! real protocol.

use crate::app::{Keys, answer, client, eventually, settings};
use crate::process::{serve, signal};
use aws_sdk_cloudwatch::{
    Client,
    config::{BehaviorVersion, Credentials, Region as SdkRegion},
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};
use nix::sys::signal::Signal;
use sandbox::aws::{Region, cloudwatch::CloudWatch, wire::Endpoint};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use wallet_svc::clock::Clock;

/// A CloudWatch on a free port; it ends when this is dropped.
struct Endpoints {
    url: String,
    _stop: DropGuard,
}

async fn endpoint() -> Endpoints {
    let (region, clock) = (Region::default(), Clock::real());
    let nobody = Arc::new(|_| ());
    let clock = Arc::new(move || clock.now());
    let cloudwatch = Arc::new(CloudWatch::new(region.clone(), Duration::ZERO, clock, nobody));
    let router = Endpoint::new(region).with(cloudwatch).router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    TaskTracker::new()
        .spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
    Endpoints { url, _stop: stop.drop_guard() }
}

async fn sdk(url: &str) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(SdkRegion::from_static("sa-east-1"))
        .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .load()
        .await;
    Client::new(&config)
}

/// A statistic of the last hours, added up; `None` when nothing was ever published.
async fn read(sdk: &Client, name: &str, operation: Option<&str>, stat: &str) -> Option<f64> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let metric = Metric::builder().namespace("Wallet").metric_name(name).set_dimensions(Some(
        [dimension("Environment", "test")]
            .into_iter()
            .chain(operation.map(|operation| dimension("Operation", operation)))
            .collect(),
    ));
    let stat = MetricStat::builder().metric(metric.build()).period(3_600).stat(stat).build();
    let query = MetricDataQuery::builder().id("q").metric_stat(stat).build();
    let now = Clock::real().now().timestamp();
    let (from, to) = (now - now % 3_600 - 3_600, now - now % 3_600 + 3_600);
    let answer = sdk
        .get_metric_data()
        .metric_data_queries(query)
        .start_time(DateTime::from_secs(from))
        .end_time(DateTime::from_secs(to))
        .send()
        .await
        .expect("a good query");
    let values = answer.metric_data_results()[0].values();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[tokio::test]
async fn every_request_is_published_once_the_last_ones_at_the_end() {
    let (server, keys) = (crate::process::database().await, Keys::new());
    let endpoint = endpoint().await;
    let mut settings = settings(&server, &keys);
    settings.extend([
        ("WALLET_METRICS_PERIOD_SECONDS", "1".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.url.clone()),
        ("AWS_REGION", "sa-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "sandbox".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "sandbox".to_owned()),
    ]);
    assert_eq!(crate::process::run("migrate", &settings).await.0, Some(0));
    let (mut child, _log, url) = serve(&settings).await;
    let (http, sdk) = (client(), sdk(&endpoint.url).await);
    eventually("readiness", async || {
        (answer(http.get(format!("{url}/readyz"))).await.status == 200).then_some(())
    })
    .await;
    // Who served nothing says zero.
    eventually("a first publication", async || {
        let zero = read(&sdk, "Requests", Some("transfer"), "Sum").await?;
        (zero == 0.0).then_some(())
    })
    .await;

    let token = keys.token("ana", "wallet:read wallet:write");
    let body = json!({"userId": "ana"}).to_string();
    for _ in 0..30 {
        let request = http.post(format!("{url}/api/v1/wallets")).bearer_auth(&token);
        let request = request.header("content-type", "application/json").body(body.clone());
        assert_eq!(answer(request).await.status, 201);
    }
    for _ in 0..12 {
        let path = format!("{url}/api/v1/wallets/1");
        assert_eq!(answer(http.get(path).bearer_auth(&token)).await.status, 400);
    }
    // Nothing waits for the next period: the end publishes what is left.
    signal(&child, Signal::SIGTERM);
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0));

    for (name, operation, stat, want) in [
        ("Requests", Some("create_wallet"), "Sum", 30.0),
        ("Requests", Some("wallet"), "Sum", 12.0),
        ("Requests", None, "Sum", 42.0),
        ("Declines", Some("wallet"), "Sum", 12.0),
        ("Declines", Some("create_wallet"), "Sum", 0.0),
        ("Errors", None, "Sum", 0.0),
        ("LatencyMs", Some("create_wallet"), "SampleCount", 30.0),
        ("LatencyMs", None, "SampleCount", 42.0),
    ] {
        let got = read(&sdk, name, operation, stat).await;
        assert_eq!(got, Some(want), "{stat} of {name} {operation:?}");
    }
    let slowest = read(&sdk, "LatencyMs", Some("create_wallet"), "Maximum").await;
    let p50 = read(&sdk, "LatencyMs", Some("create_wallet"), "p50").await;
    assert!(p50 > Some(0.0) && p50 <= slowest, "{p50:?} and {slowest:?}");
    for name in ["OutboxPending", "OutboxOldestSeconds", "LaneQueueDepth", "CommandsPerBatch"] {
        assert!(read(&sdk, name, None, "Maximum").await.is_some(), "{name}");
    }
}
