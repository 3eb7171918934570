//! What a wallet may pay a day and how often a minute, through the API.

use crate::app::{Answer, TestApp, answer};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn path(wallet: Uuid, operation: &str) -> String {
    format!("/api/v1/wallets/{wallet}/{operation}")
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn put(app: &TestApp, wallet: Uuid, token: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(Method::PUT, &path(wallet, "limits"), token);
    let request = request.header("idempotency-key", key).header("content-type", "application/json");
    answer(request.body(body.to_string())).await
}

#[tokio::test]
async fn a_day_has_a_limit_and_an_administrator_lifts_it() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "100.00").await, app.wallet("bia", "").await);
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let limits = json!({"dailyDebit": "10.00", "reason": "new customer"});
    let set = put(&app, ana, &admin, "l", &limits).await;
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(
        (&set.json()["type"], &set.json()["version"]),
        (&json!("LIMITS_CHANGED"), &json!(3))
    );
    let again = put(&app, ana, &admin, "l", &limits).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (set.json(), Some("true")));
    let own = put(&app, ana, &token, "mine", &json!({"reason": "no limits"})).await;
    assert_eq!(own.problem(), refusal(403, "INSUFFICIENT_SCOPE"));

    let amount = |amount: &str| json!({"amount": amount, "destinationWalletId": bia});
    for (key, operation, body) in [
        ("a", "withdraw", json!({"amount": "4.00"})),
        ("b", "transfer", amount("3.00")),
        ("c", "holds", json!({"amount": "2.00"})),
    ] {
        let got = app.post(&path(ana, operation), &token, key, &body).await;
        assert!(got.status.is_success(), "{operation}: {got:?}");
    }
    for (key, operation) in [("d", "transfer"), ("e", "holds")] {
        let got = app.post(&path(ana, operation), &token, key, &amount("1.01")).await;
        assert_eq!(got.problem(), refusal(403, "DAILY_LIMIT"), "{operation}");
    }
    let legs = json!({"legs": [
        {"walletId": ana, "direction": "DEBIT", "amount": "1.01"},
        {"walletId": bia, "direction": "CREDIT", "amount": "1.01"},
    ]});
    let got = app.post("/api/v1/transactions", &token, "f", &legs).await;
    assert_eq!(got.problem(), refusal(403, "DAILY_LIMIT"));
    let wallet = app.get(&format!("/api/v1/wallets/{ana}"), &token).await.json();
    let want = json!({"dailyDebit": "10.00", "dailyDebitMinor": 1_000, "debitedMinor": 900});
    assert_eq!(wallet["limits"], want);
    let rest = app.post(&path(ana, "withdraw"), &token, "g", &json!({"amount": "1.00"})).await;
    assert_eq!(rest.status, 200, "exactly what is left: {rest:?}");

    let lifted = put(&app, ana, &admin, "m", &json!({"reason": "known by now"})).await;
    assert_eq!(lifted.status, 200, "{lifted:?}");
    let paid = app.post(&path(ana, "withdraw"), &token, "h", &json!({"amount": "50.00"})).await;
    assert_eq!(paid.status, 200, "{paid:?}");
    let wallet = app.get(&format!("/api/v1/wallets/{ana}"), &token).await.json();
    assert_eq!(wallet["limits"], Value::Null);
    let line = app.get(&path(ana, "statement?limit=2"), &admin).await.json()["entries"][1].clone();
    assert_eq!(line["description"], "daily debit none, debits per minute none: known by now");
    app.finish().await;
}

#[tokio::test]
async fn a_wallet_that_pays_too_often_waits_and_may_ask_the_same_again() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "100.00").await;
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    // Of nine payments within a few seconds five are in one minute, whenever it ends.
    put(&app, ana, &admin, "l", &json!({"debitsPerMinute": 4, "reason": "new"})).await;
    let mut refused = None;
    for n in 0..9 {
        let (key, body) = (n.to_string(), json!({"amount": "1"}));
        let got = app.post(&path(ana, "withdraw"), &token, &key, &body).await;
        if got.status != 200 {
            assert_eq!(got.problem(), refusal(429, "VELOCITY_LIMIT"));
            assert_eq!(
                (got.header("retry-after"), &got.json()["retryable"]),
                (Some("60"), &json!(true))
            );
            refused = Some(n);
        }
    }
    let refused = refused.expect("one of them was too many").to_string();
    put(&app, ana, &admin, "m", &json!({"debitsPerMinute": 100, "reason": "fine"})).await;
    let again = app.post(&path(ana, "withdraw"), &token, &refused, &json!({"amount": "1"})).await;
    assert_eq!(again.status, 200, "the refusal was not remembered: {again:?}");
    app.finish().await;
}

#[tokio::test]
async fn limits_that_are_none_are_refused_by_their_field() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "").await;
    let admin = app.keys.token("clara", "wallet:admin");
    let before = app.ledger_size().await;
    #[rustfmt::skip]
    let table = [
        (json!({"dailyDebit": "10.00"}),                   "INVALID_REQUEST", "reason"),
        (json!({"dailyDebit": "0", "reason": "r"}),        "INVALID_AMOUNT",  "dailyDebit"),
        (json!({"dailyDebit": "x", "reason": "r"}),        "INVALID_AMOUNT",  "dailyDebit"),
        (json!({"debitsPerMinute": 0, "reason": "r"}),     "INVALID_REQUEST", "debitsPerMinute"),
        (json!({"debitsPerMinute": 1.5, "reason": "r"}),   "INVALID_REQUEST", "debitsPerMinute"),
        (json!({"debitsPerHour": 1, "reason": "r"}),       "INVALID_REQUEST", "debitsPerHour"),
    ];
    for (body, code, field) in table {
        let got = put(&app, ana, &admin, "k", &body).await;
        assert_eq!(got.problem(), refusal(400, code), "{body}");
        assert_eq!(got.json()["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(app.ledger_size().await, before);
    let widest = json!({"dailyDebit": "1000000.00", "reason": "\u{1F600}".repeat(500)});
    assert_eq!(put(&app, ana, &admin, "w", &widest).await.status, 200);
    app.finish().await;
}
