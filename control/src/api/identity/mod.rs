//! People who signed in with an identity provider: OIDC bearer tokens (JWT), as an option beside
//! the tokens file.
//!
//! The provider says who somebody is, whether a second factor was asked for, and which groups
//! they are in; our file says what those groups may do. Only asymmetric algorithms are taken, and
//! the time is our own clock's. Nothing here knows HTTP requests.

mod claims;
mod file;
mod keys;

pub use file::{Policy, SecondFactor, read};

use super::{access::Caller, error::Error};
use chrono::{DateTime, Utc};
use claims::{Denied, admit};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use keys::{Keys, Unavailable};
use serde_json::{Map, Value};

/// Longer ones are refused unread; a token with many groups has some 4 KiB.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// With a shared secret whoever can verify could also forge, so there is none among these.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// An identity provider that we trust.
#[derive(Debug)]
pub struct Identities {
    policy: Policy,
    keys: Keys,
}

impl Identities {
    /// Trusts the provider of a policy. Its keys are fetched when the first token comes.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be made.
    pub fn new(policy: Policy) -> Result<Self, reqwest::Error> {
        Ok(Self { keys: Keys::new(policy.keys.clone())?, policy })
    }

    /// Whoever this token proves to be.
    ///
    /// # Errors
    ///
    /// Why it proves nothing, in words for its bearer.
    pub(super) async fn recognise(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, Error> {
        let claims = self.verify(token, now).await?;
        admit(&self.policy, &claims, now).map_err(|denied| match denied {
            Denied::NoRole { .. } => Error::NoRole { why: denied.to_string() },
            denied => Error::Token { why: denied.to_string() },
        })
    }

    /// The claims of a token that was signed with one of the provider's keys.
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Map<String, Value>, Error> {
        let refuse = |why: &str| Error::Token { why: why.to_owned() };
        if token.len() > TOKEN_BYTES_MAX {
            return Err(refuse("the token is too long to be one"));
        }
        // A header that names `none`, or nothing that is known, cannot be read.
        let header = decode_header(token).map_err(|_| refuse("the token is no JWT"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refuse("the token is signed with an algorithm that is not accepted"));
        }
        let kid = header.kid.ok_or_else(|| refuse("the token does not name its key"))?;
        let key = match self.keys.find(&kid, now).await {
            Ok(Some(key)) => key,
            Ok(None) => return Err(refuse("the token is signed with a key that is not known")),
            Err(Unavailable) => return Err(Error::NoKeys),
        };
        if key.algorithm.is_some_and(|algorithm| algorithm != header.alg) {
            return Err(refuse("the token's key is for another algorithm"));
        }
        let claims = decode(token, &key.key, &signature_only(header.alg));
        Ok(claims.map_err(|_| refuse("the token's signature is wrong"))?.claims)
    }
}

/// The library would ask the system's clock; the claims are checked against ours afterwards.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}
