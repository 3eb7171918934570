//! Balances in Redis. The only module that names `redis`; all of it may be lost at any time.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Why the cache could not start.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("reading the Redis URL")]
    Url(#[source] redis::RedisError),
}

/// The cache. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cache;

impl Cache {
    /// Starts the task that writes to Redis; Redis need not be there yet.
    pub fn start(
        url: &str,
        tracker: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, CacheError> {
        todo!()
    }
}
