//! Wallets in Redis. The only module that names `redis`; all of it may be lost at any moment.
//!
//! A value is put only after its commit, and only over an older version, so that no order of
//! arrival can make the cache go back. Nothing waits for a put and none fails a write: what does
//! not fit the queue is dropped, and what is then too old for a reader's `minVersion` is not used.
//! Every value ends by itself after [`TTL_SECONDS`].

use crate::ledger::limit::{Limits, Usage};
use crate::ledger::money::Currency;
use crate::ledger::wallet::{Kind, Status, Wallet};
use crate::vital::or_abort;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo, RedisError, Script};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// How long a wallet that nobody changes stays cached, and so how old a balance can be at most that
/// is read without `minVersion`.
const TTL_SECONDS: u64 = 30;

/// Puts that may wait. One is a batch of at most some hundred wallets.
const QUEUE_MAX: usize = 256;

/// Most wallets in one put: two full batches.
const PUT_MAX: usize = 400;

/// A cache that takes longer is slower than the database that it spares.
const ANSWER_MAX: Duration = Duration::from_millis(50);

/// After a failure Redis is left alone for so long, and reads go to the database at once.
const REST_MS: i64 = 500;

/// Puts values whose version is not older than what is there.
const SET_IF_NEWER: &str = r"
for i = 1, #KEYS do
  local old = redis.call('GET', KEYS[i])
  local version = tonumber(ARGV[2 * i])
  if not old or tonumber(string.match(old, '^%d+')) <= version then
    redis.call('SET', KEYS[i], ARGV[2 * i + 1], 'EX', ARGV[1])
  end
end";

