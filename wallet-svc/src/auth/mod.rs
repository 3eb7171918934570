//! Who asks, and what that one may do: bearer tokens (JWT) signed by the identity provider.
//!
//! Checking a signature costs more than a deposit, so a verified token is remembered by the hash
//! of its bytes until it expires. A remembered expired token is refused without a second check.
//! Nothing here knows HTTP: `http/caller.rs` turns a refusal into a 401.

mod keys;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;

use crate::{clock::Clock, config::AuthConfig, recent::Recent};
use chrono::TimeDelta;
use jsonwebtoken::{Validation, decode, decode_header, errors::ErrorKind};
pub use keys::KeysError;
use keys::{KeyRing, VerifyingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How far the issuer's clock and ours may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// About 300 bytes each: 30 MB at most.
const REMEMBERED_TOKENS_MAX: usize = 100_000;
/// Longer ones are refused unread; ours have about 400 bytes.
const TOKEN_BYTES_MAX: usize = 8_192;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Look at one's own wallets.
    Read,
    /// Move one's own money.
    Write,
    /// Both, on everybody's wallets.
    Admin,
}

impl Scope {
    /// The scope as tokens spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "wallet:read",
            Self::Write => "wallet:write",
            Self::Admin => "wallet:admin",
        }
    }
}

/// Somebody who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`.
    pub user: Arc<str>,
    scopes: Vec<Scope>,
    /// Unix seconds.
    expires_at_s: i64,
}

impl Caller {
    /// Whether the token carries `scope`. The admin's scope includes the others.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.is_admin()
    }

    /// Whether everybody's wallets are open to the caller.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.scopes.contains(&Scope::Admin)
    }
}

/// Why nobody was recognised. The text is safe to show to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("the request carries no bearer token")]
    Missing,
    #[error("the token is not a JWT that this service can read")]
    Malformed,
    #[error("the token is signed with a key or an algorithm that is not accepted")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is from another issuer or for another audience")]
    Foreign,
}

/// The claims that are read. `iss` and `aud` are checked by the decoder.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: String,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
}

/// Recognises callers by their tokens.
#[derive(Debug)]
pub struct Authenticator {
    keys: KeyRing,
    verified: Recent<[u8; 32], Arc<Caller>>,
    issuer: String,
    audience: String,
    clock: Clock,
}

impl Authenticator {
    /// Reads the key file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no JWK set, or holds no key that can verify.
    pub fn open(config: &AuthConfig, clock: Clock) -> Result<Self, KeysError> {
        Ok(Self {
            keys: KeyRing::open(&config.jwks_file)?,
            verified: Recent::new(REMEMBERED_TOKENS_MAX),
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            clock,
        })
    }

    /// Recognises the bearer of `token`.
    ///
    /// # Errors
    ///
    /// Why the token proves nothing.
    pub async fn recognise(&self, token: &str) -> Result<Arc<Caller>, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Malformed);
        }
        let fingerprint = Sha256::digest(token).into();
        let caller = match self.verified.get(&fingerprint) {
            Some(caller) => caller,
            None => {
                let caller = Arc::new(self.verify(token).await?);
                self.verified.insert(fingerprint, caller.clone());
                caller
            }
        };
        if self.unix_seconds() >= caller.expires_at_s.saturating_add(LEEWAY.num_seconds()) {
            return Err(AuthError::Expired);
        }
        Ok(caller)
    }

    /// Reads the key file again, so that a key taken out of it is no longer trusted.
    pub async fn refresh(&self) {
        if self.keys.refresh().await {
            self.verified.clear();
        }
    }

    /// The key that is called `kid`, if need be from the file as it is now.
    async fn key(&self, kid: &str) -> Option<Arc<VerifyingKey>> {
        if let Some(key) = self.keys.find(kid) {
            return Some(key);
        }
        if self.keys.refresh_if_due().await {
            self.verified.clear();
        }
        self.keys.find(kid)
    }

    async fn verify(&self, token: &str) -> Result<Caller, AuthError> {
        let header = decode_header(token).map_err(|_| AuthError::Malformed)?;
        let kid = header.kid.ok_or(AuthError::UnknownKey)?;
        let key = self.key(&kid).await.ok_or(AuthError::UnknownKey)?;
        let claims = decode::<Claims>(token, &key.key, &self.validation(&key))
            .map_err(|error| refusal(error.kind()))?
            .claims;
        let valid_from_s = claims.nbf.unwrap_or(i64::MIN).saturating_sub(LEEWAY.num_seconds());
        if self.unix_seconds() < valid_from_s {
            return Err(AuthError::NotYetValid);
        }
        if claims.sub.is_empty() {
            return Err(AuthError::Malformed);
        }
        let granted = |scope: &Scope| claims.scope.split(' ').any(|word| word == scope.name());
        let scopes = [Scope::Read, Scope::Write, Scope::Admin].into_iter().filter(granted);
        let (user, expires_at_s) = (claims.sub.as_str().into(), claims.exp);
        Ok(Caller { user, scopes: scopes.collect(), expires_at_s })
    }

    /// The key chooses the algorithm, never the token. Times are checked against our own clock.
    fn validation(&self, key: &VerifyingKey) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation
    }

    fn unix_seconds(&self) -> i64 {
        self.clock.now().timestamp()
    }
}

fn refusal(kind: &ErrorKind) -> AuthError {
    match kind {
        ErrorKind::InvalidSignature => AuthError::Signature,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => AuthError::Foreign,
        ErrorKind::InvalidAlgorithm => AuthError::UnknownKey,
        _ => AuthError::Malformed,
    }
}
