//! The keys of a region: a signing key, the public half as the wallet reads it, and a token.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Who signs tokens here.
pub(super) const ISSUER: &str = "https://issuer.wallet.local";
/// Whom they are for.
pub(super) const AUDIENCE: &str = "wallet";

/// Id of the one key, and the stem of its file's name.
const KEY_ID: &str = "signing";

/// The canary of `control` uses it for as long as a region may stand.
const TOKEN_DAYS: i64 = 30;

/// Where the keys are.
pub(super) struct Keys {
    pub(super) signing_key_file: PathBuf,
    pub(super) jwks_file: PathBuf,
    pub(super) operator_token_file: PathBuf,
}

/// Makes fresh keys in `dir`, readable by this account only.
///
/// # Errors
///
/// The file system refuses.
pub(super) fn generate(dir: &Path, now: DateTime<Utc>) -> anyhow::Result<Keys> {
    let key = loop {
        // Fails for zero and for what is beyond the curve's order: once in 2^32.
        if let Ok(key) = SigningKey::from_slice(&rand::random::<[u8; 32]>()) {
            break key;
        }
    };
    let keys = Keys {
        signing_key_file: dir.join(format!("{KEY_ID}.pem")),
        jwks_file: dir.join("jwks.json"),
        operator_token_file: dir.join("operator.token"),
    };
    let pem = key.to_pkcs8_pem(LineEnding::LF).context("encoding the signing key")?;
    let files = [
        (&keys.signing_key_file, pem.to_string()),
        (&keys.jwks_file, public(&key).to_string()),
        (&keys.operator_token_file, token(&key, now)),
    ];
    std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    for (path, text) in files {
        super::secret(path, &text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(keys)
}

/// The JWK set with the public half.
fn public(key: &SigningKey) -> Value {
    let point = key.verifying_key().to_encoded_point(false);
    let coordinate = |bytes: Option<&p256::FieldBytes>| bytes.map(|b| URL_SAFE_NO_PAD.encode(b));
    json!({ "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "kid": KEY_ID,
        "x": coordinate(point.x()),
        "y": coordinate(point.y()),
    }] })
}

/// The operator's token: every scope, for the canary and for people.
fn token(key: &SigningKey, now: DateTime<Utc>) -> String {
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": KEY_ID });
    let claims = json!({
        "sub": "operator",
        "scope": "wallet:read wallet:write wallet:admin",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now.timestamp(),
        "exp": (now + TimeDelta::days(TOKEN_DAYS)).timestamp(),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature: Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;

    #[test]
    fn the_token_is_signed_by_the_key_that_the_set_shows() {
        let dir = tempfile::tempdir().unwrap();
        let keys = generate(dir.path(), DateTime::UNIX_EPOCH).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let set: Value = serde_json::from_str(&read(&keys.jwks_file)).unwrap();
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let coordinate = |name: &str| decode(set["keys"][0][name].as_str().unwrap());
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let public = VerifyingKey::from_sec1_bytes(&point).unwrap();
        let token = read(&keys.operator_token_file);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = Signature::from_slice(&decode(signature)).unwrap();
        public.verify(signed.as_bytes(), &signature).unwrap();
        let claims: Value =
            serde_json::from_slice(&decode(signed.split('.').nth(1).unwrap())).unwrap();
        assert_eq!(claims["exp"], 30 * 86_400);
        assert!(read(&keys.signing_key_file).starts_with("-----BEGIN PRIVATE KEY-----"));
    }
}
