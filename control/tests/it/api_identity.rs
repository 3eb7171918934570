//! People who signed in with an identity provider: a real one on loopback, with keys made here.

use crate::api_app::{Setup, TestApp};
use axum::{Json, Router, extract::State, routing::get};
use chrono::TimeDelta;
use control::api::identity::{Policy, SecondFactor};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet},
};
use protocol::{
    control::{HoldView, Role},
    problem::Problem,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// A key pair of the provider.
struct Key {
    kid: &'static str,
    private: EncodingKey,
    public_pem: String,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self { kid, private, public_pem: pair.public_key_pem() }
    }

    fn public(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.private, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        jwk
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.private).unwrap()
    }
}

/// What the provider publishes, and how often it was asked.
#[derive(Default)]
struct Published {
    keys: Mutex<Vec<Jwk>>,
    asked: AtomicU32,
}

/// The identity provider.
struct Provider {
    published: Arc<Published>,
    url: String,
    tasks: TaskTracker,
}

async fn keys(State(published): State<Arc<Published>>) -> Json<JwkSet> {
    published.asked.fetch_add(1, Ordering::Relaxed);
    Json(JwkSet { keys: published.keys.lock().unwrap().clone() })
}

impl Provider {
    async fn start(keys_now: &[&Key]) -> Self {
        let published = Arc::new(Published::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/keys", get(keys)).with_state(published.clone());
        let tasks = TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let provider = Self { published, url, tasks };
        provider.publish(keys_now);
        provider
    }

    fn publish(&self, keys: &[&Key]) {
        *self.published.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    fn policy(&self) -> Policy {
        let roles = [("eyes", Role::Viewer), ("hands", Role::Operator), ("heads", Role::Approver)];
        Policy {
            issuer: self.url.clone(),
            audience: "wallet-control".to_owned(),
            keys: format!("{}/keys", self.url),
            name: "sub".to_owned(),
            roles_claim: "groups".to_owned(),
            roles: BTreeMap::from(roles.map(|(group, role)| (group.to_owned(), role))),
            second_factor: SecondFactor { amr: vec!["mfa".to_owned()], acr: vec![] },
            skew: TimeDelta::seconds(30),
        }
    }

    /// Good claims of an operator, with some members replaced.
    fn claims(&self, app: &TestApp, changes: &Value) -> Value {
        let now = (app.app.clock)().timestamp();
        let mut claims = json!({
            "iss": self.url, "aud": "wallet-control", "exp": now + 300, "iat": now,
            "sub": "ana", "groups": ["hands"],
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

async fn code(app: &TestApp, token: &str) -> (u16, String) {
    let response = app.bearing(token, Method::GET, "/v1/holds").send().await.unwrap();
    let status = response.status().as_u16();
    let problem = response.json::<Problem>().await;
    (status, problem.map(|problem| problem.code).unwrap_or_default())
}

async fn take_hold(app: &TestApp, token: &str, key: &str) -> reqwest::Response {
    let body = json!({ "environment": "local", "direction": "in", "reason": "r", "expires": "5m" });
    let request = app.bearing(token, Method::POST, "/v1/holds").header("Idempotency-Key", key);
    request.json(&body).send().await.unwrap()
}

#[tokio::test]
async fn whoever_the_provider_knows_comes_in_under_their_own_name() {
    let key = Key::new("k1");
    let provider = Provider::start(&[&key]).await;
    let app = TestApp::start_with(Setup::new("tier: local").trusting(provider.policy())).await;
    let token = key.sign(&provider.claims(&app, &json!({})));
    let hold = take_hold(&app, &token, "k").await;
    assert_eq!(hold.status(), 201);
    assert_eq!(hold.json::<HoldView>().await.unwrap().by, "oidc:ana");
    assert_eq!(app.events("hold.taken").await[0].actor, "oidc:ana");
    assert_eq!(app.get("eye", "/v1/holds").await.status(), 200, "tokens of the file still work");
    let viewer = key.sign(&provider.claims(&app, &json!({ "groups": ["eyes"] })));
    assert_eq!(take_hold(&app, &viewer, "k").await.status(), 403);
}

#[tokio::test]
async fn a_token_that_proves_nothing_lets_nobody_in() {
    let (key, stranger) = (Key::new("k1"), Key::new("k1"));
    let provider = Provider::start(&[&key]).await;
    let app = TestApp::start_with(Setup::new("tier: local").trusting(provider.policy())).await;
    let now = (app.app.clock)().timestamp();
    let claims = |changes: Value| provider.claims(&app, &changes);
    let good = claims(json!({}));
    let none = {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
        let header = BASE64.encode(json!({ "alg": "none", "kid": "k1" }).to_string());
        format!("{header}.{}.", BASE64.encode(good.to_string()))
    };
    // Whoever takes the public key for a shared secret would believe this one.
    let confused = {
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &good, &EncodingKey::from_secret(key.public_pem.as_bytes())).unwrap()
    };
    let nameless = encode(&Header::new(Algorithm::ES256), &good, &key.private).unwrap();
    let mut tampered = key.sign(&good);
    tampered.truncate(tampered.len() - 4);
    tampered.push_str("AAAA");
    #[rustfmt::skip]
    let table = [
        ("expired",           key.sign(&claims(json!({ "exp": now - 60 }))),          401, "INVALID_TOKEN"),
        ("of tomorrow",       key.sign(&claims(json!({ "nbf": now + 86_400 }))),      401, "INVALID_TOKEN"),
        ("without an end",    key.sign(&claims(json!({ "exp": null }))),              401, "INVALID_TOKEN"),
        ("other audience",    key.sign(&claims(json!({ "aud": "wallet" }))),          401, "INVALID_TOKEN"),
        ("other issuer",      key.sign(&claims(json!({ "iss": "https://id.evil" }))), 401, "INVALID_TOKEN"),
        ("no role",           key.sign(&claims(json!({ "groups": ["guests"] }))),     403, "NO_ROLE"),
        ("nobody",            key.sign(&claims(json!({ "sub": "" }))),                401, "INVALID_TOKEN"),
        ("a stranger's key",  stranger.sign(&good),                                    401, "INVALID_TOKEN"),
        ("an unknown key",    Key::new("k9").sign(&good),                              401, "INVALID_TOKEN"),
        ("no key named",      nameless,                                                401, "INVALID_TOKEN"),
        ("unsigned",          none,                                                    401, "INVALID_TOKEN"),
        ("HS256",             confused,                                                401, "INVALID_TOKEN"),
        ("tampered",          tampered,                                                401, "INVALID_TOKEN"),
        ("no JWT",            "a.b.c".to_owned(),                                      401, "INVALID_TOKEN"),
        ("too long",          format!("{}.b.c", "a".repeat(20_000)),                   401, "INVALID_TOKEN"),
        ("a token's hash",    "none-of-ours".to_owned(),                               401, "UNAUTHENTICATED"),
    ];
    for (what, token, status, code_wanted) in table {
        assert_eq!(code(&app, &token).await, (status, code_wanted.to_owned()), "{what}");
    }
    assert_eq!(code(&app, &key.sign(&good)).await.0, 200, "and the good one does");
}

#[tokio::test]
async fn rotated_keys_are_found_and_withdrawn_ones_forgotten() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::start(&[&old]).await;
    let app = TestApp::start_with(Setup::new("tier: local").trusting(provider.policy())).await;
    let token = |key: &Key| key.sign(&provider.claims(&app, &json!({})));
    let asked = || provider.published.asked.load(Ordering::Relaxed);
    assert_eq!((code(&app, &token(&old)).await.0, asked()), (200, 1));
    assert_eq!((code(&app, &token(&old)).await.0, asked()), (200, 1), "kept");

    provider.publish(&[&old, &new]);
    // Invented key ids must not make us ask the provider all the time.
    for _ in 0..20 {
        assert_eq!(code(&app, &token(&new)).await.0, 401);
    }
    assert_eq!(asked(), 1);
    app.skip(11);
    assert_eq!((code(&app, &token(&new)).await.0, asked()), (200, 2));
    assert_eq!(code(&app, &token(&old)).await.0, 200, "both for a while");

    provider.publish(&[&new]);
    app.skip(601);
    assert_eq!(
        (code(&app, &token(&new)).await.0, asked()),
        (200, 3),
        "old keys are asked for anew"
    );
    assert_eq!(code(&app, &token(&old)).await.0, 401, "withdrawn");
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_needed_for_a_day() {
    let key = Key::new("k1");
    let provider = Provider::start(&[]).await;
    let app = TestApp::start_with(Setup::new("tier: local").trusting(provider.policy())).await;
    let token = || key.sign(&provider.claims(&app, &json!({})));
    let down = (503, "IDENTITY_PROVIDER_UNAVAILABLE".to_owned());
    assert_eq!(code(&app, &token()).await, down, "it has never told its keys");
    assert_eq!(code(&app, "eye-secret").await.0, 200, "the file's tokens need no provider");
    provider.publish(&[&key]);
    app.skip(11);
    assert_eq!(code(&app, &token()).await.0, 200);
    provider.publish(&[]);
    app.skip(23 * 3_600);
    assert_eq!(code(&app, &token()).await.0, 200);
    app.skip(2 * 3_600);
    assert_eq!(code(&app, &token()).await, down, "keys of yesterday prove nothing");
}

#[tokio::test]
async fn acting_in_production_asks_for_a_second_factor_and_says_so() {
    let key = Key::new("k1");
    let provider = Provider::start(&[&key]).await;
    let setup = Setup::new("tier: production").trusting(provider.policy());
    let app = TestApp::start_with(setup).await;
    let token = |changes: Value| key.sign(&provider.claims(&app, &changes));
    let password = token(json!({ "amr": ["pwd"] }));
    assert_eq!(code(&app, &password).await.0, 200, "looking is free");
    for (who, token) in [("oidc:ana", password.as_str()), ("ana", "ana-secret")] {
        let denied = take_hold(&app, token, "k").await;
        assert_eq!(denied.status(), 403);
        let problem: Problem = denied.json().await.unwrap();
        assert_eq!(problem.code, "SECOND_FACTOR_REQUIRED");
        assert!(problem.detail.contains("sign in again"), "the way out: {}", problem.detail);
        let denials = app.events("access.denied").await;
        assert!(denials.iter().any(|event| event.actor == who), "{who} is in the journal");
    }
    assert!(app.events("hold.").await.is_empty());
    let both = token(json!({ "amr": ["pwd", "mfa"] }));
    assert_eq!(take_hold(&app, &both, "k").await.status(), 201);
    assert_eq!(take_hold(&app, "glass-secret", "k").await.status(), 201, "for the worst night");
    let broken = &app.events("access.break_glass").await;
    assert_eq!((broken.len(), broken[0].actor.as_str()), (1, "glass"));
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.tasks.close();
    }
}
