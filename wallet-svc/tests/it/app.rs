//! `TestApp`: the real service in this process, on a free port and a database of its own.
//!
//! Redis is absent and Kafka unreachable unless a test brings them, so every test here also shows
//! that neither is needed. At the end the tables are audited.

use crate::contract;
use crate::ledger_world::{PATIENCE, audit, audit_as_loadgen};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::{
    ecdsa::SigningKey,
    pkcs8::{EncodePrivateKey, LineEnding},
};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use sandbox::data::mariadb::{Options, Server};
use serde_json::{Value, json};
use sqlx::{Connection, MySqlConnection, Row};
use std::{collections::BTreeMap, sync::Once, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;
use wallet_svc::{
    app::{App, store_settings},
    clock::Clock,
    config::Config,
    store::Ledger,
};

pub(crate) const ISSUER: &str = "https://issuer.wallet.local";

/// The settings of a service, before it starts.
pub(crate) type Settings = BTreeMap<&'static str, String>;

/// A running service.
pub(crate) struct TestApp {
    pub(crate) server: Server,
    pub(crate) client: reqwest::Client,
    pub(crate) url: String,
    pub(crate) stop: CancellationToken,
    pub(crate) keys: Keys,
    tracker: TaskTracker,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        (self.status.as_u16(), problem["code"].as_str().expect("a code").to_owned())
    }
}

/// A signing key and the key file that has its public half.
pub(crate) struct Keys {
    folder: tempfile::TempDir,
    signing: EncodingKey,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = SigningKey::from_slice(&[7; 32]).expect("a scalar in range");
        let point = key.verifying_key().to_encoded_point(false);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = (point.x().expect("not infinity"), point.y().expect("not compressed"));
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "test", "x": text(x), "y": text(y)});
        std::fs::write(folder.path().join("jwks.json"), json!({"keys": [jwk]}).to_string())
            .expect("writing the key file");
        let pem = key.to_pkcs8_pem(LineEnding::LF).expect("a key has a PEM form");
        let signing = EncodingKey::from_ec_pem(pem.as_bytes()).expect("a PEM of an EC key");
        Self { folder, signing }
    }

    pub(crate) fn file(&self) -> String {
        self.folder.path().join("jwks.json").display().to_string()
    }

    /// A token with these claims; `exp` in an hour unless they say otherwise.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let now = Clock::real().now().timestamp();
        let mut whole = json!({"iss": ISSUER, "aud": "wallet", "iat": now, "exp": now + 3_600});
        for (name, value) in claims.as_object().expect("claims are an object") {
            whole[name] = value.clone();
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("test".to_owned());
        encode(&header, &whole, &self.signing).expect("signing")
    }

    pub(crate) fn token(&self, user: &str, scope: &str) -> String {
        self.sign(&json!({"sub": user, "scope": scope}))
    }
}

/// A client without TLS or proxies.
pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _other = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

/// What `wallet-svc serve` needs to run on `server`.
pub(crate) fn settings(server: &Server, keys: &Keys) -> Settings {
    [
        ("WALLET_ENVIRONMENT", "test".to_owned()),
        ("WALLET_LISTEN", "127.0.0.1:0".to_owned()),
        ("WALLET_DB_WRITER_URL", server.url_without_password()),
        ("WALLET_DB_PASSWORD", server.password.clone()),
        // Nobody listens there.
        ("WALLET_KAFKA_BROKERS", "127.0.0.1:1".to_owned()),
        ("WALLET_JWKS_FILE", keys.file()),
        ("WALLET_JWT_ISSUER", ISSUER.to_owned()),
        ("WALLET_DRAIN_SECONDS", "0".to_owned()),
    ]
    .into()
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts with other settings than the usual.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let options = Options { durable: false, ..Options::default() };
        let server = Server::start(options).await.expect("mariadbd starts");
        let keys = Keys::new();
        let mut settings = settings(&server, &keys);
        change(&mut settings);
        let config = Config::read(|name| settings.get(name).cloned()).expect("good settings");
        Ledger::migrate(&store_settings(&config.db, 1, "migration")).await.expect("migrating");

        let app = App::build(config, Clock::real()).await.expect("building the app");
        let url = format!("http://{}", app.address());
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let run = app.run(stop.clone());
        tracker.spawn(async move { run.await.expect("the app ends in time") });
        let app = Self { server, client: client(), url, stop, keys, tracker };
        eventually("readiness", async || {
            let ready = app.get("/readyz", "").await;
            (ready.status == StatusCode::OK
                && app.get("/healthz", "").await.status == 200
                && ready.json()["dependencies"][1]["state"] == "writable")
                .then_some(())
        })
        .await;
        app
    }

    pub(crate) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        answer(self.request(Method::GET, path, token)).await
    }

    /// Posts JSON under an idempotency key.
    pub(crate) async fn post(&self, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path, token).header("idempotency-key", key);
        let request = request.header("content-type", "application/json");
        answer(request.body(body.to_string())).await
    }

    pub(crate) fn token(&self, user: &str) -> String {
        self.keys.token(user, "wallet:read wallet:write")
    }

    /// Opens a BRL wallet of `user` and puts `amount` into it, unless that is empty.
    pub(crate) async fn wallet(&self, user: &str, amount: &str) -> Uuid {
        let (token, key) = (self.token(user), Uuid::new_v4().to_string());
        let opened = self.post("/api/v1/wallets", &token, &key, &json!({"userId": user})).await;
        assert_eq!(opened.status, StatusCode::CREATED, "{opened:?}");
        let id = opened.json()["walletId"].as_str().expect("an id").parse().expect("a UUID");
        if !amount.is_empty() {
            let path = format!("/api/v1/wallets/{id}/deposit");
            let paid = self.post(&path, &token, &key, &json!({"amount": amount})).await;
            assert_eq!(paid.status, StatusCode::OK, "{paid:?}");
        }
        id
    }

    /// Balance in minor units and version.
    pub(crate) async fn balance(&self, user: &str, wallet: Uuid) -> (i64, u64) {
        let path = format!("/api/v1/wallets/{wallet}/balance");
        let balance = self.get(&path, &self.token(user)).await;
        assert_eq!(balance.status, StatusCode::OK, "{balance:?}");
        let view = balance.json();
        let number = |name: &str| view[name].as_i64().expect("a number");
        (number("balanceMinor"), number("version").unsigned_abs())
    }

    pub(crate) async fn database(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.server.url).await.expect("connecting to the test's server")
    }

    /// All that a request could have changed: wallets, entries, and the sum of the versions.
    pub(crate) async fn ledger_size(&self) -> (i64, i64, i64) {
        let query = "SELECT (SELECT COUNT(*) FROM wallet), (SELECT COUNT(*) FROM entry), \
                     (SELECT CAST(COALESCE(SUM(version), 0) AS SIGNED) FROM wallet)";
        let row = sqlx::query(query).fetch_one(&mut self.database().await).await;
        let row = row.expect("counting");
        (row.get(0), row.get(1), row.get(2))
    }

    /// Ends the service in order and audits what it left.
    pub(crate) async fn finish(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        audit_as_loadgen(&self.server.url).await;
        audit(&mut self.database().await).await;
    }
}

/// Sends a request, reads the whole answer, and holds it against the API's description.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.expect("a request");
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = client.execute(request).await.expect("the service answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("the answer has a body");
    let media_type = headers.get("content-type").and_then(|value| value.to_str().ok());
    contract::check(&method, &path, status.as_u16(), media_type.unwrap_or_default(), &text);
    Answer { status, headers, text }
}
