//! Money moved through the API, and what a repeated request is told.

use crate::app::{Answer, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

fn path(wallet: Uuid, operation: &str) -> String {
    format!("/api/v1/wallets/{wallet}/{operation}")
}

#[track_caller]
fn check(got: &Answer, status: u16, want: &Value) {
    assert_eq!(got.status, status, "{got:?}");
    let body = got.json();
    for (name, value) in want.as_object().expect("an object") {
        assert_eq!(&body[name], value, "{name} of {body}");
    }
}

#[tokio::test]
async fn a_wallet_is_opened_filled_and_emptied() {
    let app = TestApp::start().await;
    let token = app.token("ana");
    let opened = app.post("/api/v1/wallets", &token, "open", &json!({"userId": "ana"})).await;
    let want = json!({
        "userId": "ana", "currency": "BRL", "status": "ACTIVE", "balance": "0.00",
        "balanceMinor": 0, "version": 1,
    });
    check(&opened, 201, &want);
    let id: Uuid = opened.json()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(opened.json()["walletId"], opened.json()["id"]);
    let location = opened.header("location").unwrap();
    assert_eq!(location, format!("/api/v1/wallets/{id}"));
    assert_eq!(app.get(location, &token).await.json(), opened.json());

    let body = json!({"amount": "100.00", "description": "salary"});
    let paid = app.post(&path(id, "deposit"), &token, "salary", &body).await;
    let want = json!({
        "type": "DEPOSIT", "walletId": id, "currency": "BRL", "amount": "100.00",
        "amountMinor": 10_000, "newBalance": "100.00", "newBalanceMinor": 10_000, "version": 2,
    });
    check(&paid, 200, &want);
    assert_eq!(paid.header("etag"), Some("\"2\""));
    assert_eq!(paid.header("idempotency-replayed"), None);
    let location = paid.header("location").unwrap();
    assert_eq!(
        location,
        format!("/api/v1/transactions/{}", paid.json()["transactionId"].as_str().unwrap())
    );
    assert_eq!(app.get(location, &token).await.json(), paid.json());

    let taken = app.post(&path(id, "withdraw"), &token, "rent", &json!({"amount": 40.25})).await;
    let want = json!({
        "type": "WITHDRAWAL", "amount": "40.25", "amountMinor": 4_025, "newBalance": "59.75",
        "version": 3,
    });
    check(&taken, 200, &want);
    let over =
        app.post(&path(id, "withdraw"), &token, "too much", &json!({"amount": "59.76"})).await;
    assert_eq!(over.problem(), (400, "INSUFFICIENT_FUNDS".to_owned()));
    let rest = app.post(&path(id, "withdraw"), &token, "rest", &json!({"amount": "59.75"})).await;
    check(&rest, 200, &json!({"newBalance": "0.00", "version": 4}));
    assert_eq!(app.balance("ana", id).await, (0, 4));
    app.finish().await;
}

#[tokio::test]
async fn a_transfer_reaches_a_strangers_wallet_and_each_side_sees_its_own() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "50.00").await, app.wallet("bia", "1.00").await);
    let (token, other) = (app.token("ana"), app.token("bia"));
    for (key, name) in [("one", "destinationWalletId"), ("two", "toWalletId")] {
        let mut body = json!({"amount": "10.00"});
        body[name] = json!(bia);
        let moved = app.post(&path(ana, "transfer"), &token, key, &body).await;
        check(
            &moved,
            200,
            &json!({
                "type": "TRANSFER_OUT", "walletId": ana, "fromWalletId": ana, "toWalletId": bia,
                "amount": "10.00",
            }),
        );
    }
    assert_eq!(app.balance("ana", ana).await, (3_000, 4));
    assert_eq!(app.balance("bia", bia).await, (2_100, 4));

    let body = json!({"amount": "10.00", "toWalletId": bia});
    let again = app.post(&path(ana, "transfer"), &token, "two", &body).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let location = again.header("location").unwrap();
    check(
        &app.get(location, &token).await,
        200,
        &json!({"type": "TRANSFER_OUT", "newBalance": "30.00"}),
    );
    let received = app.get(location, &other).await;
    check(
        &received,
        200,
        &json!({
            "type": "TRANSFER_IN", "walletId": bia, "fromWalletId": ana, "toWalletId": bia,
            "amount": "10.00", "newBalance": "21.00",
        }),
    );
    let stranger = app.get(location, &app.token("caio")).await;
    assert_eq!(stranger.problem(), (403, "WALLET_FORBIDDEN".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn a_repeated_request_moves_the_money_once() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "100.00").await, app.wallet("bia", "").await);
    let token = app.token("ana");
    let body = |amount: &str| json!({"amount": amount, "toWalletId": bia});
    let first = app.post(&path(ana, "transfer"), &token, "rent", &body("60.00")).await;
    check(&first, 200, &json!({"newBalance": "40.00"}));

    // Refused were it new: 40.00 do not cover it.
    let again = app.post(&path(ana, "transfer"), &token, "rent", &body("60.00")).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, first.json()));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let same = app.post(&path(ana, "transfer"), &token, "rent", &body("60")).await;
    assert_eq!(same.json(), first.json(), "60 is the same amount as 60.00");

    let other = app.post(&path(ana, "transfer"), &token, "rent", &body("60.01")).await;
    assert_eq!(other.problem(), (422, "IDEMPOTENCY_KEY_REUSED".to_owned()));
    let other = app.post(&path(ana, "withdraw"), &token, "rent", &json!({"amount": "60.00"})).await;
    assert_eq!(other.problem(), (422, "IDEMPOTENCY_KEY_REUSED".to_owned()));

    // The key of another wallet is another key; the reference stands in for a missing header.
    let request = app
        .request(reqwest::Method::POST, &path(ana, "deposit"), &token)
        .header("content-type", "application/json")
        .body(json!({"amount": "1.00", "referenceId": "by-reference"}).to_string());
    let twice = request.try_clone().expect("a body in memory");
    let (first, again) = (crate::app::answer(request).await, crate::app::answer(twice).await);
    check(&first, 200, &json!({"newBalance": "41.00"}));
    assert_eq!(again.json(), first.json());
    assert_eq!(app.balance("ana", ana).await, (4_100, 4));
    app.finish().await;
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "1.00").await;
    let token = app.token("ana");
    let body = json!({"amount": "2.00"});
    let first = app.post(&path(ana, "withdraw"), &token, "early", &body).await;
    assert_eq!(first.problem(), (400, "INSUFFICIENT_FUNDS".to_owned()));
    app.post(&path(ana, "deposit"), &token, "more", &json!({"amount": "9.00"})).await;
    let again = app.post(&path(ana, "withdraw"), &token, "early", &body).await;
    assert_eq!(again.problem(), first.problem());
    let new = app.post(&path(ana, "withdraw"), &token, "late", &body).await;
    check(&new, 200, &json!({"newBalance": "8.00"}));
    app.finish().await;
}

