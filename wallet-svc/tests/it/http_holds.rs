//! Money reserved, captured and voided through the API.

use crate::app::{Answer, TestApp, answer, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

fn path(wallet: Uuid, operation: &str) -> String {
    format!("/api/v1/wallets/{wallet}/{operation}")
}

/// Where a step of a hold is asked for.
fn step(hold: &Answer, verb: &str) -> String {
    format!("{}/{verb}", hold.header("location").expect("a location"))
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
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
async fn money_is_reserved_captured_in_parts_and_the_rest_released() {
    let app = TestApp::start().await;
    let (ana, shop) = (app.wallet("ana", "100.00").await, app.wallet("shop", "").await);
    let (token, admin) = (app.token("ana"), app.keys.token("shop-backend", "wallet:admin"));
    let body = json!({
        "amount": "60.00", "destinationWalletId": shop, "expiresInSeconds": 3600,
        "description": "order 7",
    });
    let hold = app.post(&path(ana, "holds"), &token, "order 7", &body).await;
    let want = json!({
        "type": "HOLD_AUTHORIZED", "walletId": ana, "fromWalletId": ana, "toWalletId": shop,
        "amount": "60.00", "newBalance": "40.00", "newHeld": "60.00", "version": 3,
    });
    check(&hold, 201, &want);
    assert_eq!(hold.json()["holdId"], hold.json()["transactionId"]);
    let again = app.post(&path(ana, "holds"), &token, "order 7", &body).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (hold.json(), Some("true")));
    let other = json!({"amount": "60.00", "destinationWalletId": shop, "description": "order 7"});
    let other = app.post(&path(ana, "holds"), &token, "order 7", &other).await;
    assert_eq!(other.problem(), refusal(422, "IDEMPOTENCY_KEY_REUSED"), "for another time");

    // What is held cannot be spent, and is still the wallet's.
    let want = json!({
        "balanceMinor": 4_000, "heldMinor": 6_000, "ledgerBalance": "100.00",
        "ledgerBalanceMinor": 10_000,
    });
    check(&app.get(&path(ana, "balance"), &token).await, 200, &want);
    check(&app.get(&format!("/api/v1/wallets/{ana}"), &token).await, 200, &want);
    let over = app.post(&path(ana, "withdraw"), &token, "w", &json!({"amount": "40.01"})).await;
    assert_eq!(over.problem(), refusal(400, "INSUFFICIENT_FUNDS"));

    let part = json!({"amount": "25.00", "description": "parcel 1 of 2"});
    let captured = app.post(&step(&hold, "capture"), &admin, "parcel 1", &part).await;
    let want = json!({
        "type": "HOLD_CAPTURED", "amount": "25.00", "newBalance": "40.00", "newHeld": "35.00",
        "holdId": hold.json()["holdId"], "toWalletId": shop, "version": 4,
    });
    check(&captured, 200, &want);
    let again = app.post(&step(&hold, "capture"), &admin, "parcel 1", &part).await;
    assert_eq!(again.json(), captured.json(), "one parcel is paid once");
    let changed = app.post(&step(&hold, "capture"), &admin, "parcel 1", &json!({})).await;
    assert_eq!(changed.problem(), refusal(422, "IDEMPOTENCY_KEY_REUSED"));
    let over = app.post(&step(&hold, "capture"), &admin, "p", &json!({"amount": "35.01"})).await;
    assert_eq!(over.problem(), refusal(400, "HOLD_EXCEEDED"));
    let open = json!({"state": "OPEN", "captured": "25.00", "remaining": "35.00"});
    check(&app.get(hold.header("location").unwrap(), &token).await, 200, &open);

    let last = json!({"amount": "30.00", "final": true});
    let last = app.post(&step(&hold, "capture"), &admin, "parcel 2", &last).await;
    check(&last, 200, &json!({"newBalance": "45.00", "newHeld": "0.00"}));
    let over = json!({
        "state": "CAPTURED", "amount": "60.00", "captured": "55.00", "remaining": "0.00",
    });
    check(&app.get(hold.header("location").unwrap(), &token).await, 200, &over);
    assert_eq!(app.balance("shop", shop).await, (5_500, 3));
    for verb in ["capture", "void"] {
        let body = if verb == "void" { json!({"reason": "late"}) } else { json!({}) };
        let got = app.post(&step(&hold, verb), &admin, verb, &body).await;
        assert_eq!(got.problem(), refusal(409, "HOLD_NOT_OPEN"), "{verb}");
    }
    let statement = app.get(&path(ana, "statement"), &token).await.json();
    assert_eq!(statement["entries"][1]["description"], "parcel 1 of 2");
    assert_eq!(statement["entries"][1]["actor"], Value::Null, "and not who asked for it");

    // What was captured is a payment, and can be given back.
    let back = format!("{}/reversal", captured.header("location").unwrap());
    let back = app.post(&back, &admin, "refund", &json!({"reason": "broken"})).await;
    check(&back, 200, &json!({"type": "REVERSAL_IN", "newBalance": "70.00"}));
    app.finish().await;
}

#[tokio::test]
async fn a_hold_without_a_receiver_leaves_and_a_voided_one_goes_back() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "10.00").await;
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let hold = app.post(&path(ana, "holds"), &token, "a", &json!({"amount": "4.00"})).await;
    check(&hold, 201, &json!({"newBalance": "6.00", "toWalletId": null}));
    let captured = app.post(&step(&hold, "capture"), &admin, "c", &json!({})).await;
    check(&captured, 200, &json!({"amount": "4.00", "newBalance": "6.00", "newHeld": "0.00"}));

    let hold = app.post(&path(ana, "holds"), &token, "b", &json!({"amount": "6.00"})).await;
    // A freeze stops the capture; giving back goes on.
    app.post(&path(ana, "freeze"), &admin, "f", &json!({"reason": "a letter"})).await;
    let got = app.post(&step(&hold, "capture"), &admin, "d", &json!({})).await;
    assert_eq!(got.problem(), refusal(403, "WALLET_FROZEN"));
    let because = json!({"reason": "out of stock"});
    let voided = app.post(&step(&hold, "void"), &admin, "v", &because).await;
    let want = json!({
        "type": "HOLD_VOIDED", "amount": "6.00", "newBalance": "6.00", "newHeld": "0.00",
    });
    check(&voided, 200, &want);
    let again = app.post(&step(&hold, "void"), &admin, "v", &because).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (voided.json(), Some("true")));
    check(&app.get(voided.header("location").unwrap(), &token).await, 200, &want);
    app.finish().await;
}

