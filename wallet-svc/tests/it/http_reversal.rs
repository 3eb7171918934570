//! Transactions undone through the API.

use crate::app::{Answer, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

fn path(wallet: Uuid, operation: &str) -> String {
    format!("/api/v1/wallets/{wallet}/{operation}")
}

/// Where a transaction is reversed.
fn reversal(of: &Answer) -> String {
    format!("{}/reversal", of.header("location").expect("a location"))
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
async fn a_transfer_is_undone_once_and_both_sides_see_it() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "50.00").await, app.wallet("bia", "1.00").await);
    let (token, other) = (app.token("ana"), app.token("bia"));
    let admin = app.keys.token("clara", "wallet:admin");
    let body = json!({"amount": "20.00", "destinationWalletId": bia});
    let sent = app.post(&path(ana, "transfer"), &token, "rent", &body).await;
    let because = json!({"reason": "to the wrong person"});

    let undone = app.post(&reversal(&sent), &admin, "undo", &because).await;
    let want = json!({
        "type": "REVERSAL_IN", "walletId": ana, "fromWalletId": bia, "toWalletId": ana,
        "amount": "20.00", "newBalance": "50.00", "version": 4,
        "reversesTransactionId": sent.json()["transactionId"],
    });
    check(&undone, 200, &want);
    assert_eq!(
        (app.balance("ana", ana).await, app.balance("bia", bia).await),
        ((5_000, 4), (100, 4))
    );

    let again = app.post(&reversal(&sent), &admin, "undo", &because).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (undone.json(), Some("true")));
    let other_body = app.post(&reversal(&sent), &admin, "undo", &json!({"reason": "x"})).await;
    assert_eq!(other_body.problem(), refusal(422, "IDEMPOTENCY_KEY_REUSED"));
    let twice = app.post(&reversal(&sent), &admin, "undo again", &because).await;
    assert_eq!(twice.problem(), refusal(409, "ALREADY_REVERSED"));
    let back = app.post(&reversal(&undone), &admin, "redo", &because).await;
    assert_eq!(back.problem(), refusal(409, "NOT_REVERSIBLE"));

    let location = sent.header("location").unwrap();
    let reversed = json!({"reversedByTransactionId": undone.json()["transactionId"]});
    check(&app.get(location, &token).await, 200, &reversed);
    let taken = json!({"type": "REVERSAL_OUT", "walletId": bia, "newBalance": "1.00"});
    check(&app.get(undone.header("location").unwrap(), &other).await, 200, &taken);
    let statement = app.get(&path(bia, "statement"), &other).await.json();
    assert_eq!(statement["entries"][0]["reversesTransactionId"], sent.json()["transactionId"]);
    assert_eq!(statement["entries"][0]["amountMinor"], -2_000);
    app.finish().await;
}

#[tokio::test]
async fn a_deposit_is_undone_while_the_money_is_there() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "").await;
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let paid = app.post(&path(ana, "deposit"), &token, "in", &json!({"amount": "10.00"})).await;
    let spent = app.post(&path(ana, "withdraw"), &token, "out", &json!({"amount": "0.01"})).await;
    let because = json!({"reason": "charged back"});
    let short = app.post(&reversal(&paid), &admin, "early", &because).await;
    assert_eq!(short.problem(), refusal(400, "INSUFFICIENT_FUNDS"));
    check(
        &app.post(&reversal(&spent), &admin, "a", &because).await,
        200,
        &json!({"type": "REVERSAL_IN"}),
    );
    let taken = app.post(&reversal(&paid), &admin, "b", &because).await;
    check(&taken, 200, &json!({"type": "REVERSAL_OUT", "newBalance": "0.00", "version": 5}));
    app.finish().await;
}

#[tokio::test]
async fn only_an_administrator_reverses_and_only_what_is_there() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "10.00").await;
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let spent = app.post(&path(ana, "withdraw"), &token, "out", &json!({"amount": "1.00"})).await;
    let because = json!({"reason": "mine"});
    let before = app.ledger_size().await;
    let own = app.post(&reversal(&spent), &token, "k", &because).await;
    assert_eq!(own.problem(), refusal(403, "INSUFFICIENT_SCOPE"));
    for unknown in [Uuid::new_v4(), Uuid::now_v7(), Uuid::nil()] {
        let path = format!("/api/v1/transactions/{unknown}/reversal");
        let got = app.post(&path, &admin, "k", &because).await;
        assert_eq!(got.problem(), refusal(404, "TRANSACTION_NOT_FOUND"));
    }
    assert_eq!(app.ledger_size().await, before);
    app.finish().await;
}
