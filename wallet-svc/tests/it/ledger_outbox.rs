//! Everything committed is published, in each wallet's order, whoever dies meanwhile.

use crate::ledger_world::{PATIENCE, World, payment, submit, wallet_with};
use futures::future::join_all;
use protocol::event::WalletEvent;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use sandbox::kafka;
use sqlx::{Connection, Row};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wallet_svc::ledger::command::{Actor, Command};
use wallet_svc::relay;
use wallet_svc::store::Ledger;

const TOPIC: &str = "wallet.events";
const PARTITIONS: i32 = 6;

/// Three Kafka brokers in this process, with records that survive a restart.
struct Brokers {
    folder: TempDir,
    listen: Vec<String>,
    stop: CancellationToken,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl Brokers {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let anywhere = vec!["127.0.0.1:0".to_owned(); 3];
        let (stop, serving) = serve(folder.path().to_owned(), anywhere);
        let mut brokers = Self { folder, listen: Vec::new(), stop, serving };
        let path = brokers.folder.path().to_owned();
        brokers.listen = until("the brokers serve", || {
            kafka::Manifest::read(&path).expect("a manifest").map(|manifest| manifest.brokers)
        })
        .await;
        brokers
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.serving).await.expect("no panic").expect("brokers end in order");
    }

    fn start_again(&mut self) {
        (self.stop, self.serving) = serve(self.folder.path().to_owned(), self.listen.clone());
    }

    fn addresses(&self) -> String {
        self.listen.join(",")
    }
}

fn serve(
    data: PathBuf,
    listen: Vec<String>,
) -> (CancellationToken, JoinHandle<anyhow::Result<()>>) {
    let stop = CancellationToken::new();
    let options = kafka::Options {
        data,
        listen,
        fsync: false,
        partitions: PARTITIONS,
        no_auto_create: false,
    };
    let tasks = tokio_util::task::TaskTracker::new();
    let serving = tasks.spawn(kafka::run(options, stop.clone()));
    (stop, serving)
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waiting until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Reads the topic from its beginning to its end.
fn consume(brokers: &str) -> Vec<WalletEvent> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "audit")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    let mut missing = 0;
    for partition in 0..PARTITIONS {
        partitions
            .add_partition_offset(TOPIC, partition, Offset::Beginning)
            .expect("a partition's place");
        let (low, high) =
            consumer.fetch_watermarks(TOPIC, partition, PATIENCE).expect("the partition's ends");
        missing += high - low;
    }
    consumer.assign(&partitions).expect("assigning");
    let mut events = Vec::new();
    while missing > 0 {
        let message = consumer.poll(PATIENCE).expect("a record in time").expect("a record");
        let event: WalletEvent =
            serde_json::from_slice(message.payload().expect("a payload")).expect("an event");
        let key = event.wallet_id.to_string();
        assert_eq!(message.key(), Some(key.as_bytes()), "the key is the wallet");
        events.push(event);
        missing -= 1;
    }
    events
}

/// As any consumer does it: what is not newer is dropped, and a skipped version is a hole.
fn without_repeats(events: Vec<WalletEvent>) -> BTreeMap<Uuid, Vec<WalletEvent>> {
    let mut wallets: BTreeMap<Uuid, Vec<WalletEvent>> = BTreeMap::new();
    for event in events {
        let seen = wallets.entry(event.wallet_id).or_default();
        let last = seen.last().map_or(0, |event| event.version);
        if event.version > last {
            assert_eq!(event.version, last + 1, "a hole in {}", event.wallet_id);
            seen.push(event);
        }
    }
    wallets
}

fn start_relay(world: &World, ledger: &Ledger, brokers: &Brokers) {
    let settings =
        relay::Settings { brokers: brokers.addresses(), topic: TOPIC.to_owned(), login: None };
    relay::start(ledger, settings, &world.tracker, world.stop.clone()).expect("good settings");
}

async fn markers(world: &World) -> i64 {
    let mut database = world.database().await;
    let row = sqlx::query("SELECT COUNT(*) FROM outbox").fetch_one(&mut database).await;
    let count = row.expect("counting markers").get(0);
    database.close().await.expect("closing");
    count
}