/// Why the cache could not start.
#[derive(Debug, thiserror::Error)]
#[error("reading the Redis URL")]
pub struct CacheError(#[source] RedisError);

/// A wallet, and the instant in microseconds since 1970 that it is known to hold for.
pub type Known = (Wallet, i64);

/// What the metrics show. They only grow.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) failures: AtomicU64,
}

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    connection: ConnectionManager,
    queue: mpsc::Sender<Vec<Known>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    meters: Meters,
    started: Instant,
    /// Milliseconds after `started` until which Redis is left alone.
    resting_until_ms: AtomicI64,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Cache {
    /// Starts the task that writes to Redis, which need not be there yet.
    ///
    /// # Errors
    ///
    /// When `url` is none.
    pub fn start(
        url: &str,
        tracker: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, CacheError> {
        // Without it small commands wait for the acknowledgement of the ones before.
        let tcp = TcpSettings::default().set_nodelay(true);
        let address = url.into_connection_info().map_err(CacheError)?.set_tcp_settings(tcp);
        let client = Client::open(address).map_err(CacheError)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_millis(500)))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let connection =
            ConnectionManager::new_lazy_with_config(client, config).map_err(CacheError)?;
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let shared = Arc::new(Shared {
            meters: Meters::default(),
            started: Instant::now(),
            resting_until_ms: AtomicI64::new(0),
        });
        let cache = Self { connection, queue: sender, shared };
        tracker.spawn(or_abort("writer of the cache", write(cache.clone(), queue, stop)));
        Ok(cache)
    }

    /// Puts `wallets` as soon as may be, or drops them.
    pub(crate) fn put(&self, wallets: Vec<Known>) {
        if wallets.is_empty() {
            return;
        }
        if self.is_resting() || self.queue.try_send(wallets).is_err() {
            self.shared.meters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is cached of each of `ids`, in their order.
    pub(crate) async fn get(&self, ids: &[Uuid]) -> Vec<Option<Known>> {
        let mut found = vec![None; ids.len()];
        if !self.is_resting() {
            let mut mget = redis::cmd("MGET");
            for id in ids {
                mget.arg(&key(*id)[..]);
            }
            let mut connection = self.connection.clone();
            let asking = mget.query_async::<Vec<Option<Vec<u8>>>>(&mut connection);
            match timeout(ANSWER_MAX, asking).await {
                Ok(Ok(values)) => {
                    for ((place, id), value) in found.iter_mut().zip(ids).zip(values) {
                        *place = value.and_then(|value| decode(*id, &value));
                    }
                }
                Ok(Err(error)) => self.rest(Some(&error)),
                Err(_) => self.rest(None),
            }
        }
        let hits = found.iter().filter(|value| value.is_some()).count();
        let count = |n: usize| u64::try_from(n).expect("a page of ids");
        self.shared.meters.hits.fetch_add(count(hits), Ordering::Relaxed);
        self.shared.meters.misses.fetch_add(count(ids.len() - hits), Ordering::Relaxed);
        found
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.shared.meters
    }

    fn is_resting(&self) -> bool {
        self.elapsed_ms() < self.shared.resting_until_ms.load(Ordering::Relaxed)
    }

    fn rest(&self, error: Option<&RedisError>) {
        self.shared.meters.failures.fetch_add(1, Ordering::Relaxed);
        self.shared.resting_until_ms.store(self.elapsed_ms() + REST_MS, Ordering::Relaxed);
        let chain = error.map(|error| error as &dyn std::error::Error);
        tracing::debug!(error = chain, "Redis does not answer; going on without it");
    }

    fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.shared.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

async fn write(cache: Cache, mut queue: mpsc::Receiver<Vec<Known>>, stop: CancellationToken) {
    let script = Script::new(SET_IF_NEWER);
    let mut connection = cache.connection.clone();
    loop {
        let mut known = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            known = queue.recv() => match known { Some(known) => known, None => break },
        };
        while known.len() < PUT_MAX
            && let Ok(more) = queue.try_recv()
        {
            known.extend(more);
        }
        if cache.is_resting() {
            cache.shared.meters.dropped.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let mut put = script.prepare_invoke();
        put.arg(TTL_SECONDS);
        for (wallet, as_of_us) in &known {
            put.key(&key(wallet.id)[..]).arg(wallet.version).arg(encode(wallet, *as_of_us));
        }
        match timeout(ANSWER_MAX * 10, put.invoke_async::<()>(&mut connection)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => cache.rest(Some(&error)),
            Err(_) => cache.rest(None),
        }
    }
}

/// `w:` and the id's bytes.
fn key(id: Uuid) -> [u8; 18] {
    let mut key = *b"w:0123456789abcdef";
    key[2..].copy_from_slice(id.as_bytes());
    key
}

/// The version comes first, for the script; the user last, because it is text.
fn encode(wallet: &Wallet, as_of_us: i64) -> String {
    let status = match wallet.status {
        Status::Active => 'A',
        Status::Frozen => 'F',
        Status::Closed => 'C',
    };
    format!(
        "{} {} {} {} {status} {} {} {as_of_us} {} {} {}",
        wallet.version,
        wallet.available,
        wallet.held,
        wallet.floor,
        wallet.currency,
        wallet.last_at_us,
        wallet.created_us,
        hex::encode(wallet.last_hash),
        wallet.user_id
    )
}

/// `None` for what another version of this service may have written.
fn decode(id: Uuid, value: &[u8]) -> Option<Known> {
    let mut fields = std::str::from_utf8(value).ok()?.splitn(11, ' ');
    let mut next = || fields.next();
    let version = next()?.parse().ok()?;
    let available = next()?.parse().ok()?;
    let held = next()?.parse().ok()?;
    let floor = next()?.parse().ok()?;
    let status = match next()? {
        "A" => Status::Active,
        "F" => Status::Frozen,
        "C" => Status::Closed,
        _ => return None,
    };
    let currency = Currency::from_code(next()?)?;
    let last_at_us = next()?.parse().ok()?;
    let as_of_us = next()?.parse().ok()?;
    let created_us = next()?.parse().ok()?;
    let mut last_hash = [0; 32];
    hex::decode_to_slice(next()?, &mut last_hash).ok()?;
    let user_id = next()?.into();
    let kind = Kind::Customer;
    let wallet = Wallet {
        id,
        user_id,
        currency,
        kind,
        status,
        available,
        held,
        floor,
        version,
        last_at_us,
        last_hash,
        created_us,
        limits: Limits::default(),
        usage: Usage::default(),
    };
    Some((wallet, as_of_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_comes_back_as_it_was_put() {
        let id = Uuid::from_u128(7);
        let mut wallet = Wallet::unopened(id, "a b@c.d", Currency::Jpy, Kind::Customer, 11);
        for status in [Status::Active, Status::Frozen, Status::Closed] {
            wallet =
                Wallet { status, available: 12, held: 3, version: 9, last_at_us: 13, ..wallet };
            wallet.last_hash[31] = 255;
            assert_eq!(
                decode(id, encode(&wallet, 14).as_bytes()),
                Some((wallet.clone(), 14)),
                "{status:?}"
            );
        }
        assert_eq!(decode(id, b"what is this"), None);
        assert_eq!(decode(id, b"\xff"), None);
    }

    #[tokio::test]
    async fn whatever_comes_in_which_order_the_newest_version_stays() {
        let redis = sandbox::data::redis::Server::start().await.expect("redis-server starts");
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let cache = Cache::start(&redis.url, &tracker, stop.clone()).expect("a URL");
        let id = Uuid::from_u128(7);
        let wallet = |version: u64| Wallet {
            version,
            available: 100,
            ..Wallet::unopened(id, "ana", Currency::Brl, Kind::Customer, 1)
        };
        // One put at a time, so that each is a script of its own.
        for version in [3, 9, 10, 8, 1] {
            cache.put(vec![(wallet(version), 1)]);
            let taken = async {
                while cache.queue.capacity() < QUEUE_MAX {
                    tokio::task::yield_now().await
                }
            };
            timeout(Duration::from_secs(30), taken).await.expect("the writer takes it");
        }
        // The writer's connection is the reader's too, and keeps their order.
        let deadline = Instant::now() + Duration::from_secs(30);
        let found = loop {
            let found = cache.get(&[id]).await.pop().flatten().map(|(wallet, _)| wallet.version);
            if found == Some(10) || Instant::now() > deadline {
                break found;
            }
        };
        assert_eq!(found, Some(10));
        stop.cancel();
        tracker.close();
        tracker.wait().await;
        assert_eq!(cache.get(&[id]).await[0].as_ref().map(|(wallet, _)| wallet.version), Some(10));
    }
}
