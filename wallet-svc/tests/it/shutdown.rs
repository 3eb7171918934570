//! A task that goes away answers what it was asked, and takes nothing with it.

use crate::app::{TestApp, answer, eventually};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, Executor};
use uuid::Uuid;

/// Deposits one cent at a time until an answer says that the connection ends, as a load balancer
/// would stop using it. Returns how many were acknowledged.
async fn deposit_until_told(app: &TestApp, wallet: Uuid, client_number: usize) -> i64 {
    let (token, client) = (app.token("ana"), crate::app::client());
    let path = format!("{}/api/v1/wallets/{wallet}/deposit", app.url);
    let body = json!({"amount": "0.01"}).to_string();
    for n in 1.. {
        let request = client
            .post(&path)
            .bearer_auth(&token)
            .header("content-type", "application/json")
            .header("idempotency-key", format!("{client_number}-{n}"));
        let got = answer(request.body(body.clone())).await;
        assert_eq!(got.status, 200, "{got:?}");
        if got.header("connection") == Some("close") {
            return n;
        }
    }
    unreachable!("the loop ends by returning")
}

#[tokio::test]
async fn a_task_asked_to_end_under_load_loses_no_answer() {
    let app = TestApp::start_with(|settings| {
        settings.insert("WALLET_DRAIN_SECONDS", "1".to_owned());
    })
    .await;
    let wallet = app.wallet("ana", "").await;
    let clients = (0..16).map(|client| deposit_until_told(&app, wallet, client));
    let asked = async {
        eventually("some load", async || (app.balance("ana", wallet).await.0 > 100).then_some(()))
            .await;
        app.stop.cancel();
        // While it drains it still answers, but says that it is going.
        let ready = app.get("/readyz", "").await;
        assert_eq!(ready.status, 503);
        assert_eq!(ready.json()["reason"], "draining");
        assert_eq!(app.get("/healthz", "").await.status, 200);
    };
    let (acknowledged, ()) = futures::join!(futures::future::join_all(clients), asked);
    let acknowledged: i64 = acknowledged.iter().sum();
    eventually("the port to close", async || {
        app.client.get(format!("{}/healthz", app.url)).send().await.is_err().then_some(())
    })
    .await;

    let query = "SELECT available FROM wallet WHERE kind = 0";
    let balance: i64 =
        sqlx::query_scalar(query).fetch_one(&mut app.database().await).await.expect("one wallet");
    assert_eq!(balance, acknowledged, "every deposit was acknowledged, and none other made");
    app.finish().await;
}

#[tokio::test]
async fn a_request_in_work_is_finished_after_the_port_is_closed() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "").await;
    let token = app.token("ana");
    let mut database = app.database().await;
    let mut lock = database.begin().await.expect("beginning");
    lock.execute("SELECT * FROM wallet FOR UPDATE").await.expect("locking the wallets");

    let request = app
        .request(Method::POST, &format!("/api/v1/wallets/{wallet}/deposit"), &token)
        .header("content-type", "application/json")
        .header("idempotency-key", "slow")
        .body(json!({"amount": "1.00"}).to_string());
    let ended = async {
        eventually("the deposit to be in work", async || {
            let page = app.get("/metrics", "").await.text;
            page.contains("wallet_requests_in_work 1").then_some(())
        })
        .await;
        app.stop.cancel();
        let other = crate::app::client();
        eventually("the port to close", async || {
            other.get(format!("{}/healthz", app.url)).send().await.is_err().then_some(())
        })
        .await;
        lock.rollback().await.expect("releasing the wallets");
    };
    let (got, ()) = futures::join!(answer(request), ended);
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(got.header("connection"), Some("close"));
    app.finish().await;
}
