//! Redis makes balances cheaper and never wrong, and may go at any moment.

use crate::ledger_world::{PATIENCE, World, done, payment, submit, wallet_with};
use sandbox::data::redis::Server;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use wallet_svc::cache::Cache;
use wallet_svc::ledger::command::{Actor, Command};
use wallet_svc::store::{Balance, Ledger};

async fn cached_ledger(world: &World, redis: &Server) -> Ledger {
    let cache = Cache::start(&redis.url, &world.tracker, world.stop.clone()).expect("a URL");
    let settings = world.settings("one");
    let ledger = Ledger::start(&settings, Some(cache), &world.tracker, &world.stop);
    let ledger = ledger.expect("good settings");
    tokio::time::timeout(PATIENCE, ledger.writable()).await.expect("the probe finds the server");
    ledger
}

async fn balance(ledger: &Ledger, id: Uuid, min_version: Option<u64>) -> Balance {
    ledger.balance(id, min_version).await.expect("a read").expect("a wallet")
}

async fn until_hit(ledger: &Ledger, id: Uuid) {
    let (before, deadline) = (ledger.stats().cache_hits, Instant::now() + PATIENCE);
    while ledger.stats().cache_hits == before {
        assert!(Instant::now() < deadline, "the cache is never hit");
        balance(ledger, id, None).await;
        sleep(Duration::from_millis(5)).await;
    }
}

async fn command(redis: &Server, words: &[&[u8]]) -> redis::Value {
    let client = redis::Client::open(redis.url.as_str()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command.query_async(&mut connection).await.expect("a reply")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_the_version_reads_what_was_written() {
    let world = World::start().await;
    let redis = Server::start().await.expect("redis-server starts");
    let ledger = cached_ledger(&world, &redis).await;
    let id = wallet_with(&ledger, "ana", "100").await;
    for turn in 0..200 {
        let withdraw = Command::withdraw(id, Actor::Admin, &format!("{turn}"), payment("0.10"));
        let written = done(submit(&ledger, withdraw).await);
        let read = balance(&ledger, id, Some(written.version)).await;
        assert_eq!(read.wallet.version, written.version);
        assert_eq!(read.wallet.available, written.available_after);
        assert!(!read.stale && read.as_of_us >= written.at_us);
    }
    until_hit(&ledger, id).await;
    assert_eq!(balance(&ledger, id, None).await.wallet.available, 8_000);
    command(&redis, &[b"FLUSHALL"]).await;
    assert_eq!(balance(&ledger, id, None).await.wallet.available, 8_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_value_that_comes_back_is_not_used_for_a_newer_version() {
    let world = World::start().await;
    let redis = Server::start().await.expect("redis-server starts");
    let ledger = cached_ledger(&world, &redis).await;
    let id = wallet_with(&ledger, "ana", "100").await;
    until_hit(&ledger, id).await;
    let key = [b"w:".as_slice(), id.as_bytes()].concat();
    let redis::Value::BulkString(old) = command(&redis, &[b"GET", &key]).await else {
        panic!("the wallet is cached")
    };
    let withdraw = Command::withdraw(id, Actor::Admin, "w", payment("40"));
    let written = done(submit(&ledger, withdraw).await);
    until_hit(&ledger, id).await;
    // A reader that read before the write, and puts after it, has no chance; this one forces it.
    command(&redis, &[b"SET", &key, &old]).await;
    let read = balance(&ledger, id, Some(written.version)).await;
    assert_eq!((read.wallet.available, read.stale), (6_000, false));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_all_writes_and_reads_succeed() {
    let world = World::start().await;
    let redis = Server::start().await.expect("redis-server starts");
    let ledger = cached_ledger(&world, &redis).await;
    let id = wallet_with(&ledger, "ana", "100").await;
    until_hit(&ledger, id).await;
    redis.stop(PATIENCE).await;
    for turn in 0..50 {
        let withdraw = Command::withdraw(id, Actor::Admin, &format!("{turn}"), payment("1"));
        let written = done(submit(&ledger, withdraw).await);
        let read = balance(&ledger, id, None).await;
        assert_eq!((read.wallet.version, read.stale), (written.version, false));
    }
    let again = redis::Client::open(redis.url.as_str()).is_ok();
    assert!(again, "the address stays the same");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_the_cache_answers_and_says_how_old_it_is() {
    let world = World::start().await;
    let redis = Server::start().await.expect("redis-server starts");
    let ledger = cached_ledger(&world, &redis).await;
    let id = wallet_with(&ledger, "ana", "100").await;
    until_hit(&ledger, id).await;
    let known = balance(&ledger, id, None).await;
    world.server.stop(PATIENCE).await;
    // Until the probe finds out, the cache answers as ever.
    let deadline = Instant::now() + PATIENCE;
    let read = loop {
        let read = balance(&ledger, id, Some(known.wallet.version)).await;
        assert_eq!(read.wallet.available, 10_000);
        if read.stale {
            break read;
        }
        assert!(Instant::now() < deadline, "it is never said to be stale");
        sleep(Duration::from_millis(10)).await;
    };
    assert!(read.as_of_us <= known.as_of_us);
    // Too old for the cache, and nobody else can be asked.
    let newer = ledger.balance(id, Some(known.wallet.version + 1)).await;
    assert!(newer.is_err(), "{newer:?}");
    assert!(ledger.balance(Uuid::nil(), None).await.is_err(), "unknown is not absent");
    // The wallet itself is asked of the ledger; what is cached is no substitute for its state.
    assert!(ledger.wallet(id).await.is_err());
    world.stop.cancel();
}
