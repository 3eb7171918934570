//! Every bad input gets one problem with a stable code and the faulty field, and changes nothing.

use crate::app::{Answer, TestApp, answer};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A status and the code that it comes with.
type Kind = (u16, &'static str);

const AMOUNT: Kind = (400, "INVALID_AMOUNT");
const REQUEST: Kind = (400, "INVALID_REQUEST");
const CURRENCY: Kind = (400, "INVALID_CURRENCY");
const FUNDS: Kind = (400, "INSUFFICIENT_FUNDS");
const TRANSFER: Kind = (400, "INVALID_TRANSFER");
const NO_WALLET: Kind = (404, "WALLET_NOT_FOUND");
const KEY: Kind = (400, "IDEMPOTENCY_KEY_REQUIRED");
const LARGE: Kind = (413, "BODY_TOO_LARGE");
const TIMESTAMP: Kind = (400, "INVALID_TIMESTAMP");
const NO_TRANSACTION: Kind = (404, "TRANSACTION_NOT_FOUND");
const NO_ROUTE: Kind = (404, "ROUTE_NOT_FOUND");
const METHOD: Kind = (405, "METHOD_NOT_ALLOWED");
const FORBIDDEN: Kind = (403, "WALLET_FORBIDDEN");
const MEDIA_TYPE: Kind = (415, "UNSUPPORTED_MEDIA_TYPE");

const TO: &str = "destinationWalletId";

/// Sends one bad request and compares what it gets: status, code, and the first faulty field.
async fn refused(app: &TestApp, request: reqwest::RequestBuilder, want: (Kind, &str), what: &str) {
    let before = app.ledger_size().await;
    let got = answer(request).await;
    let problem = got.json();
    let field = problem["errors"][0]["field"].as_str().unwrap_or_default();
    let (status, code) = got.problem();
    assert_eq!(((status, code.as_str()), field), want, "{what}: {got:?}");
    check_shape(&got, &problem, what);
    assert_eq!(app.ledger_size().await, before, "{what} changed something");
}

/// RFC 9457, and a way out in words.
fn check_shape(got: &Answer, problem: &Value, what: &str) {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let code = text("code").to_lowercase().replace('_', "-");
    assert_eq!(text("type"), format!("/problems/{code}"), "{what}");
    assert!(!text("title").is_empty() && text("detail").len() > 10, "{what}: {problem}");
    assert_eq!(Some(text("requestId")), got.header("x-request-id"), "{what}");
    assert_eq!(got.header("cache-control"), Some("no-store"), "{what}");
    assert_eq!(problem["retryable"], got.headers.contains_key("retry-after"), "{what}");
    for error in problem["errors"].as_array().into_iter().flatten() {
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 10), "{what}: {problem}");
    }
}

