//! The API over TLS: with a certificate made here, renewed while it serves.

use axum::{Router, routing::get};
use control::listen::{self, Certificates, TlsError};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Writes a new certificate for localhost and its key, and returns the certificate in PEM.
fn issue(folder: &Path) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.pem()
}

/// A client that trusts this certificate and no other.
fn client(pem: &str) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let client = control::http::client(Duration::from_secs(10));
    client.tls_certs_only([root]).build().unwrap()
}

#[tokio::test]
async fn it_answers_with_the_renewed_certificate_and_never_in_plain_text() {
    let folder = TempDir::new().unwrap();
    let first = issue(folder.path());
    let open =
        || Certificates::open(&folder.path().join("cert.pem"), &folder.path().join("key.pem"));
    let certificates = Arc::new(open().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (url, stop) = (format!("https://localhost:{port}/healthz"), CancellationToken::new());
    let tasks = TaskTracker::new();
    let router = Router::new().route("/healthz", get(|| async { "ok" }));
    tasks.spawn(listen::serve(listener, Some(certificates.clone()), router, stop.clone()));

    let before = client(&first);
    assert_eq!(before.get(&url).send().await.unwrap().text().await.unwrap(), "ok");
    let plain = before.get(format!("http://localhost:{port}/healthz")).send().await;
    assert!(plain.is_err(), "plain text is not answered");

    let second = issue(folder.path());
    certificates.reload().unwrap();
    assert_eq!(client(&second).get(&url).send().await.unwrap().status(), 200);
    assert!(client(&first).get(&url).send().await.is_err(), "the old one is not shown any more");

    fs::write(folder.path().join("cert.pem"), &first).unwrap();
    assert!(matches!(certificates.reload(), Err(TlsError::Pair { .. })), "not of one pair");
    assert_eq!(client(&second).get(&url).send().await.unwrap().status(), 200, "the good one stays");

    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_before_a_port_opens() {
    let folder = TempDir::new().unwrap();
    issue(folder.path());
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let none = folder.path().join("none.pem");
    assert!(matches!(Certificates::open(&empty, &key), Err(TlsError::Empty { .. })));
    assert!(matches!(Certificates::open(&none, &key), Err(TlsError::Certificate { .. })));
    assert!(matches!(Certificates::open(&cert, &none), Err(TlsError::Key { .. })));
    assert!(matches!(Certificates::open(&cert, &cert), Err(TlsError::Key { .. })));
}
