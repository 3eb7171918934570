//! A cache and brokers that are reached through TLS, as those of AWS are.

use crate::app::{Keys, Settings, answer, client, eventually, settings};
use crate::process::{database, run, serve};
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// A Redis that speaks nothing but TLS, with a certificate that it signed itself.
struct Redis {
    folder: tempfile::TempDir,
    port: u16,
    _server: Child,
}

impl Redis {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let names = vec!["127.0.0.1".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let write = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).expect("writing a PEM file");
        };
        write("own.pem", own.cert.pem());
        write("key.pem", own.signing_key.serialize_pem());
        let port = sandbox::port::free().expect("a free port");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--bind", "127.0.0.1", "--tls-port"])
            .arg(port.to_string())
            .args(["--tls-cert-file", "own.pem", "--tls-key-file", "key.pem"])
            .args(["--tls-ca-cert-file", "own.pem", "--tls-auth-clients", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server starts");
        Self { folder, port, _server: server }
    }

    fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port)
    }

    fn certificate(&self) -> String {
        self.folder.path().join("own.pem").display().to_string()
    }

    /// How many wallets it holds; `None` while it does not answer.
    async fn wallets(&self) -> Option<u64> {
        let asked = Command::new("redis-cli")
            .args(["--tls", "--cacert", &self.certificate(), "-p"])
            .args([&self.port.to_string(), "DBSIZE"])
            .output();
        let output = asked.await.expect("redis-cli starts");
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    }
}

#[tokio::test]
async fn a_cache_behind_tls_is_used_when_its_certificate_is_trusted_and_only_then() {
    let (server, keys, redis) = (database().await, Keys::new(), Redis::start());
    let mut settings = settings(&server, &keys);
    assert_eq!(run("migrate", &settings).await.0, Some(0));
    settings.insert("WALLET_REDIS_URL", redis.url());
    eventually("Redis", async || redis.wallets().await).await;

    let (stranger, _log, url) = serve(&settings).await;
    create_wallet(&url, &keys, "before").await;
    eventually("a failure of the cache", async || {
        let text = answer(client().get(format!("{url}/metrics"))).await.text;
        let line = text.lines().find(|line| line.starts_with("wallet_cache_failures"))?;
        line.rsplit(' ').next()?.parse::<f64>().ok().filter(|count| *count > 0.0)
    })
    .await;
    assert_eq!(redis.wallets().await, Some(0), "nothing was told to somebody unknown");
    drop(stranger);

    settings.insert("SSL_CERT_FILE", redis.certificate());
    let (_trusting, _log, url) = serve(&settings).await;
    create_wallet(&url, &keys, "after").await;
    let cached = async || redis.wallets().await.filter(|count| *count > 0);
    eventually("a cached wallet", cached).await;
}

/// Through a task that may still be waiting for its database.
async fn create_wallet(url: &str, keys: &Keys, key: &str) {
    let token = keys.token("ana", "wallet:read wallet:write");
    eventually("a new wallet", async || {
        let asked = client()
            .post(format!("{url}/api/v1/wallets"))
            .bearer_auth(&token)
            .header("Idempotency-Key", key)
            .json(&serde_json::json!({ "userId": "ana", "currency": "BRL" }));
        let got = answer(asked).await;
        assert!(got.status.as_u16() == 201 || got.status.is_server_error(), "{got:?}");
        got.status.is_success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn brokers_with_a_login_are_configured_or_named() {
    let (server, keys) = (database().await, Keys::new());
    let login = |settings: &mut Settings, file: &Path| {
        settings.insert("WALLET_KAFKA_USERNAME", "wallet".to_owned());
        settings.insert("WALLET_KAFKA_PASSWORD", "hunter2".to_owned());
        settings.insert("WALLET_KAFKA_CA_FILE", file.display().to_string());
    };
    let mut settings = settings(&server, &keys);
    login(&mut settings, Path::new("/nowhere/ca.pem"));
    let (code, text) = run("serve", &settings).await;
    assert_eq!(code, Some(64), "{text}");
    assert!(text.contains("/nowhere/ca.pem") && !text.contains("hunter2"), "{text}");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("ca.pem");
    let names = vec!["broker".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
    std::fs::write(&file, own.cert.pem()).expect("writing a PEM file");
    login(&mut settings, &file);
    let (_child, _log, url) = serve(&settings).await;
    assert_eq!(answer(client().get(format!("{url}/healthz"))).await.status, 200);
}
