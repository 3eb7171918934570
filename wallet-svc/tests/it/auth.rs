//! Who is let in, and to what.

use crate::app::{TestApp, answer};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Every route with its method, on a wallet.
fn routes(wallet: Uuid) -> Vec<(Method, String, bool)> {
    let w = format!("/api/v1/wallets/{wallet}");
    vec![
        (Method::POST, "/api/v1/wallets".to_owned(), true),
        (Method::POST, format!("{w}/deposit"), true),
        (Method::POST, format!("{w}/withdraw"), true),
        (Method::POST, format!("{w}/transfer"), true),
        (Method::GET, w.clone(), false),
        (Method::GET, format!("{w}/balance"), false),
        (Method::GET, format!("{w}/balance/historical?timestamp=2026-01-01T00:00:00"), false),
        (Method::GET, format!("{w}/balance/history?timestamp=2026-01-01T00:00:00"), false),
        (Method::GET, format!("{w}/statement"), false),
        (Method::GET, "/api/v1/users/ana/wallets".to_owned(), false),
    ]
}

/// A body that is good for every write of ana's.
fn body(path: &str, to: Uuid) -> String {
    let movement = json!({"amount": "1.00", "referenceId": Uuid::new_v4()});
    let body = match path.rsplit('/').next() {
        Some("wallets") => json!({"userId": "ana"}),
        Some("transfer") => {
            let mut body = movement;
            body["toWalletId"] = json!(to);
            body
        }
        _ => movement,
    };
    body.to_string()
}

async fn ask(
    app: &TestApp,
    (method, path, writes): &(Method, String, bool),
    token: &str,
    to: Uuid,
) -> crate::app::Answer {
    let mut request = app.request(method.clone(), path, token);
    if *writes {
        request = request.header("content-type", "application/json").body(body(path, to));
    }
    answer(request).await
}

#[tokio::test]
async fn every_route_asks_for_a_good_token_before_anything_else() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "10.00").await, app.wallet("bia", "").await);
    let good = app.token("ana");
    let claims = |change: Value| {
        let mut claims = json!({"sub": "ana", "scope": "wallet:read wallet:write"});
        claims[change[0].as_str().unwrap()] = change[1].clone();
        app.keys.sign(&claims)
    };
    let tokens = [
        ("none", String::new()),
        ("nonsense", "nonsense".to_owned()),
        ("cut", good[..good.len() - 4].to_owned()),
        ("expired", claims(json!(["exp", 1_700_000_000]))),
        ("of another issuer", claims(json!(["iss", "https://evil.example"]))),
        ("for another audience", claims(json!(["aud", "bank"]))),
    ];
    let before = app.ledger_size().await;
    for route in routes(ana) {
        for (what, token) in &tokens {
            let got = ask(&app, &route, token, bia).await;
            assert_eq!(got.problem(), (401, "UNAUTHENTICATED".to_owned()), "{what} {route:?}");
            let challenge = got.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer realm=\"wallet\""), "{challenge}");
            assert_eq!(challenge.contains("invalid_token"), *what != "none", "{what}: {challenge}");
        }
    }
    assert_eq!(app.ledger_size().await, before);
    app.finish().await;
}

#[tokio::test]
async fn a_route_needs_its_scope() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "10.00").await, app.wallet("bia", "").await);
    for route in routes(ana) {
        let (needed, other) = if route.2 { ("write", "read") } else { ("read", "write") };
        let enough = app.keys.token("ana", &format!("wallet:{needed}"));
        let got = ask(&app, &route, &enough, bia).await;
        assert!(got.status.is_success(), "{route:?}: {got:?}");

        for scope in [format!("wallet:{other}"), String::new(), "admin".to_owned()] {
            let got = ask(&app, &route, &app.keys.token("ana", &scope), bia).await;
            assert_eq!(got.problem(), (403, "INSUFFICIENT_SCOPE".to_owned()), "{scope} {route:?}");
            let challenge = got.header("www-authenticate").unwrap();
            assert!(challenge.contains(&format!("scope=\"wallet:{needed}\"")), "{challenge}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_strangers_wallet_is_closed_to_all_but_the_admin() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "10.00").await, app.wallet("bia", "10.00").await);
    let stranger = app.token("bia");
    let before = app.ledger_size().await;
    for route in routes(ana) {
        let got = ask(&app, &route, &stranger, bia).await;
        assert_eq!(got.problem(), (403, "WALLET_FORBIDDEN".to_owned()), "{route:?}");
    }
    assert_eq!(app.ledger_size().await, before);
    let admin = app.keys.token("operations", "wallet:admin");
    for route in routes(ana) {
        let got = ask(&app, &route, &admin, bia).await;
        assert!(got.status.is_success(), "{route:?}: {got:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_does_not_learn_what_a_key_stood_for() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "10.00").await;
    let path = format!("/api/v1/wallets/{ana}/withdraw");
    let body = json!({"amount": "1.00"});
    let (own, stranger) = (app.token("ana"), app.token("bia"));
    assert_eq!(app.post(&path, &stranger, "k", &body).await.problem().1, "WALLET_FORBIDDEN");
    assert_eq!(app.post(&path, &own, "k", &body).await.status, 200, "the key was not burnt");
    assert_eq!(app.post(&path, &stranger, "k", &body).await.problem().1, "WALLET_FORBIDDEN");
    app.finish().await;
}