async fn until_published(world: &World) {
    let deadline = Instant::now() + PATIENCE;
    while markers(world).await > 0 {
        assert!(Instant::now() < deadline, "the outbox does not become empty");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Ends the session of whoever holds the right to publish.
async fn cut_the_publisher(world: &World) {
    let mut admin = world.server.admin().await.expect("connecting");
    let holder = sqlx::query("SELECT IS_USED_LOCK('wallet.relay')").fetch_one(&mut admin).await;
    if let Some(session) = holder.expect("asking for the lock").get::<Option<i64>, _>(0) {
        // It may have ended by itself.
        let _gone = sqlx::raw_sql(&format!("KILL {session}")).execute(&mut admin).await;
    }
}

async fn pay(ledger: Ledger, wallets: Vec<Uuid>, writer: usize, turns: std::ops::Range<usize>) {
    for turn in turns {
        let (from, to) = (wallets[(writer + turn) % 5], wallets[(writer * 2 + turn + 1) % 5]);
        let key = format!("{writer} {turn}");
        let command = match turn % 3 {
            0 => Command::deposit(from, Actor::Admin, &key, payment("2")),
            1 => Command::withdraw(from, Actor::Admin, &key, payment("1")),
            _ => Command::transfer(from, to, Actor::Admin, &key, payment("0.01")),
        };
        submit(&ledger, command).await.expect("an answer");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_and_two_relays_lose_and_reorder_nothing() {
    let world = World::start().await;
    let mut brokers = Brokers::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    for ledger in &tasks {
        start_relay(&world, ledger, &brokers);
    }
    let mut wallets = Vec::new();
    for user in ["ana", "bia", "caio", "duda", "edu"] {
        wallets.push(wallet_with(&tasks[0], user, "1000").await);
    }
    let writers =
        |turns: std::ops::Range<usize>| {
            join_all((0..8).map(|writer| {
                pay(tasks[writer % 2].clone(), wallets.clone(), writer, turns.clone())
            }))
        };
    tokio::join!(writers(0..40), async {
        let published = || tasks.iter().map(|ledger| ledger.stats().published).sum::<u64>();
        for cut in 1..=4 {
            until("events are published", || (published() > cut * 25).then_some(())).await;
            cut_the_publisher(&world).await;
        }
    });
    // The brokers die while there is work, and come back with what they acknowledged.
    tokio::join!(writers(40..60), brokers.stop());
    assert!(markers(&world).await > 0, "nobody took what nobody acknowledged");
    writers(60..70).await;
    brokers.start_again();
    until_published(&world).await;

    let addresses = brokers.addresses();
    let events = tokio::task::spawn_blocking(move || consume(&addresses)).await.expect("no panic");
    let published = without_repeats(events);
    let mut database = world.database().await;
    let rows = sqlx::query(
        "SELECT wallet_id, version, amount, available_after, CONCAT(batch_id, ':', idx) FROM entry \
         WHERE kind <> 5 ORDER BY wallet_id, version",
    )
    .fetch_all(&mut database)
    .await
    .expect("reading entries");
    let entries: Vec<_> = rows
        .iter()
        .map(|row| {
            let id: Vec<u8> = row.get(0);
            let id = Uuid::from_slice(&id).expect("16 bytes");
            (id, row.get::<i64, _>(1), row.get(2), row.get(3), row.get::<String, _>(4))
        })
        .collect();
    let events: Vec<_> = published
        .into_values()
        .flatten()
        .map(|event| {
            let version = i64::try_from(event.version).expect("a version");
            let after = event.available_after_minor;
            (event.wallet_id, version, event.amount_minor, after, event.event_id)
        })
        .collect();
    assert!(entries.len() > 500);
    assert_eq!(events, entries);
    world.finish().await;
    brokers.stop().await;
}

/// A task that is told to stop publishes what its lanes have committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_stops_leaves_nothing_unpublished() {
    let world = World::start().await;
    let mut brokers = Brokers::start().await;
    let ledger = world.ledger("one").await;
    start_relay(&world, &ledger, &brokers);
    let id = wallet_with(&ledger, "ana", "1000").await;
    until_published(&world).await;
    let command = Command::withdraw(id, Actor::Admin, "last", payment("1"));
    submit(&ledger, command).await.expect("an answer");
    world.stop.cancel();
    world.tracker.close();
    tokio::time::timeout(PATIENCE, world.tracker.wait()).await.expect("all tasks end");
    assert_eq!(markers(&world).await, 0);
    world.finish().await;
    brokers.stop().await;
}
