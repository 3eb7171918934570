//! Bearer tokens of invented users, signed with the environment's test key.

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use std::path::Path;

/// Signs tokens; never used where an identity provider does.
pub struct Signer {
    key: EncodingKey,
    header: Header,
    issuer: String,
    audience: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    scope: &'a str,
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl Signer {
    /// Reads an ES256 private key in PEM; its key id is the file's stem.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not such a key.
    pub fn open(path: &Path, issuer: &str, audience: &str) -> anyhow::Result<Self> {
        let pem = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let key = EncodingKey::from_ec_pem(&pem)
            .with_context(|| format!("{} is not an EC private key in PEM", path.display()))?;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(Self { key, header, issuer: issuer.to_owned(), audience: audience.to_owned() })
    }

    /// A token for `user` with `scope`, valid from `now_s` (Unix seconds) for a day.
    ///
    /// # Errors
    ///
    /// The key refuses to sign.
    pub fn token(&self, user: &str, scope: &str, now_s: i64) -> anyhow::Result<String> {
        let claims = Claims {
            sub: user,
            scope,
            iss: &self.issuer,
            aud: &self.audience,
            iat: now_s,
            exp: now_s + 86_400,
        };
        encode(&self.header, &claims, &self.key).context("signing a token")
    }
}
