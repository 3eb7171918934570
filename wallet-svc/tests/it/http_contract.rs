//! The description is served, complete, and true of every operation.

use crate::app::TestApp;
use crate::contract::unseen;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

#[tokio::test]
async fn the_description_is_served_to_everybody_and_names_every_code() {
    let app = TestApp::start().await;
    let served = app.get("/api/v1/openapi.json", "").await;
    assert_eq!(served.status, 200);
    let description = served.json();
    assert_eq!(description, wallet_svc::http::description());
    assert_eq!(description["openapi"], "3.1.0");

    let mut named = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let pages = description["paths"].as_object().unwrap().values();
    for page in pages.flat_map(|methods| methods.as_object().unwrap().values()) {
        let id = page["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} twice");
        assert!(!page["summary"].as_str().unwrap().is_empty(), "{id}");
        for answer in page["responses"].as_object().unwrap().values() {
            let codes = answer["x-codes"].as_array().into_iter().flatten();
            named.extend(codes.map(|code| code.as_str().unwrap().to_owned()));
        }
    }
    let schema = schemars::schema_for!(protocol::wallet::Code).to_value();
    let lists = [&schema["enum"], &schema["oneOf"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    let all: BTreeSet<String> = all
        .flat_map(|one| match one {
            Value::String(code) => vec![code.clone()],
            one => {
                let listed = one["enum"].as_array().into_iter().flatten();
                listed.chain([&one["const"]]).filter_map(Value::as_str).map(str::to_owned).collect()
            }
        })
        .collect();
    // Not of any operation, and not told by itself.
    let apart = ["ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED", "BATCH_REFUSED"].map(str::to_owned);
    let unnamed: Vec<_> = all.difference(&named).filter(|code| !apart.contains(code)).collect();
    assert!(all.len() > 35 && unnamed.is_empty(), "{} codes, unnamed {unnamed:?}", all.len());
    assert!(named.is_subset(&all));
    app.finish().await;
}

/// Every answer is held against the description as it comes: see `app::answer`.
#[tokio::test]
async fn every_operation_answers_as_it_is_described() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "100.00").await, app.wallet("bia", "").await);
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let w = format!("/api/v1/wallets/{ana}");
    let because = json!({"reason": "the contract"});
    let amount = json!({"amount": "5.00"});
    let to = json!({"amount": "5.00", "destinationWalletId": bia, "description": "d"});
    let hold = app.post(&format!("{w}/holds"), &token, "h", &to).await;
    let hold = hold.header("location").unwrap().to_owned();
    let other = app.post(&format!("{w}/holds"), &token, "i", &amount).await;
    let other = other.header("location").unwrap().to_owned();
    let legs = json!({"legs": [
        {"walletId": ana, "direction": "DEBIT", "amount": "1.00"},
        {"walletId": bia, "direction": "CREDIT", "amount": "1.00"},
    ]});
    let batch = json!({"mode": "independent", "commands": [
        {"operation": "deposit", "walletId": ana, "amount": "1.00"},
        {"operation": "withdraw", "walletId": ana, "amount": "900.00"},
    ]});
    let moved = app.post(&format!("{w}/transfer"), &token, "t", &to).await;
    let moved = moved.header("location").unwrap().to_owned();
    let writes = [
        (format!("{w}/deposit"), amount.clone()),
        (format!("{w}/withdraw"), amount.clone()),
        (format!("{hold}/capture"), json!({"amount": "1.00"})),
        (format!("{other}/void"), because.clone()),
        ("/api/v1/transactions".to_owned(), legs),
        ("/api/v1/batches".to_owned(), batch),
        (format!("{moved}/reversal"), because.clone()),
        (format!("{w}/freeze"), because.clone()),
        (format!("{w}/unfreeze"), because.clone()),
    ];
    for (path, body) in &writes {
        let key = Uuid::new_v4().to_string();
        let dry = app.post(&format!("{path}?dryRun=true"), &admin, &key, body).await;
        assert!(dry.status.is_success(), "{path}: {dry:?}");
        let done = app.post(path, &admin, &key, body).await;
        assert!(done.status.is_success(), "{path}: {done:?}");
        let odd = app.post(path, &admin, &key, &json!({"no": "field"})).await;
        assert_eq!(odd.status, 400, "{path}: {odd:?}");
        assert_eq!(app.post(path, "", &key, body).await.status, 401);
    }
    let limits = app.request(Method::PUT, &format!("{w}/limits"), &admin);
    let limits = limits.header("idempotency-key", "l").header("content-type", "application/json");
    let limits = limits.body(json!({"dailyDebit": "1.00", "reason": "r"}).to_string());
    assert_eq!(crate::app::answer(limits).await.status, 200);
    let empty = app.wallet("ana", "").await;
    let closed = app.post(&format!("/api/v1/wallets/{empty}/close"), &token, "c", &because).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    for path in [
        w.clone(),
        format!("{w}/balance"),
        format!("{w}/balance/historical?timestamp=2026-01-01T00:00:00Z"),
        format!("{w}/balance/history?timestamp=2026-01-01T00:00:00Z"),
        format!("{w}/statement"),
        format!("{w}/holds"),
        hold.clone(),
        moved,
        "/api/v1/users/ana/wallets".to_owned(),
        "/api/v1/fees".to_owned(),
    ] {
        assert_eq!(app.get(&path, &token).await.status, 200, "{path}");
        assert_eq!(app.get(&path, "").await.status, 401, "{path}");
    }
    assert_eq!(unseen(), Vec::<String>::new());
    app.finish().await;
}