#[tokio::test]
async fn a_bad_amount_is_refused_whether_it_is_a_number_or_a_text() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "100.00").await;
    let token = app.token("ana");
    #[rustfmt::skip]
    let table = [
        "0.015", "1.005", "10.001", "1e-3", "0", "0.00", "-1", "-0", "-0.01", "1e400", "1E2", "1e2",
        "9007199254740993.01", "1000000.01", "1000001", "99999999999999999999999999999999999999999",
        "0.000000000000000000000000000000000000000000001",
    ];
    let texts = [
        "", " ", "1,00", "NaN", "Infinity", "+1", " 1", "1 ", "01", ".5", "1.", "0x10", "١", "ten",
    ];
    let quoted = table.iter().chain(&texts).map(|text| json!(text).to_string());
    let spellings = table.iter().map(|&text| text.to_owned()).chain(quoted);
    for spelling in spellings.chain(["null", "true", "[1]", "{}"].map(str::to_owned)) {
        for operation in ["deposit", "withdraw"] {
            let request = app
                .request(Method::POST, &format!("/api/v1/wallets/{wallet}/{operation}"), &token)
                .header("content-type", "application/json")
                .body(format!(r#"{{"amount": {spelling}, "referenceId": "bad-{operation}"}}"#));
            // A refusal of the ledger is kept under its key: each spelling needs its own.
            let request = request.header("idempotency-key", Uuid::new_v4().to_string());
            let what = format!("{operation} of {spelling}");
            refused(&app, request, (AMOUNT, "amount"), &what).await;
        }
    }
    assert_eq!(app.balance("ana", wallet).await, (10_000, 2));
    app.finish().await;
}

#[tokio::test]
async fn an_exact_amount_is_taken_however_it_is_spelled() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "").await;
    let token = app.token("ana");
    let mut total = 0;
    for (spelling, cents) in [
        ("0.01", 1),
        ("\"0.01\"", 1),
        ("10", 1_000),
        ("10.5", 1_050),
        ("\"10.50\"", 1_050),
        ("1000000.00", 100_000_000),
        ("0.1", 10),
        ("0.29", 29),
    ] {
        let request = app
            .request(Method::POST, &format!("/api/v1/wallets/{wallet}/deposit"), &token)
            .header("content-type", "application/json; charset=utf-8")
            .body(format!(r#"{{"amount": {spelling}, "referenceId": "{total}"}}"#));
        let paid = answer(request).await;
        assert_eq!(paid.status, 200, "{spelling}: {paid:?}");
        assert_eq!(paid.json()["amountMinor"], cents, "{spelling}");
        total += cents;
        assert_eq!(paid.json()["newBalanceMinor"], total, "{spelling}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_bad_body_of_a_movement_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "100.00").await, app.wallet("bia", "").await);
    let token = app.token("ana");
    let long = "x".repeat(501);
    let key = "x".repeat(101);
    let nobody = Uuid::new_v4();
    let twice = json!({"amount": "1", "toWalletId": bia, "destinationWalletId": bia});
    #[rustfmt::skip]
    let table = [
        ("deposit",  json!({}), (AMOUNT, "amount")),
        ("deposit",  json!([]), (REQUEST, "")),
        ("deposit",  json!("amount"), (REQUEST, "")),
        ("deposit",  json!({"amount": "1", "colour": "red"}), (REQUEST, "colour")),
        ("deposit",  json!({"amount": "1", "Amount": "1"}), (REQUEST, "Amount")),
        ("deposit",  json!({"amount": "1", "currency": "USD"}), (CURRENCY, "currency")),
        ("deposit",  json!({"amount": "1", "currency": "brl"}), (CURRENCY, "currency")),
        ("deposit",  json!({"amount": "1", "currency": "ZZZ"}), (CURRENCY, "currency")),
        ("deposit",  json!({"amount": "1", "currency": 1}), (REQUEST, "currency")),
        ("deposit",  json!({"amount": "0.5", "currency": "JPY"}), (AMOUNT, "amount")),
        ("deposit",  json!({"amount": "1", "description": long}), (REQUEST, "description")),
        ("deposit",  json!({"amount": "1", "referenceId": ""}), (REQUEST, "referenceId")),
        ("deposit",  json!({"amount": "1", "referenceId": key}), (REQUEST, "referenceId")),
        ("deposit",  json!({"amount": "1", "referenceId": "a\nb"}), (REQUEST, "referenceId")),
        ("deposit",  json!({"amount": "1", "toWalletId": bia}), (REQUEST, "toWalletId")),
        ("withdraw", json!({"amount": "100.01"}), (FUNDS, "amount")),
        ("transfer", json!({"amount": "1"}), (REQUEST, TO)),
        ("transfer", json!({"amount": "1", "toWalletId": "1"}), (REQUEST, TO)),
        ("transfer", twice, (REQUEST, "toWalletId")),
        ("transfer", json!({"amount": "1", "toWalletId": ana}), (TRANSFER, TO)),
        ("transfer", json!({"amount": "1", "toWalletId": nobody}), (NO_WALLET, TO)),
        ("transfer", json!({"amount": "100.01", "toWalletId": bia}), (FUNDS, "amount")),
    ];
    for (operation, body, want) in table {
        let request = app
            .request(Method::POST, &format!("/api/v1/wallets/{ana}/{operation}"), &token)
            .header("idempotency-key", Uuid::new_v4().to_string())
            .header("content-type", "application/json")
            .body(body.to_string());
        refused(&app, request, want, &format!("{operation} {body}")).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn several_faults_are_told_at_once() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "").await;
    let body = json!({"amount": "-1", "currency": "ZZZ", "colour": 1, "description": 2});
    let path = format!("/api/v1/wallets/{wallet}/deposit");
    let got = app.post(&path, &app.token("ana"), "k", &body).await;
    let problem = got.json();
    let fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
    assert_eq!(fields, ["colour", "currency", "amount", "description"], "{problem}");
    app.finish().await;
}

#[tokio::test]
async fn a_missing_or_bad_idempotency_key_is_refused() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "").await;
    let token = app.token("ana");
    let path = format!("/api/v1/wallets/{wallet}/deposit");
    let long = "k".repeat(101);
    for key in [None, Some(""), Some(" "), Some("\u{e9}"), Some(&*long)] {
        let mut request = app
            .request(Method::POST, &path, &token)
            .header("content-type", "application/json")
            .body(r#"{"amount": "1"}"#);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let want = (KEY, "Idempotency-Key");
        refused(&app, request, want, &format!("key {key:?}")).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_no_small_json_is_refused() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "").await;
    let token = app.token("ana");
    let path = format!("/api/v1/wallets/{wallet}/deposit");
    let huge = format!(r#"{{"amount": "1", "description": "{}"}}"#, "x".repeat(16 * 1024));
    let json = "application/json";
    #[rustfmt::skip]
    let table = [
        (json,                 huge.clone(), LARGE),
        ("text/plain",         r#"{"amount":"1"}"#.to_owned(), MEDIA_TYPE),
        ("",                   r#"{"amount":"1"}"#.to_owned(), MEDIA_TYPE),
        ("application/jsonx",  r#"{"amount":"1"}"#.to_owned(), MEDIA_TYPE),
        (json,                 String::new(), REQUEST),
        (json,                 r#"{"amount":"1""#.to_owned(), REQUEST),
        (json,                 r#"{"amount":1e}"#.to_owned(), REQUEST),
        (json,                 r#"{"amount":"1"}}"#.to_owned(), REQUEST),
        (json,                 "[".repeat(16_000), REQUEST),
        (json,                 format!("{{\"a\":{}", "[".repeat(16_000)), REQUEST),
    ];
    for (media_type, body, kind) in table {
        let what = format!("{media_type} {}", body.chars().take(40).collect::<String>());
        let mut request = app.request(Method::POST, &path, &token).header("idempotency-key", "k");
        if !media_type.is_empty() {
            request = request.header("content-type", media_type);
        }
        refused(&app, request.body(body), (kind, ""), &what).await;
    }
    // Without a length the bound holds while it streams.
    let parts = (0..64).map(|_| Ok::<_, std::io::Error>("x".repeat(1_024)));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(parts));
    let request = app.request(Method::POST, &path, &token).header("content-type", json).body(body);
    refused(&app, request, (LARGE, ""), "a streamed body").await;
    app.finish().await;
}

#[tokio::test]
async fn a_bad_path_query_or_method_is_refused() {
    let app = TestApp::start().await;
    let wallet = app.wallet("ana", "").await;
    let token = app.token("ana");
    let (w, none) = (format!("/api/v1/wallets/{wallet}"), Uuid::new_v4());
    let at = |text: &str| format!("{w}/balance/historical?timestamp={text}");
    #[rustfmt::skip]
    let table = [
        ("GET",    "/api/v1/wallets/1".to_owned(), (REQUEST, "walletId")),
        ("GET",    "/api/v1/wallets/%ff/balance".to_owned(), (REQUEST, "walletId")),
        ("GET",    format!("/api/v1/wallets/{none}"), (NO_WALLET, "walletId")),
        ("GET",    format!("/api/v1/wallets/{none}/balance"), (NO_WALLET, "walletId")),
        ("GET",    format!("/api/v1/wallets/{none}/statement"), (NO_WALLET, "walletId")),
        ("GET",    format!("{w}/balance?minVersion=x"), (REQUEST, "minVersion")),
        ("GET",    format!("{w}/balance?version=1"), (REQUEST, "version")),
        ("GET",    format!("{w}/statement?limit=0"), (REQUEST, "limit")),
        ("GET",    format!("{w}/statement?limit=201"), (REQUEST, "limit")),
        ("GET",    format!("{w}/statement?limit=5&limit=6"), (REQUEST, "limit")),
        ("GET",    format!("{w}/statement?cursor=x"), (REQUEST, "cursor")),
        ("GET",    format!("{w}/balance/historical"), (TIMESTAMP, "timestamp")),
        ("GET",    format!("{w}/balance/history"), (TIMESTAMP, "timestamp")),
        ("GET",    at("yesterday"), (TIMESTAMP, "timestamp")),
        ("GET",    at("2026-02-30T00:00:00"), (TIMESTAMP, "timestamp")),
        ("GET",    at("2026-01-01"), (TIMESTAMP, "timestamp")),
        ("GET",    at("2999-01-01T00:00:00Z"), (TIMESTAMP, "timestamp")),
        ("GET",    "/api/v1/transactions/7".to_owned(), (REQUEST, "transactionId")),
        ("GET",    format!("/api/v1/transactions/{none}"), (NO_TRANSACTION, "transactionId")),
        ("GET",    "/api/v1/users/a%20b/wallets".to_owned(), (REQUEST, "userId")),
        ("GET",    "/api/v1/users/ana/wallets?cursor=1".to_owned(), (REQUEST, "cursor")),
        ("GET",    "/api/v1/nothing".to_owned(), (NO_ROUTE, "")),
        ("GET",    "/".to_owned(), (NO_ROUTE, "")),
        ("DELETE", w.clone(), (METHOD, "")),
        ("GET",    format!("{w}/deposit"), (METHOD, "")),
        ("PUT",    "/api/v1/wallets".to_owned(), (METHOD, "")),
    ];
    for (method, path, want) in table {
        let request = app.request(method.parse().unwrap(), &path, &token);
        refused(&app, request, want, &format!("{method} {path}")).await;
    }
    let wrong = answer(app.request(Method::DELETE, &w, &token)).await;
    assert_eq!(wrong.header("allow"), Some("GET,HEAD"));
    let wrong = answer(app.request(Method::GET, &format!("{w}/deposit"), &token)).await;
    assert_eq!(wrong.header("allow"), Some("POST"));
    app.finish().await;
}

#[tokio::test]
async fn a_bad_new_wallet_is_refused() {
    let app = TestApp::start().await;
    let token = app.token("ana");
    #[rustfmt::skip]
    let table = [
        (json!({}), (REQUEST, "userId")),
        (json!({"userId": ""}), (REQUEST, "userId")),
        (json!({"userId": "a b"}), (REQUEST, "userId")),
        (json!({"userId": "x".repeat(101)}), (REQUEST, "userId")),
        (json!({"userId": 7}), (REQUEST, "userId")),
        (json!({"userId": "ana", "balance": "1"}), (REQUEST, "balance")),
        (json!({"userId": "ana", "currency": "DOGE"}), (CURRENCY, "currency")),
        (json!({"userId": "bia"}), (FORBIDDEN, "")),
    ];
    for (body, want) in table {
        let request = app.request(Method::POST, "/api/v1/wallets", &token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        refused(&app, request, want, &body.to_string()).await;
    }
    app.finish().await;
}