#[tokio::test]
async fn a_key_opens_one_wallet_and_no_key_another_each_time() {
    let app = TestApp::start().await;
    let token = app.token("ana");
    let body = json!({"userId": "ana", "currency": "JPY"});
    let first = app.post("/api/v1/wallets", &token, "k", &body).await;
    let again = app.post("/api/v1/wallets", &token, "k", &body).await;
    assert_eq!((again.status.as_u16(), again.json()), (201, first.json()));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    check(&first, 201, &json!({"currency": "JPY", "balance": "0"}));

    let dollars = json!({"userId": "ana", "currency": "USD"});
    let other = app.post("/api/v1/wallets", &token, "k", &dollars).await;
    assert_eq!(other.problem(), (422, "IDEMPOTENCY_KEY_REUSED".to_owned()));
    for _ in 0..2 {
        let request = app.request(reqwest::Method::POST, "/api/v1/wallets", &token);
        let request = request.header("content-type", "application/json").body(dollars.to_string());
        check(&crate::app::answer(request).await, 201, &json!({"currency": "USD"}));
    }
    let list = app.get("/api/v1/users/ana/wallets", &token).await.json();
    assert_eq!(list["wallets"].as_array().unwrap().len(), 3, "{list}");
    app.finish().await;
}

#[tokio::test]
async fn fifty_clients_with_one_key_are_told_the_same() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "").await;
    let token = app.token("ana");
    let (path, body) = (path(ana, "deposit"), json!({"amount": "5.00"}));
    let all = (0..50).map(|_| app.post(&path, &token, "once", &body));
    let answers = futures::future::join_all(all).await;
    let first = answers.iter().filter(|a| a.header("idempotency-replayed").is_none()).count();
    assert_eq!(first, 1);
    for got in &answers {
        check(got, 200, &json!({"newBalance": "5.00", "version": 2}));
        assert_eq!(got.json(), answers[0].json());
    }
    app.finish().await;
}
