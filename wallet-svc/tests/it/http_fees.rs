//! What payments cost, through the API and into the revenue wallets.

use crate::app::{Answer, TestApp};
use serde_json::{Value, json};
use sqlx::Row;
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

async fn revenue(app: &TestApp) -> i64 {
    let query = "SELECT CAST(COALESCE(SUM(available), 0) AS SIGNED) FROM wallet WHERE kind = 2";
    let row = sqlx::query(query).fetch_one(&mut app.database().await).await;
    row.expect("a sum").get(0)
}

#[tokio::test]
async fn a_payment_costs_what_the_version_of_its_moment_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fees.json");
    let schedules = json!({"schedules": [
        {"version": 1, "validFrom": "2020-01-01T00:00:00Z", "rates": [
            {"operation": "withdraw", "currency": "BRL", "basisPoints": 9000, "fixedMinor": 0},
        ]},
        {"version": 2, "validFrom": "2021-01-01T00:00:00Z", "rates": [
            {"operation": "withdraw", "currency": "BRL", "basisPoints": 100, "fixedMinor": 5},
            {"operation": "transfer", "currency": "BRL", "basisPoints": 0, "fixedMinor": 25},
        ]},
        {"version": 3, "validFrom": "2999-01-01T00:00:00Z", "rates": []},
    ]});
    std::fs::write(&file, schedules.to_string()).unwrap();
    let app = TestApp::start_with(|settings| {
        settings.insert("WALLET_FEES_FILE", file.display().to_string());
    })
    .await;
    let (ana, bia) = (app.wallet("ana", "100.00").await, app.wallet("bia", "").await);
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    assert_eq!(app.get("/api/v1/fees", &token).await.json(), schedules);

    let out = app.post(&path(ana, "withdraw"), &token, "w", &json!({"amount": "10.00"})).await;
    let want = json!({
        "amount": "10.00", "fee": "0.15", "feeMinor": 15, "newBalance": "89.85", "version": 3,
    });
    check(&out, 200, &want);
    let again = app.post(&path(ana, "withdraw"), &token, "w", &json!({"amount": "10.00"})).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (out.json(), Some("true")));
    let location = out.header("location").unwrap();
    check(&app.get(location, &token).await, 200, &want);
    let body = json!({"amount": "20.00", "destinationWalletId": bia});
    let dry = app.post(&format!("{}?dryRun=true", path(ana, "transfer")), &token, "t", &body).await;
    check(&dry, 200, &json!({"fee": "0.25", "newBalance": "69.60", "dryRun": true}));
    let sent = app.post(&path(ana, "transfer"), &token, "t", &body).await;
    check(&sent, 200, &json!({"amount": "20.00", "fee": "0.25", "newBalance": "69.60"}));
    let got = app.get(sent.header("location").unwrap(), &app.token("bia")).await;
    check(&got, 200, &json!({"amount": "20.00", "fee": null, "newBalance": "20.00"}));
    assert_eq!(revenue(&app).await, 40);
    let all = app.post(&path(ana, "withdraw"), &token, "all", &json!({"amount": "69.60"})).await;
    assert_eq!(all.problem(), (400, "INSUFFICIENT_FUNDS".to_owned()), "the fee is not covered");

    let undo = format!("{location}/reversal");
    let undone = app.post(&undo, &admin, "u", &json!({"reason": "not delivered"})).await;
    check(&undone, 200, &json!({"amount": "10.00", "fee": "-0.15", "newBalance": "79.75"}));
    assert_eq!(revenue(&app).await, 25);
    let line = app.get(&path(ana, "statement"), &token).await.json()["entries"][1].clone();
    assert_eq!((&line["amountMinor"], &line["feeMinor"]), (&json!(-2_025), &json!(25)));
    let page = app.get("/metrics", "").await.text;
    assert!(page.contains("wallet_fees_charged_total{currency=\"BRL\"} 40"), "{page}");
    app.finish().await;
}
