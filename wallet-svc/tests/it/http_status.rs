//! Health, readiness and metrics.

use crate::app::{TestApp, eventually};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

#[tokio::test]
async fn readiness_tells_about_each_dependency_and_needs_only_the_ledger() {
    let app = TestApp::start().await;
    let ready = app.get("/readyz", "").await;
    assert_eq!(ready.status, 200, "neither Redis nor Kafka is there, and that is no reason");
    let report = ready.json();
    let named = |name: &str| {
        let all = report["dependencies"].as_array().unwrap();
        all.iter().find(|dependency| dependency["name"] == name).unwrap().clone()
    };
    assert_eq!(named("ledger"), json!({"name": "ledger", "state": "usable", "required": true}));
    assert_eq!(named("database_writer")["state"], "writable");
    assert_eq!(
        (&named("cache")["state"], &named("cache")["required"]),
        (&json!("off"), &json!(false))
    );
    assert_eq!(named("broker")["required"], false);
    app.finish().await;
}

#[tokio::test]
async fn a_scrape_explains_every_metric_and_has_bounded_labels() {
    let app = TestApp::start().await;
    let token = app.token("ana");
    let wallet = app.wallet("ana", "1.00").await;
    let series = |page: &str| page.lines().filter(|line| !line.starts_with('#')).count();
    let first = app.get("/metrics", "").await;
    assert!(first.header("content-type").unwrap().starts_with("application/openmetrics-text"));

    // Whatever is asked, there are not more series than before.
    for n in 0..50 {
        app.get(&format!("/api/v1/{}", Uuid::new_v4()), "").await;
        app.get(&format!("/api/v1/wallets/{}", Uuid::new_v4()), &token).await;
        app.get(&format!("/api/v1/wallets/{wallet}/statement?limit={n}"), &token).await;
    }
    let page = eventually("the outbox to be counted", async || {
        let page = app.get("/metrics", "").await.text;
        let counted = page.contains("wallet_outbox_oldest_seconds ");
        (counted && !page.contains("wallet_outbox_oldest_seconds 0.0\n")).then_some(page)
    })
    .await;
    assert!(series(&page) <= series(&first.text) + 2, "{page}");
    assert!(series(&page) < 800, "{} series", series(&page));

    let named = |kind: &str| -> BTreeSet<String> {
        let lines = page.lines().filter_map(|line| line.strip_prefix(kind));
        lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    };
    let (helped, typed) = (named("# HELP "), named("# TYPE "));
    assert_eq!(helped, typed);
    assert!(helped.len() > 20, "{helped:?}");
    for line in page.lines().filter(|line| line.starts_with("# HELP ")) {
        assert!(line.split(' ').count() > 4, "no help: {line}");
    }
    for part in [
        "wallet_requests_total{operation=\"deposit\",status_class=\"2xx\"} 1",
        "wallet_requests_total{operation=\"transfer\",status_class=\"2xx\"} 0",
        "wallet_requests_total{operation=\"wallet\",status_class=\"4xx\"} 50",
        "wallet_requests_total{operation=\"unmatched\",status_class=\"4xx\"} 50",
        "wallet_request_duration_seconds_bucket{le=\"0.1\",operation=\"deposit\"}",
        "wallet_request_duration_seconds_count{operation=\"statement\"} 50",
        "wallet_money_deposited_total{currency=\"BRL\"} 100",
        "wallet_money_withdrawn_total{currency=\"JPY\"} 0",
        "wallet_requests_in_work 0",
        "wallet_lanes 4",
        "wallet_lane_queue_depth 0",
        "wallet_writable 1",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    for name in ["wallet_batches_total ", "wallet_commands_total ", "wallet_outbox_oldest_seconds "]
    {
        let line = page.lines().find(|line| line.starts_with(name)).expect(name);
        let value: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(value > 0.0, "{line}");
    }
    assert!(page.trim_end().ends_with("# EOF"));
    app.finish().await;
}

#[tokio::test]
async fn probes_need_no_token_and_tell_no_secret() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let got = app.get(path, "").await;
        assert_eq!(got.status, 200, "{path}");
        assert!(!got.text.contains(&app.server.password), "{path}");
    }
    app.finish().await;
}
