//! Balances, statements and lists, as their readers page and revalidate them.

use crate::app::{TestApp, answer, client};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_balance_has_a_tag_that_changes_with_the_wallet() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "1.00").await;
    let token = app.token("ana");
    let path = format!("/api/v1/wallets/{wallet}/balance");
    let first = app.get(&path, &token).await;
    assert_eq!(first.header("etag"), Some("\"2\""));
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    assert_eq!(first.json()["balance"], "1.00");
    assert_eq!(first.json()["stale"], false);

    let ask = |tag: &str| app.request(Method::GET, &path, &token).header("if-none-match", tag);
    let same = answer(ask("\"2\"")).await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    assert_eq!(same.header("etag"), Some("\"2\""));

    let paid = app
        .post(&format!("/api/v1/wallets/{wallet}/deposit"), &token, "k", &json!({"amount": 1}))
        .await;
    let version = paid.json()["version"].as_u64().unwrap();
    let fresh = app.get(&format!("{path}?minVersion={version}"), &token).await;
    assert_eq!(fresh.json()["balance"], "2.00", "one reads one's own write");
    assert_eq!(answer(ask("\"2\"")).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_balance_of_the_past_is_found_with_and_without_a_zone() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "1.00").await;
    let token = app.token("ana");
    let path = format!("/api/v1/wallets/{wallet}/balance/historical");
    let deposit = format!("/api/v1/wallets/{wallet}/deposit");
    let paid = app.post(&deposit, &token, "k", &json!({"amount": "2.00"})).await.json();
    let at: DateTime<Utc> = paid["at"].as_str().unwrap().parse().unwrap();
    let second = at - TimeDelta::microseconds(1);
    #[rustfmt::skip]
    let table = [
        (at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),         "3.00", 3),
        (at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),          "3.00", 3),
        (at.format("%Y-%m-%dT%H:%M:%S%.6f%%2B00:00").to_string(), "3.00", 3),
        (second.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),     "1.00", 2),
        ("2026-01-01T00:00:00".to_owned(),                        "0.00", 0),
    ];
    for (timestamp, balance, version) in table {
        for route in ["historical", "history"] {
            let path = path.replace("historical", route);
            let got = app.get(&format!("{path}?timestamp={timestamp}"), &token).await;
            let view = got.json();
            assert_eq!(view["balance"], balance, "{timestamp}: {got:?}");
            assert_eq!(view["version"], version, "{timestamp}: {got:?}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_statement_is_paged_without_a_gap_or_a_repetition() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "").await;
    let token = app.token("ana");
    for n in 1..=7 {
        let path = format!("/api/v1/wallets/{wallet}/deposit");
        let body = json!({"amount": n, "description": format!("number {n}")});
        assert_eq!(app.post(&path, &token, &n.to_string(), &body).await.status, 200);
    }
    let mut path = format!("/api/v1/wallets/{wallet}/statement?limit=3");
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = app.get(&path, &token).await.json();
        let entries = page["entries"].as_array().unwrap();
        sizes.push(entries.len());
        seen.extend(entries.iter().map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (entry["version"].as_u64().unwrap(), text("amount"), text("description"))
        }));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/wallets/{wallet}/statement?limit=3&cursor={cursor}");
    }
    let want: Vec<_> = (1..=7)
        .rev()
        .map(|n| (n + 1, format!("{n}.00"), format!("number {n}")))
        .chain([(1, "0.00".to_owned(), String::new())])
        .collect();
    assert_eq!(seen, want);
    assert_eq!(sizes, [3, 3, 2]);
    app.finish().await;
}

#[tokio::test]
async fn a_users_wallets_are_paged_and_nobody_elses() {
    let app = TestApp::start().await;
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.push(app.wallet("ana", "").await.to_string());
        app.wallet("bia", "").await;
    }
    mine.sort();
    let token = app.token("ana");
    let mut path = "/api/v1/users/ana/wallets?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = app.get(&path, &token).await.json();
        let wallets = page["wallets"].as_array().unwrap();
        seen.extend(wallets.iter().map(|w| w["walletId"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/users/ana/wallets?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, mine);
    let none = app.get("/api/v1/users/caio/wallets", &app.token("caio")).await;
    assert_eq!(none.json(), json!({"wallets": []}));
    app.finish().await;
}

#[tokio::test]
async fn a_request_id_is_echoed_or_given() {
    let app = TestApp::start().await;
    let ask =
        |id: &str| app.request(Method::GET, "/api/v1/wallets/1", "").header("x-request-id", id);
    let named = answer(ask("abc-123")).await;
    assert_eq!(named.header("x-request-id"), Some("abc-123"));
    let mut given = Vec::new();
    for id in ["", "with space", "<script>", &"x".repeat(65)] {
        let id = answer(ask(id)).await.header("x-request-id").unwrap().to_owned();
        assert!(!given.contains(&id), "{id} twice");
        given.push(id);
    }
    let unnamed = answer(client().get(format!("{}/api/v1/wallets/1", app.url))).await;
    assert!(unnamed.header("x-request-id").is_some());
    app.finish().await;
}
