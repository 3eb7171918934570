//! Which tokens are believed, and for how long.

use super::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::{
    ecdsa::SigningKey,
    pkcs8::{EncodePrivateKey, LineEnding},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://issuer.test";

/// A signing key that is made from one byte, so that every run has the same ones.
struct TestKey {
    kid: &'static str,
    key: SigningKey,
}

impl TestKey {
    fn new(kid: &'static str, seed: u8) -> Self {
        Self { kid, key: SigningKey::from_slice(&[seed; 32]).unwrap() }
    }

    fn jwk(&self) -> Value {
        let point = self.key.verifying_key().to_encoded_point(false);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = (point.x().expect("not infinity"), point.y().expect("not compressed"));
        json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "x": text(x), "y": text(y)})
    }

    fn sign(&self, claims: &Value) -> String {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF).unwrap();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.to_owned());
        encode(&header, claims, &EncodingKey::from_ec_pem(pem.as_bytes()).unwrap()).unwrap()
    }
}

fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "sub": "ana", "scope": "wallet:read wallet:write", "iss": ISSUER, "aud": "wallet",
        "iat": NOW, "exp": NOW + 3_600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

struct Fixture {
    folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
    auth: Authenticator,
}

impl Fixture {
    fn new(keys: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_keys(folder.path(), keys);
        let now = Arc::new(AtomicI64::new(NOW));
        let config = AuthConfig {
            jwks_file: folder.path().join("jwks.json"),
            issuer: ISSUER.to_owned(),
            audience: "wallet".to_owned(),
        };
        let shown = now.clone();
        let clock = Clock::new(move || instant(shown.load(Ordering::Relaxed)));
        Self { folder, now, auth: Authenticator::open(&config, clock).unwrap() }
    }
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn write_keys(folder: &Path, keys: &[Value]) {
    std::fs::write(folder.join("jwks.json"), json!({ "keys": keys }).to_string()).unwrap();
}

#[tokio::test]
async fn a_token_is_believed_when_everything_in_it_is_right() {
    use AuthError as E;
    let key = TestKey::new("k1", 1);
    let fixture = Fixture::new(&[key.jwk()]);
    #[rustfmt::skip]
    let table = [
        (json!({}),                                   Ok(())),
        (json!({"aud": ["other", "wallet"]}),         Ok(())),
        (json!({"exp": NOW - 29}),                    Ok(())),
        (json!({"exp": NOW - 30}),                    Err(E::Expired)),
        (json!({"exp": 0}),                           Err(E::Expired)),
        (json!({"exp": Value::Null}),                 Err(E::Malformed)),
        (json!({"nbf": NOW + 30}),                    Ok(())),
        (json!({"nbf": NOW + 31}),                    Err(E::NotYetValid)),
        (json!({"iss": "https://other.test"}),        Err(E::Foreign)),
        (json!({"iss": Value::Null}),                 Err(E::Malformed)),
        (json!({"aud": "bank"}),                      Err(E::Foreign)),
        (json!({"sub": ""}),                          Err(E::Malformed)),
        (json!({"sub": Value::Null}),                 Err(E::Malformed)),
    ];
    for (changes, want) in table {
        let token = key.sign(&claims(changes.clone()));
        // The second time the answer comes from memory.
        for time in ["first", "second"] {
            let got = fixture.auth.recognise(&token).await.map(|_| ());
            assert_eq!(got, want, "{changes} the {time} time");
        }
    }
}

#[tokio::test]
async fn a_token_of_another_make_is_not_believed() {
    let (key, stranger) = (TestKey::new("k1", 1), TestKey::new("k1", 2));
    let fixture = Fixture::new(&[key.jwk()]);
    let good = key.sign(&claims(json!({})));
    let parts: Vec<_> = good.split('.').collect();
    let hmac = |alg| {
        let mut header = Header::new(alg);
        header.kid = Some("k1".to_owned());
        let secret = EncodingKey::from_secret(key.jwk()["x"].as_str().unwrap().as_bytes());
        encode(&header, &claims(json!({})), &secret).unwrap()
    };
    let mut other_kid = TestKey::new("k2", 1);
    let table = [
        (String::new(), AuthError::Malformed),
        ("abc".to_owned(), AuthError::Malformed),
        ("a.b.c".to_owned(), AuthError::Malformed),
        ("x".repeat(TOKEN_BYTES_MAX + 1), AuthError::Malformed),
        (stranger.sign(&claims(json!({}))), AuthError::Signature),
        (format!("{}.{}.", parts[0], parts[1]), AuthError::Signature),
        (hmac(Algorithm::HS256), AuthError::UnknownKey),
        (other_kid.sign(&claims(json!({}))), AuthError::UnknownKey),
        // {"alg":"none","kid":"k1"}
        (format!("eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.{}.", parts[1]), AuthError::Malformed),
    ];
    for (token, want) in table {
        assert_eq!(fixture.auth.recognise(&token).await, Err(want), "{token}");
    }
    other_kid.kid = "k1";
    assert!(fixture.auth.recognise(&other_kid.sign(&claims(json!({})))).await.is_ok());
}

#[tokio::test]
async fn a_remembered_token_dies_when_it_expires() {
    let key = TestKey::new("k1", 1);
    let fixture = Fixture::new(&[key.jwk()]);
    let token = key.sign(&claims(json!({"exp": NOW + 60})));
    assert!(fixture.auth.recognise(&token).await.is_ok());
    fixture.now.store(NOW + 89, Ordering::Relaxed);
    assert!(fixture.auth.recognise(&token).await.is_ok());
    fixture.now.store(NOW + 90, Ordering::Relaxed);
    assert_eq!(fixture.auth.recognise(&token).await, Err(AuthError::Expired));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_and_a_removed_one_forgotten() {
    let (old, new) = (TestKey::new("old", 1), TestKey::new("new", 2));
    let fixture = Fixture::new(&[old.jwk()]);
    let (of_old, of_new) = (old.sign(&claims(json!({}))), new.sign(&claims(json!({}))));
    assert!(fixture.auth.recognise(&of_old).await.is_ok());
    assert_eq!(fixture.auth.recognise(&of_new).await, Err(AuthError::UnknownKey));

    write_keys(fixture.folder.path(), &[new.jwk()]);
    let soon = fixture.auth.recognise(&of_new).await;
    assert_eq!(soon, Err(AuthError::UnknownKey), "the file was read just before");
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    assert!(fixture.auth.recognise(&of_new).await.is_ok());
    assert_eq!(fixture.auth.recognise(&of_old).await, Err(AuthError::UnknownKey));

    std::fs::write(fixture.folder.path().join("jwks.json"), "{").unwrap();
    fixture.auth.refresh().await;
    assert!(fixture.auth.recognise(&of_new).await.is_ok(), "a spoiled file changes nothing");
}

#[test]
fn a_key_file_without_a_usable_key_is_refused() {
    let usable = TestKey::new("k1", 1).jwk();
    let with = |name: &str, value: Value| {
        let mut jwk = usable.clone();
        jwk[name] = value;
        jwk
    };
    let secret = json!({"kty": "oct", "kid": "s", "k": "c2VjcmV0"});
    let table = [
        (json!({"keys": [usable.clone()]}), true),
        (json!({"keys": [secret.clone(), usable.clone()]}), true),
        (json!({"keys": [with("alg", json!("ES256")), with("use", json!("sig"))]}), true),
        (json!({"keys": []}), false),
        (json!({"keys": [secret]}), false),
        (json!({"keys": [with("kid", Value::Null)]}), false),
        (json!({"keys": [with("use", json!("enc"))]}), false),
        (json!({"keys": [with("alg", json!("HS256"))]}), false),
        (json!([]), false),
    ];
    for (file, want) in table {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        std::fs::write(&path, file.to_string()).unwrap();
        let opened = KeyRing::open(&path);
        assert_eq!(opened.is_ok(), want, "{file}: {opened:?}");
    }
}

#[tokio::test]
async fn scopes_are_whole_words_and_the_admins_includes_the_others() {
    let key = TestKey::new("k1", 1);
    let fixture = Fixture::new(&[key.jwk()]);
    let table = [
        ("wallet:read", [true, false, false]),
        ("wallet:write", [false, true, false]),
        ("openid wallet:read  wallet:write", [true, true, false]),
        ("wallet:admin", [true, true, true]),
        ("wallet:reader xwallet:write wallet", [false, false, false]),
        ("", [false, false, false]),
    ];
    for (scope, want) in table {
        let token = key.sign(&claims(json!({ "scope": scope })));
        let caller = fixture.auth.recognise(&token).await.unwrap();
        let may = [Scope::Read, Scope::Write, Scope::Admin].map(|scope| caller.may(scope));
        assert_eq!(may, want, "{scope}");
    }
}
