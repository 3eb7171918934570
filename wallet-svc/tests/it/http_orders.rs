//! Wallets frozen, unfrozen and closed through the API.

use crate::app::{Answer, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

fn path(wallet: Uuid, operation: &str) -> String {
    format!("/api/v1/wallets/{wallet}/{operation}")
}

fn because(reason: &str) -> Value {
    json!({ "reason": reason })
}

fn admin(app: &TestApp) -> String {
    app.keys.token("clara", "wallet:admin")
}

#[track_caller]
fn check(got: &Answer, status: u16, want: &Value) {
    assert_eq!(got.status, status, "{got:?}");
    let body = got.json();
    for (name, value) in want.as_object().expect("an object") {
        assert_eq!(&body[name], value, "{name} of {body}");
    }
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_frozen_wallet_pays_nothing_and_receives_nothing() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "50.00").await, app.wallet("bia", "50.00").await);
    let (token, other, admin) = (app.token("ana"), app.token("bia"), admin(&app));
    let frozen =
        app.post(&path(ana, "freeze"), &admin, "letter 7", &because("a judge's letter")).await;
    let want = json!({
        "walletId": ana, "status": "FROZEN", "reason": "a judge's letter", "version": 3,
    });
    check(&frozen, 200, &want);
    assert_eq!(frozen.header("etag"), Some("\"3\""));
    let again =
        app.post(&path(ana, "freeze"), &admin, "letter 7", &because("a judge's letter")).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (frozen.json(), Some("true")));
    let other_reason = app.post(&path(ana, "freeze"), &admin, "letter 7", &because("fraud")).await;
    assert_eq!(other_reason.problem(), refusal(422, "IDEMPOTENCY_KEY_REUSED"));
    let twice = app.post(&path(ana, "freeze"), &admin, "letter 8", &because("another")).await;
    assert_eq!(twice.problem(), refusal(403, "WALLET_FROZEN"));

    let amount = json!({"amount": "1.00"});
    let to = |id: Uuid| json!({"amount": "1.00", "destinationWalletId": id});
    for (wallet, operation, token, body) in [
        (ana, "deposit", &token, amount.clone()),
        (ana, "withdraw", &token, amount.clone()),
        (ana, "transfer", &token, to(bia)),
        (bia, "transfer", &other, to(ana)),
        (ana, "close", &token, because("I leave")),
    ] {
        let got = app.post(&path(wallet, operation), token, operation, &body).await;
        assert_eq!(got.problem(), refusal(403, "WALLET_FROZEN"), "{operation}");
    }
    let wallet = app.get(&format!("/api/v1/wallets/{ana}"), &token).await;
    check(&wallet, 200, &json!({"status": "FROZEN", "balanceMinor": 5_000, "version": 3}));

    let lifted = app.post(&path(ana, "unfreeze"), &admin, "letter 9", &because("lifted")).await;
    check(&lifted, 200, &json!({"status": "ACTIVE", "version": 4}));
    let none = app.post(&path(ana, "unfreeze"), &admin, "letter 10", &because("lifted")).await;
    assert_eq!(none.problem(), refusal(409, "WALLET_NOT_FROZEN"));
    // What was refused stays refused under its key, and a new key is a new request.
    let again = app.post(&path(ana, "withdraw"), &token, "withdraw", &amount).await;
    assert_eq!(again.problem(), refusal(403, "WALLET_FROZEN"));
    check(&app.post(&path(ana, "withdraw"), &token, "new", &amount).await, 200, &json!({}));
    app.finish().await;
}

#[tokio::test]
async fn only_an_administrator_freezes_and_only_one_sees_why() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "50.00").await;
    let (token, admin) = (app.token("ana"), admin(&app));
    let before = app.ledger_size().await;
    for operation in ["freeze", "unfreeze"] {
        let got = app.post(&path(ana, operation), &token, operation, &because("mine")).await;
        assert_eq!(got.problem(), refusal(403, "INSUFFICIENT_SCOPE"));
    }
    assert_eq!(app.ledger_size().await, before);
    app.post(&path(ana, "freeze"), &admin, "a", &because("suspected of fraud")).await;

    let line = |statement: &Answer| statement.json()["entries"][0].clone();
    let own = line(&app.get(&path(ana, "statement"), &token).await);
    assert_eq!((&own["type"], &own["amountMinor"]), (&json!("WALLET_FROZEN"), &json!(0)));
    assert_eq!((&own["description"], &own["actor"]), (&Value::Null, &Value::Null));
    let theirs = line(&app.get(&path(ana, "statement"), &admin).await);
    assert_eq!(theirs["description"], "suspected of fraud");
    assert_eq!(theirs["actor"], "clara");
    app.finish().await;
}

#[tokio::test]
async fn a_wallet_is_closed_empty_and_for_good() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "50.00").await;
    let (token, admin) = (app.token("ana"), admin(&app));
    let early = app.post(&path(ana, "close"), &token, "early", &because("I leave")).await;
    assert_eq!(early.problem(), refusal(409, "WALLET_NOT_EMPTY"));
    app.post(&path(ana, "withdraw"), &token, "all", &json!({"amount": "50.00"})).await;
    let closed = app.post(&path(ana, "close"), &token, "close", &because("I leave")).await;
    check(&closed, 200, &json!({"status": "CLOSED", "version": 4}));
    // Who closes their own wallet knows why.
    let statement = app.get(&path(ana, "statement"), &token).await.json();
    assert_eq!(statement["entries"][0]["description"], "I leave");

    for (operation, token, body) in [
        ("deposit", &token, json!({"amount": "1.00"})),
        ("withdraw", &token, json!({"amount": "1.00"})),
        ("close", &token, because("again")),
        ("freeze", &admin, because("late")),
        ("unfreeze", &admin, because("late")),
    ] {
        let key = format!("late {operation}");
        let got = app.post(&path(ana, operation), token, &key, &body).await;
        assert_eq!(got.problem(), refusal(403, "WALLET_CLOSED"), "{operation}");
    }
    let again = app.post(&path(ana, "close"), &token, "close", &because("I leave")).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (closed.json(), Some("true")));
    app.finish().await;
}

#[tokio::test]
async fn an_order_needs_a_reason_and_a_key() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "").await;
    let admin = admin(&app);
    let long = "x".repeat(501);
    let before = app.ledger_size().await;
    for body in [json!({}), because(""), because("  "), because(&long), json!({"reason": 7})] {
        let got = app.post(&path(ana, "freeze"), &admin, "k", &body).await;
        assert_eq!(got.problem(), refusal(400, "INVALID_REQUEST"), "{body}");
        assert_eq!(got.json()["errors"][0]["field"], "reason", "{body}");
    }
    let request = app.request(reqwest::Method::POST, &path(ana, "freeze"), &admin);
    let request = request.header("content-type", "application/json");
    let got = crate::app::answer(request.body(because("why").to_string())).await;
    assert_eq!(got.problem(), refusal(400, "IDEMPOTENCY_KEY_REQUIRED"));
    let nobody = path(Uuid::new_v4(), "freeze");
    let got = app.post(&nobody, &admin, "k", &because("why")).await;
    assert_eq!(got.problem(), refusal(404, "WALLET_NOT_FOUND"));
    assert_eq!(app.ledger_size().await, before);
    app.finish().await;
}