#[tokio::test]
async fn an_expired_hold_is_given_back_by_itself() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "10.00").await;
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let body = json!({"amount": "4.00", "expiresInSeconds": 1});
    let hold = app.post(&path(ana, "holds"), &token, "a", &body).await;
    eventually("the hold to expire", async || {
        (app.balance("ana", ana).await == (1_000, 4)).then_some(())
    })
    .await;
    let expired = json!({"state": "EXPIRED", "captured": "0.00", "remaining": "0.00"});
    check(&app.get(hold.header("location").unwrap(), &token).await, 200, &expired);
    let late = app.post(&step(&hold, "capture"), &admin, "c", &json!({})).await;
    assert_eq!(late.problem(), refusal(409, "HOLD_EXPIRED"));
    let line = app.get(&path(ana, "statement"), &token).await.json()["entries"][0].clone();
    assert_eq!((&line["type"], &line["heldChangeMinor"]), (&json!("HOLD_EXPIRED"), &json!(-400)));
    assert_eq!((&line["amountMinor"], &line["holdId"]), (&json!(0), &hold.json()["holdId"]));
    app.finish().await;
}

#[tokio::test]
async fn a_users_own_hold_is_captured_and_voided_by_others_only() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "10.00").await, app.wallet("bia", "10.00").await);
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let hold = app.post(&path(ana, "holds"), &token, "a", &json!({"amount": "4.00"})).await;
    let before = app.ledger_size().await;
    for verb in ["capture", "void"] {
        let got = app.post(&step(&hold, verb), &token, "k", &json!({"reason": "mine"})).await;
        assert_eq!(got.problem(), refusal(403, "INSUFFICIENT_SCOPE"), "{verb}");
    }
    let other =
        app.post(&path(ana, "holds"), &app.token("bia"), "k", &json!({"amount": "1"})).await;
    assert_eq!(other.problem(), refusal(403, "WALLET_FORBIDDEN"));
    let other = app.get(hold.header("location").unwrap(), &app.token("bia")).await;
    assert_eq!(other.problem(), refusal(403, "WALLET_FORBIDDEN"));
    // A hold is found in its own wallet only.
    let hold_id = hold.json()["holdId"].as_str().unwrap().to_owned();
    for (wallet, hold, want) in [
        (bia, hold_id.as_str(), "HOLD_NOT_FOUND"),
        (ana, "018f3c5a-7b2e-7c11-9d4e-2f6a8b0c1d3e", "HOLD_NOT_FOUND"),
        (Uuid::nil(), hold_id.as_str(), "WALLET_NOT_FOUND"),
    ] {
        let path = path(wallet, &format!("holds/{hold}"));
        assert_eq!(app.get(&path, &admin).await.problem(), refusal(404, want));
        let got = app.post(&format!("{path}/capture"), &admin, "k", &json!({})).await;
        assert_eq!(got.problem(), refusal(404, want));
    }
    assert_eq!(app.ledger_size().await, before);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_hold_is_told_by_its_field() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "10.00").await;
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let hold = app.post(&path(ana, "holds"), &token, "a", &json!({"amount": "4.00"})).await;
    let before = app.ledger_size().await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"amount": "1.00"});
        body[name] = value;
        body
    };
    #[rustfmt::skip]
    let table = [
        (path(ana, "holds"), json!({}), "INVALID_AMOUNT", "amount"),
        (path(ana, "holds"), with("amount", json!("0")), "INVALID_AMOUNT", "amount"),
        (path(ana, "holds"), with("expiresInSeconds", json!(0)), "INVALID_REQUEST", "expiresInSeconds"),
        (path(ana, "holds"), with("expiresInSeconds", json!(2_592_001)), "INVALID_REQUEST", "expiresInSeconds"),
        (path(ana, "holds"), with("expiresInSeconds", json!(1.5)), "INVALID_REQUEST", "expiresInSeconds"),
        (path(ana, "holds"), with("destinationWalletId", json!("x")), "INVALID_REQUEST", "destinationWalletId"),
        (path(ana, "holds"), with("final", json!(true)), "INVALID_REQUEST", "final"),
        (step(&hold, "capture"), with("final", json!("yes")), "INVALID_REQUEST", "final"),
        (step(&hold, "capture"), with("amount", json!("-1")), "INVALID_AMOUNT", "amount"),
        (step(&hold, "void"), json!({}), "INVALID_REQUEST", "reason"),
    ];
    for (path, body, code, field) in table {
        let got =
            app.post(&path, if path.ends_with("holds") { &token } else { &admin }, "k", &body);
        let got = got.await;
        assert_eq!(got.problem(), refusal(400, code), "{body}");
        assert_eq!(got.json()["errors"][0]["field"], field, "{body}");
    }
    for path in ["holds/x", "holds/x/capture"] {
        let request = app.request(reqwest::Method::GET, &self::path(ana, path), &admin);
        let got = answer(request).await;
        assert!([400, 405].contains(&got.status.as_u16()), "{path}: {got:?}");
    }
    assert_eq!(app.ledger_size().await, before);
    app.finish().await;
}

#[tokio::test]
async fn holds_come_in_pages_newest_first() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "10.00").await;
    let token = app.token("ana");
    let mut ids = Vec::new();
    for key in ["a", "b", "c", "d", "e"] {
        let hold = app.post(&path(ana, "holds"), &token, key, &json!({"amount": "1.00"})).await;
        ids.insert(0, hold.json()["holdId"].clone());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&path(ana, &format!("holds?limit=2{cursor}")), &token).await.json();
        seen.extend(page["holds"].as_array().unwrap().iter().map(|hold| hold["holdId"].clone()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    // One path, two operations: other methods are refused as everywhere.
    let request = app.request(reqwest::Method::DELETE, &path(ana, "holds"), &token);
    let got = answer(request).await;
    assert_eq!(got.problem(), refusal(405, "METHOD_NOT_ALLOWED"));
    assert!(got.header("allow").is_some_and(|allow| allow.contains("POST")), "{got:?}");
    app.finish().await;
}
