//! The provider's public keys: fetched from its URL, kept, and fetched again when it rotates them.

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::Mutex;

/// A fetch that takes longer is given up.
const FETCH_MAX: Duration = Duration::from_secs(5);
/// A set of keys has some 3 KiB.
const BYTES_MAX: usize = 256 * 1024;
/// Providers publish the key before last, the last and the next.
const KEYS_MAX: usize = 64;
/// Keys that are older are fetched again when one is asked for.
const FRESH: TimeDelta = TimeDelta::minutes(10);
/// Keys that could not be fetched again for this long are trusted no more.
const AGE_MAX: TimeDelta = TimeDelta::hours(24);
/// Invented key ids make us ask the provider at most this often.
const ASK_EVERY: TimeDelta = TimeDelta::seconds(10);

/// A key, and the algorithm that it is for if the provider says so.
#[derive(Debug)]
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Option<Algorithm>,
}

/// The keys have not been fetched, or for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unavailable;

/// Why the keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("fetching the identity provider's keys")]
    Call(#[from] reqwest::Error),
    #[error("the identity provider's keys are more than {BYTES_MAX} bytes")]
    TooLong,
    #[error("reading the identity provider's keys")]
    Parse(#[from] serde_json::Error),
    #[error("the identity provider publishes no key that can verify a signature")]
    Empty,
}

type Ring = BTreeMap<String, Arc<VerifyingKey>>;

/// The trusted keys by their id.
#[derive(Debug)]
pub(super) struct Keys {
    url: String,
    http: reqwest::Client,
    /// The newest keys and when they were fetched.
    ring: RwLock<Option<(Ring, DateTime<Utc>)>>,
    /// When the provider was last asked. Held while asking: one at a time.
    asked_at: Mutex<Option<DateTime<Utc>>>,
}

impl Keys {
    pub(super) fn new(url: String) -> Result<Self, reqwest::Error> {
        let http = crate::http::client(FETCH_MAX).build()?;
        Ok(Self { url, http, ring: RwLock::default(), asked_at: Mutex::default() })
    }

    /// The key that is called `kid`; `None` when the provider has none.
    pub(super) async fn find(
        &self,
        kid: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<VerifyingKey>>, Unavailable> {
        if let Some((Some(key), fetched_at)) = self.known(kid)
            && now - fetched_at < FRESH
        {
            return Ok(Some(key));
        }
        self.ask(now).await;
        match self.known(kid) {
            Some((key, fetched_at)) if now - fetched_at < AGE_MAX => Ok(key),
            _ => Err(Unavailable),
        }
    }

    fn known(&self, kid: &str) -> Option<(Option<Arc<VerifyingKey>>, DateTime<Utc>)> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.as_ref().map(|(keys, fetched_at)| (keys.get(kid).cloned(), *fetched_at))
    }

    /// Asks the provider, unless that was done just now. A failure changes nothing.
    async fn ask(&self, now: DateTime<Utc>) {
        let mut asked_at = self.asked_at.lock().await;
        if asked_at.is_some_and(|at| now - at < ASK_EVERY) {
            return;
        }
        *asked_at = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Some((keys, now));
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "kept the identity provider's old keys");
            }
        }
    }

    async fn fetch(&self) -> Result<Ring, FetchError> {
        let response = self.http.get(&self.url).send().await?.error_for_status()?;
        let mut chunks = response.bytes_stream();
        let mut text = Vec::new();
        while let Some(chunk) = chunks.next().await {
            text.extend_from_slice(&chunk?);
            if text.len() > BYTES_MAX {
                return Err(FetchError::TooLong);
            }
        }
        let set: JwkSet = serde_json::from_slice(&text)?;
        let keys: Ring = set.keys.iter().take(KEYS_MAX).filter_map(verifying_key).collect();
        if keys.is_empty() { Err(FetchError::Empty) } else { Ok(keys) }
    }
}

/// The key with its id, or nothing when it must not or cannot verify signatures.
fn verifying_key(jwk: &Jwk) -> Option<(String, Arc<VerifyingKey>)> {
    let kid = jwk.common.key_id.clone()?;
    let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let public = !matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_));
    if !signs || !public {
        return None;
    }
    let algorithm = match jwk.common.key_algorithm {
        Some(said) => Some(Algorithm::try_from(said).ok()?),
        None => None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((kid, Arc::new(VerifyingKey { key, algorithm })))
}
