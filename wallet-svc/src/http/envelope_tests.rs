//! What the envelope does around handlers that misbehave. The ledger is never asked here, so its
//! database need not be there.

use super::*;
use crate::{
    auth::Authenticator,
    clock::Clock,
    config::{self, AuthConfig, Limits},
    health::Health,
    http::{Reachable, access_log::AccessLog},
    metrics::Metrics,
    store::{Ledger, Settings},
    traffic::Traffic,
};
use axum::{Router, body::Body, routing::post};
use http_body_util::BodyExt;
use protocol::problem::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

const JWKS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "k",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fn edge(requests: usize) -> Edge {
    let folder = tempfile::tempdir().unwrap();
    let jwks_file = folder.path().join("jwks.json");
    std::fs::write(&jwks_file, JWKS).unwrap();
    let (issuer, audience) = ("https://issuer.test".to_owned(), "wallet".to_owned());
    let auth = AuthConfig { jwks_file, issuer, audience };
    let settings = Settings {
        writer_url: "mysql://wallet@127.0.0.1:1/wallet".to_owned(),
        reader_url: None,
        password: String::new(),
        lanes: 1,
        queue_per_lane_max: 1,
        task_id: "test".to_owned(),
        fees: std::sync::Arc::default(),
    };
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let ledger = Ledger::start(&settings, None, &tracker, &stop).unwrap();
    let counted = ledger.clone();
    let slow = Duration::from_secs(1);
    Edge::new(Reachable {
        ledger,
        auth: Authenticator::open(&auth, Clock::real()).unwrap(),
        health: Arc::new(Health::default()),
        metrics: Arc::new(Metrics::new(move || counted.stats())),
        traffic: Arc::new(Traffic::default()),
        clock: Clock::real(),
        limits: Limits {
            connections: 1,
            requests,
            request_timeout: Duration::from_millis(100),
            drain: Duration::ZERO,
        },
        task_id: "test".to_owned(),
        has_cache: false,
        access_log: AccessLog::new(config::AccessLog { slow, sample_every: 0 }),
        permits: Semaphore::new(requests),
        request_ids: RequestIds::default(),
    })
}

async fn panics() -> &'static str {
    panic!("the secret is 42")
}

async fn hangs() -> &'static str {
    std::future::pending().await
}

fn router(edge: &Edge) -> Router {
    Router::new()
        .route("/panics", surround(edge, Some(Operation::Balance), post(panics)))
        .route("/write", surround(edge, Some(Operation::Deposit), post(hangs)))
        .route("/read", surround(edge, Some(Operation::Statement), post(hangs)))
        .with_state(edge.clone())
}

async fn ask(router: &Router, path: &str) -> (u16, Problem) {
    let request = Request::post(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let edge = edge(1);
    let (status, problem) = ask(&router(&edge), "/panics").await;
    assert_eq!((status, problem.code.as_str()), (500, "INTERNAL"));
    // The request's random id may have these digits.
    let text = serde_json::to_string(&Problem { request_id: None, ..problem }).unwrap();
    assert!(!text.contains("42") && !text.contains("panic"), "{text}");
    assert_eq!(edge.permits.available_permits(), 1);
}

#[tokio::test]
async fn a_late_write_may_have_happened_and_a_late_read_may_be_repeated() {
    let edge = edge(1);
    for (path, want) in [("/write", "OUTCOME_UNKNOWN"), ("/read", "TIMEOUT")] {
        let (status, problem) = ask(&router(&edge), path).await;
        assert_eq!((status, problem.code.as_str(), problem.retryable), (503, want, true));
    }
}

#[tokio::test]
async fn a_request_too_many_is_refused_and_the_permits_come_back() {
    let edge = edge(2);
    let router = router(&edge);
    let (one, two, three) =
        futures::join!(ask(&router, "/read"), ask(&router, "/read"), ask(&router, "/read"));
    let mut codes = [one.1.code, two.1.code, three.1.code];
    codes.sort();
    assert_eq!(codes, ["OVERLOADED", "TIMEOUT", "TIMEOUT"]);
    assert_eq!(edge.permits.available_permits(), 2);
    assert!(edge.metrics.scrape().contains("wallet_requests_refused_total 1"));
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_counted() {
    let edge = edge(1);
    let router = router(&edge);
    assert!(ask(&router, "/write").now_or_never().is_none(), "it hangs, and is dropped here");
    let page = edge.metrics.scrape();
    let line = "wallet_requests_total{operation=\"deposit\",status_class=\"abandoned\"} 1";
    assert!(page.contains(line), "{page}");
    assert!(page.contains("wallet_requests_in_work 0"), "{page}");
    let served = edge.traffic.take();
    let deposits = &served[Operation::Deposit.index()].1;
    assert_eq!((deposits.requests, deposits.errors, deposits.declines), (1, 0, 0));
}
