//! The keys that tokens are verified with: a JWK set in a file, which may be rotated while we run.
//!
//! A key's algorithm is fixed by the key, and only asymmetric ones are taken: with a shared secret
//! whoever can verify could also forge. A file that became unreadable changes nothing.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

/// Unknown key ids make us read the file, at most this often, so that invented ids cost nothing.
const REREAD_PERIOD: Duration = Duration::from_secs(10);

/// A key, and the one algorithm that it may be used with.
#[derive(Debug)]
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("reading the key file {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("reading {path} as a JWK set")]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{path} holds no key with a `kid` and an algorithm of ES256, ES384, EdDSA or RS256")]
    Empty { path: PathBuf },
}

type Keys = BTreeMap<String, Arc<VerifyingKey>>;

/// The trusted keys by their id.
#[derive(Debug)]
pub(super) struct KeyRing {
    path: PathBuf,
    ring: RwLock<Ring>,
    /// When the file was last read for an unknown id. Held while reading it: one reader at a time.
    reread_at: Mutex<Option<Instant>>,
}

/// The keys, and the bytes they came from.
#[derive(Debug)]
struct Ring {
    keys: Keys,
    text: Vec<u8>,
}

impl KeyRing {
    /// Reads the file once.
    pub(super) fn open(path: &Path) -> Result<Self, KeysError> {
        let text = std::fs::read(path)
            .map_err(|source| KeysError::Read { path: path.to_owned(), source })?;
        let keys = parse(&text, path)?;
        let ring = RwLock::new(Ring { keys, text });
        Ok(Self { path: path.to_owned(), ring, reread_at: Mutex::new(None) })
    }

    /// The key that is called `kid`.
    pub(super) fn find(&self, kid: &str) -> Option<Arc<VerifyingKey>> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).keys.get(kid).cloned()
    }

    /// Reads the file again if that was not done just now. Who waits here for another one's
    /// reading need not read. True when its text is another one than before.
    pub(super) async fn refresh_if_due(&self) -> bool {
        let mut reread_at = self.reread_at.lock().await;
        if reread_at.is_some_and(|at| at.elapsed() < REREAD_PERIOD) {
            return false;
        }
        let changed = self.refresh().await;
        *reread_at = Some(Instant::now());
        changed
    }

    /// Reads the file again. True when its text is another one than before.
    pub(super) async fn refresh(&self) -> bool {
        match self.reread().await {
            Ok(changed) => changed,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "kept the old token keys: the key file cannot be used");
                false
            }
        }
    }

    async fn reread(&self) -> Result<bool, KeysError> {
        let text = tokio::fs::read(&self.path)
            .await
            .map_err(|source| KeysError::Read { path: self.path.clone(), source })?;
        let known = |ring: &Ring| ring.text == text;
        if known(&self.ring.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(false);
        }
        let keys = parse(&text, &self.path)?;
        tracing::info!(keys = keys.len(), "read {} token keys", keys.len());
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Ring { keys, text };
        Ok(true)
    }
}

fn parse(text: &[u8], path: &Path) -> Result<Keys, KeysError> {
    let set: JwkSet = serde_json::from_slice(text)
        .map_err(|source| KeysError::Parse { path: path.to_owned(), source })?;
    let keys: Keys = set.keys.iter().filter_map(verifying_key).collect();
    if keys.is_empty() { Err(KeysError::Empty { path: path.to_owned() }) } else { Ok(keys) }
}

/// The key with its id, or nothing when it must not or cannot verify tokens.
fn verifying_key(jwk: &Jwk) -> Option<(String, Arc<VerifyingKey>)> {
    let kid = jwk.common.key_id.clone()?;
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let algorithm = algorithm(jwk).filter(|_| for_signatures)?;
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((kid, Arc::new(VerifyingKey { key, algorithm })))
}

/// What the key's kind asks for, if the key does not say otherwise.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let by_kind = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => (Algorithm::ES256, KeyAlgorithm::ES256),
            EllipticCurve::P384 => (Algorithm::ES384, KeyAlgorithm::ES384),
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(_) => (Algorithm::EdDSA, KeyAlgorithm::EdDSA),
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        _ => return None,
    };
    let said = jwk.common.key_algorithm.unwrap_or(by_kind.1);
    (said == by_kind.1).then_some(by_kind.0)
}
