//! A small durable Kafka-protocol broker: what MSK is to the wallet, on one machine.
//!
//! One process is a cluster: each listener is a broker with its own id, and all share one store. It
//! exists because nothing else fits: librdkafka's mock forgets its log when it dies, and the other
//! small brokers lose acknowledged records or cannot talk to Debian's kcat. Acknowledged records,
//! committed offsets, producer epochs and transactions survive `kill -9`.
//!
//! What it is not: there is one copy of each log and no replication, so `acks` beyond 1 means
//! nothing more. No TLS, authentication, quotas or compaction; no static membership and no consumer
//! protocol of KIP-848; no offsets inside of transactions; no fetch sessions; timestamps are the
//! producer's; a lookup by time answers compressed batches with their first record. Batches of
//! format 2 only. Groups rejoin after a restart. Disk access blocks the thread, which is fine for
//! one core and a page cache.
//!
//! Bytes: `wire`, `shape`, `batch`. Rules, pure: `sequence`, `transaction`, `group`, `cluster`,
//! `catalogue`. Disk: `log`, `journal`. Shell: `broker`, `topics`, `producers`, `coordinator`,
//! `server`, `control`, `api`.

mod api;
mod batch;
mod broker;
mod catalogue;
mod cluster;
mod control;
mod coordinator;
mod group;
mod journal;
mod log;
mod producers;
mod sequence;
mod server;
mod shape;
mod topics;
mod transaction;
mod wire;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::info;

use broker::{Broker, Settings};
pub use control::{BrokerStatus, Manifest, Status, reboot, status};
use server::Node;

/// How often groups are told that time passes.
const GROUP_TICK: Duration = Duration::from_millis(50);
/// How often retention and transaction timeouts are looked at.
const UPKEEP_TICK: Duration = Duration::from_secs(1);
/// Brokers of one process.
const BROKERS_MAX: usize = 9;

/// What `sandbox kafkad` is told on its command line.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Folder of all records and the journal; created when absent.
    #[arg(long)]
    pub data: PathBuf,
    /// One broker per address, with ids from 1. Port 0 takes a free one.
    #[arg(long, value_delimiter = ',', required = true, value_name = "HOST:PORT")]
    pub listen: Vec<String>,
    /// Wait for the disk before acknowledging: survives the death of the machine too.
    #[arg(long)]
    pub fsync: bool,
    /// Partitions of topics whose creator does not say.
    #[arg(long, default_value_t = 12)]
    pub partitions: i32,
    /// Refuse to create a topic because somebody asked for it.
    #[arg(long)]
    pub no_auto_create: bool,
}

/// Serves until `shutdown`.
///
/// # Errors
/// The folder is in use or damaged, a port is taken, or the disk refuses.
pub async fn run(options: Options, shutdown: CancellationToken) -> anyhow::Result<()> {
    if !(1..=BROKERS_MAX).contains(&options.listen.len()) {
        bail!("between 1 and {BROKERS_MAX} addresses are listened on");
    }
    let _lock = lock(&options.data)?;
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for address in &options.listen {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("listening on {address}"))?;
        let (host, _) = address.rsplit_once(':').context("an address is HOST:PORT")?;
        addresses.push((host.to_owned(), listener.local_addr()?.port()));
        listeners.push(listener);
    }
    let settings = Settings {
        folder: options.data.clone(),
        fsync: options.fsync,
        partitions: options.partitions,
        auto_create: !options.no_auto_create,
    };
    let broker = Broker::open(settings, addresses.clone(), Arc::new(wall_clock_ms))?;
    let broker = Arc::new(broker);
    let door = TcpListener::bind("127.0.0.1:0").await.context("opening the operator's door")?;
    let manifest = Manifest {
        pid: std::process::id(),
        control: door.local_addr()?.to_string(),
        brokers: addresses.iter().map(|(host, port)| format!("{host}:{port}")).collect(),
    };
    let mut tasks = JoinSet::new();
    let mut reboots = Vec::new();
    for (at, listener) in listeners.into_iter().enumerate() {
        // One reboot may wait while another is under way.
        let (sender, receiver) = mpsc::channel(1);
        reboots.push(sender);
        let (broker, shutdown) = (Arc::clone(&broker), shutdown.clone());
        tasks.spawn(Node { broker, at, reboots: receiver, shutdown }.run(listener));
    }
    manifest.write(&options.data)?;
    info!(brokers = ?manifest.brokers, control = manifest.control, "serving Kafka");
    let upkeep = upkeep(&broker);
    let door = control::Door { broker: Arc::clone(&broker), reboots }.run(door);
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = upkeep => {}
        () = door => {}
        // A broker that cannot go on takes the process down.
        Some(ended) = tasks.join_next() => ended.context("a broker panicked")??,
    }
    shutdown.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.context("a broker panicked")??;
    }
    std::fs::remove_file(Manifest::path(&options.data)).context("removing the manifest")
}

/// Takes the folder for this process alone; released when the process ends, however it ends.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let creating = || format!("creating {}", folder.display());
    std::fs::create_dir_all(folder).with_context(creating)?;
    let file = File::create(folder.join("lock")).with_context(creating)?;
    file.try_lock().with_context(|| format!("{} is used by another process", folder.display()))?;
    // The one who was killed could not remove it, and readers must not find his ports.
    let stale = Manifest::path(folder);
    if stale.exists() {
        std::fs::remove_file(&stale).context("removing the manifest of an earlier process")?;
    }
    Ok(file)
}

async fn upkeep(broker: &Broker) {
    let mut groups = interval(GROUP_TICK);
    groups.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut upkeep = interval(UPKEEP_TICK);
    upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = groups.tick() => broker.groups.tick(),
            _ = upkeep.tick() => {
                broker.expire_transactions();
                broker.retain();
            }
        }
    }
}

/// The one clock of the broker, for retention, markers and transaction timeouts.
#[expect(clippy::disallowed_methods, reason = "the edge: everything else takes it as a value")]
fn wall_clock_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Locks; nothing that holds one of these locks panics on purpose, so a poisoned one is a bug.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().expect("nobody panics while holding a lock")
}

fn hold_to_read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().expect("nobody panics while holding a lock")
}

fn hold_to_write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().expect("nobody panics while holding a lock")
}
