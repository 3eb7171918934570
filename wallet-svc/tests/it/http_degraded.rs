//! What is answered while something is broken, and that it passes by itself.

use crate::app::{TestApp, eventually};
use nix::sys::signal::Signal;
use serde_json::json;
use sqlx::Executor;
use uuid::Uuid;

/// Words that only our own logs may have.
const INTERNAL: [&str; 10] = [
    "SELECT",
    "INSERT",
    "sqlx",
    "MariaDB",
    "Table",
    "1146",
    "panicked",
    ".rs",
    "mysql",
    "127.0.0.1",
];

#[tokio::test]
async fn a_fault_of_ours_leaks_nothing() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "1.00").await;
    let token = app.token("ana");
    let mut admin = app.server.admin().await.expect("connecting as administrator");
    admin.execute("RENAME TABLE wallet.entry TO wallet.hidden").await.expect("hiding a table");

    let w = format!("/api/v1/wallets/{wallet}");
    let body = json!({"amount": "1.00"});
    let mut statuses = Vec::new();
    for got in [
        app.post(&format!("{w}/deposit"), &token, "k1", &body).await,
        app.get(&format!("{w}/statement"), &token).await,
        app.get(&format!("{w}/balance/history?timestamp=2026-01-01T00:00:00"), &token).await,
        app.get(&format!("/api/v1/transactions/{}", Uuid::now_v7()), &token).await,
    ] {
        let (status, code) = got.problem();
        statuses.push(status);
        assert!(status >= 500, "{got:?}");
        assert!(["INTERNAL", "UNAVAILABLE"].contains(&code.as_str()), "{got:?}");
        assert!(got.headers.contains_key("retry-after"), "{got:?}");
        for word in INTERNAL {
            assert!(!got.text.contains(word), "{word} is in {got:?}");
        }
    }
    assert_eq!(statuses[0], 500);
    admin.execute("RENAME TABLE wallet.hidden TO wallet.entry").await.expect("showing it again");
    let again = app.post(&format!("{w}/deposit"), &token, "k1", &body).await;
    assert_eq!(again.status, 200, "the same key is good afterwards: {again:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_ledger_that_takes_no_writes_is_still_read() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "1.00").await;
    let token = app.token("ana");
    let (w, body) = (format!("/api/v1/wallets/{wallet}"), json!({"amount": "1.00"}));
    let mut admin = app.server.admin().await.expect("connecting as administrator");
    admin.execute("SET GLOBAL read_only = 1").await.expect("making it read-only");

    let refused = eventually("read-only mode", async || {
        let got = app.post(&format!("{w}/deposit"), &token, "k", &body).await;
        (got.status == 503 && got.problem().1 == "READ_ONLY_MODE").then_some(got)
    })
    .await;
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refused.header("x-wallet-degraded"), Some("read-only"));
    assert_eq!(refused.json()["retryable"], true);
    for path in [w.clone(), format!("{w}/balance"), format!("{w}/statement")] {
        let got = app.get(&path, &token).await;
        assert_eq!(got.status, 200, "{path}: {got:?}");
        assert_eq!(got.header("x-wallet-degraded"), Some("read-only"), "{path}");
    }
    assert_eq!(app.get("/readyz", "").await.status, 200, "it still answers reads");
    assert!(app.get("/metrics", "").await.text.contains("wallet_writable 0"));

    admin.execute("SET GLOBAL read_only = 0").await.expect("making it writable");
    let paid = eventually("writes", async || {
        let got = app.post(&format!("{w}/deposit"), &token, "k", &body).await;
        (got.status == 200).then_some(got)
    })
    .await;
    assert!(paid.headers.contains_key("etag"));
    eventually("the end of the label", async || {
        let got = app.get(&w, &token).await;
        got.header("x-wallet-degraded").is_none().then_some(())
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_not_missed() {
    let dead = sandbox::port::free().expect("a free port");
    let app = TestApp::start_with(|settings| {
        settings.insert("WALLET_REDIS_URL", format!("redis://127.0.0.1:{dead}"));
    })
    .await;
    let wallet = app.wallet("ana", "1.00").await;
    assert_eq!(app.balance("ana", wallet).await, (100, 2));
    let ready = app.get("/readyz", "").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["dependencies"][2]["state"], "configured");
    app.finish().await;
}

#[tokio::test]
async fn a_balance_from_the_cache_is_labelled_as_such() {
    let redis = sandbox::data::redis::Server::start().await.expect("redis starts");
    let app = TestApp::start_with(|settings| {
        settings.insert("WALLET_REDIS_URL", redis.url.clone());
    })
    .await;
    let wallet = app.wallet("ana", "1.00").await;
    let (token, path) = (app.token("ana"), format!("/api/v1/wallets/{wallet}/balance"));
    eventually("the cache to be used", async || {
        app.get(&path, &token).await;
        let page = app.get("/metrics", "").await.text;
        (!page.contains("wallet_cache_hits_total 0")).then_some(())
    })
    .await;
    app.server.child().signal(Signal::SIGSTOP);
    let stale = eventually("a stale answer", async || {
        let got = app.get(&path, &token).await;
        (got.status == 200 && got.json()["stale"] == true).then_some(got)
    })
    .await;
    assert_eq!(stale.json()["balance"], "1.00");
    assert_eq!(stale.header("x-wallet-degraded"), Some("read-only"));
    let newer = app.get(&format!("{path}?minVersion=3"), &token).await;
    assert_eq!(newer.problem().0, 503, "what is older than asked for is not shown: {newer:?}");
    assert_eq!(newer.json()["retryable"], true);
    assert_eq!(app.get(&path, &app.token("bia")).await.problem().1, "WALLET_FORBIDDEN");

    app.server.child().signal(Signal::SIGCONT);
    eventually("a fresh answer", async || {
        let got = app.get(&path, &token).await;
        (got.status == 200 && got.json()["stale"] == false).then_some(())
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn a_task_without_any_database_leaves_the_load_balancer_and_lives() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "1.00").await;
    let token = app.token("ana");
    app.server.child().signal(Signal::SIGSTOP);
    eventually("unreadiness", async || (app.get("/readyz", "").await.status == 503).then_some(()))
        .await;
    assert_eq!(app.get("/healthz", "").await.status, 200, "a restart would not help");
    let path = format!("/api/v1/wallets/{wallet}/deposit");
    let got = app.post(&path, &token, "k", &json!({"amount": "1.00"})).await;
    assert_eq!(got.status, 503, "{got:?}");
    assert_eq!(got.json()["retryable"], true);

    app.server.child().signal(Signal::SIGCONT);
    eventually("readiness", async || (app.get("/readyz", "").await.status == 200).then_some(()))
        .await;
    let again = eventually("the deposit", async || {
        let got = app.post(&path, &token, "k", &json!({"amount": "1.00"})).await;
        (got.status == 200).then_some(got)
    })
    .await;
    assert_eq!(again.json()["newBalance"], "2.00", "once, whatever became of the first try");
    app.finish().await;
}
