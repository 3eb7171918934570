//! The database fails in every way that it can; nothing is lost or doubled, and all recovers by
//! itself.

use crate::ledger_world::{PATIENCE, World, audit, open, payment, submit, wallet_with};
use futures::future::join_all;
use sandbox::data::mariadb::{Options, Server};
use sqlx::{Connection, Executor, MySqlConnection};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wallet_svc::ledger::command::{Actor, Command, Refusal};
use wallet_svc::ledger::money::Currency;
use wallet_svc::store::{Ledger, Mode, Settings, SubmitError};

/// Sends until there is an outcome, as a client with a key does.
async fn insist(ledger: &Ledger, command: &Command, errors: &AtomicUsize) -> bool {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let deadline = Instant::now() + Duration::from_secs(2);
        match ledger.submit(command.clone(), deadline).await {
            Ok(outcome) => return outcome.result.is_ok(),
            Err(SubmitError::Failed) => panic!("the database refuses {command:?}"),
            Err(_) => {
                errors.fetch_add(1, Ordering::SeqCst);
                assert!(Instant::now() < give_up, "the ledger did not come back");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waiting until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for that many more commands.
async fn carried_out(ledger: &Ledger, commands: u64) {
    let before = ledger.stats().commands;
    until("commands are carried out", async || ledger.stats().commands >= before + commands).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_killed_under_load_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let options =
        Options { dir: Some(folder.path().to_owned()), durable: true, ..Options::default() };
    let server = Server::start(options.clone()).await.expect("mariadbd starts");
    let options =
        Options { port: Some(server.port), password: Some(server.password.clone()), ..options };
    let mut world = World::on(server).await;
    let ledger = world.ledger("one").await;
    let wallets =
        join_all(["ana", "bia", "caio"].map(|user| wallet_with(&ledger, user, "900"))).await;
    let (errors, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let client = |number: usize| {
        let (ledger, wallets, errors, over) = (&ledger, &wallets, &errors, &over);
        async move {
            let mut deposited = 0;
            for turn in 0.. {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (id, to) = (wallets[number % 3], wallets[(number + turn) % 3]);
                let key = format!("{number} {turn}");
                let deposit = Command::deposit(id, Actor::Admin, &key, payment("0.01"));
                assert!(insist(ledger, &deposit, errors).await);
                deposited += 1;
                let key = format!("{number} {turn} on");
                let transfer = Command::transfer(id, to, Actor::Admin, &key, payment("0.01"));
                insist(ledger, &transfer, errors).await;
            }
            deposited
        }
    };
    let killing = async {
        for _ in 0..2 {
            carried_out(&ledger, 500).await;
            world.server.child().signal(nix::sys::signal::Signal::SIGKILL);
            world.server.child().wait().await;
            world.server = Server::start(options.clone()).await.expect("it starts again");
            ledger.writable().await;
        }
        carried_out(&ledger, 500).await;
        over.store(true, Ordering::SeqCst);
    };
    let (deposits, ()) = tokio::join!(join_all((0..16).map(client)), killing);
    let deposited: i64 = deposits.into_iter().sum();
    println!("{deposited} deposits, {} errors that were tried again", errors.into_inner());
    let mut available = 0;
    for id in wallets {
        available += ledger.wallet(id).await.expect("a read").expect("a wallet").wallet.available;
    }
    assert_eq!(available, 270_000 + deposited);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_turns_read_only_is_left_and_found_again() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let id = wallet_with(&ledger, "ana", "5").await;
    let mut admin = world.server.admin().await.expect("connecting");
    admin.execute("SET GLOBAL read_only = 1").await.expect("turning read-only");
    let command = Command::deposit(id, Actor::Admin, "meanwhile", payment("1"));
    until("writes are refused as read-only", async || {
        let deadline = Instant::now() + PATIENCE;
        matches!(
            ledger.submit(command.clone(), deadline).await,
            Err(SubmitError::ReadOnly { retry_after }) if retry_after > Duration::ZERO
        )
    })
    .await;
    assert_eq!(ledger.mode(), Mode::ReadOnly);
    let balance = ledger.balance(id, None).await.expect("reads go on").expect("a wallet");
    assert!(balance.wallet.available >= 500 && !balance.stale);
    admin.execute("SET GLOBAL read_only = 0").await.expect("turning writable");
    tokio::time::timeout(PATIENCE, ledger.writable()).await.expect("the probe finds out");
    let outcome = submit(&ledger, command).await.expect("an answer");
    assert!(outcome.result.is_ok());
    world.finish().await;
}

/// A text longer than its column stands for whatever a database may refuse.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_the_database_refuses_fails_alone() {
    let world = World::start().await;
    let ledger = world.ledger_with(&Settings { lanes: 1, ..world.settings("one") }).await;
    let id = open(&ledger, "ana", Currency::Brl).await;
    let outcomes = join_all((0..100).map(|number: usize| {
        let ledger = &ledger;
        async move {
            let mut payment = payment("1");
            if number % 33 == 7 {
                payment.description = Some("x".repeat(3_000).into());
            }
            let key = format!("{number}");
            submit(ledger, Command::deposit(id, Actor::Admin, &key, payment)).await
        }
    }))
    .await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        if number % 33 == 7 {
            assert_eq!(outcome, Err(SubmitError::Failed));
        } else {
            assert!(outcome.expect("an answer").result.is_ok());
        }
    }
    assert!(ledger.stats().bisections > 0, "they shared a batch");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_lane_sheds_and_what_was_not_begun_is_never_done() {
    let world = World::start().await;
    let settings = Settings { lanes: 1, queue_per_lane_max: 4, ..world.settings("one") };
    let ledger = world.ledger_with(&settings).await;
    let id = open(&ledger, "ana", Currency::Brl).await;
    let deposit =
        |number: usize| Command::deposit(id, Actor::Admin, &format!("key {number}"), payment("1"));
    // Somebody holds the wallet, so that the lane's first batch waits for it.
    let mut holder = world.database().await;
    holder.execute("SET autocommit = 0").await.expect("a session");
    holder.execute("SELECT * FROM wallet FOR UPDATE").await.expect("locking");
    let first = ledger.submit(deposit(0), Instant::now() + PATIENCE);
    let (first, ()) = tokio::join!(first, async {
        until("the lane has begun", async || ledger.stats().queue_depths == [0]).await;
        let soon = || Instant::now() + Duration::from_millis(100);
        let answers = join_all((1..=10).map(|n| ledger.submit(deposit(n), soon()))).await;
        let count =
            |error: SubmitError| answers.iter().filter(|answer| **answer == Err(error)).count();
        let retry_after = Duration::from_secs(1);
        assert_eq!(count(SubmitError::Timeout), 4, "{answers:?}");
        assert_eq!(count(SubmitError::Overloaded { retry_after }), 6, "{answers:?}");
        holder.execute("ROLLBACK").await.expect("letting go");
    });
    assert!(first.expect("an answer").result.is_ok());
    assert!(insist(&ledger, &deposit(11), &AtomicUsize::new(0)).await);
    let wallet = ledger.wallet(id).await.expect("a read").expect("a wallet").wallet;
    assert_eq!(wallet.available, 200, "the first and the last");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_stops_answers_what_is_queued() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let id = wallet_with(&ledger, "ana", "1").await;
    let withdrawals = join_all((0..500).map(|number: usize| {
        let ledger = &ledger;
        async move {
            let key = format!("{number}");
            submit(ledger, Command::withdraw(id, Actor::Admin, &key, payment("1"))).await
        }
    }));
    let stopping = async { world.stop.cancel() };
    let (answers, ()) = tokio::join!(withdrawals, stopping);
    let answered = |answer: &Result<_, _>| answer.is_ok();
    assert_eq!(answers.iter().filter(|answer| answered(answer)).count(), 500);
    let funds = |answer: &Result<wallet_svc::ledger::command::Outcome, _>| {
        answer.as_ref().is_ok_and(|o| o.result == Err(Refusal::InsufficientFunds))
    };
    assert_eq!(answers.iter().filter(|answer| funds(answer)).count(), 499);
    let late = Command::deposit(id, Actor::Admin, "late", payment("1"));
    assert!(submit(&ledger, late).await.is_err(), "nothing is taken any more");
    world.finish().await;
}

/// A database that is not there at first is found when it comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_starts_before_its_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { dir: Some(folder.path().to_owned()), ..Options::default() };
    let server = Server::start(options.clone()).await.expect("mariadbd starts");
    let options =
        Options { port: Some(server.port), password: Some(server.password.clone()), ..options };
    let mut world = World::on(server).await;
    world.server.stop(PATIENCE).await;
    let ledger = Ledger::start(&world.settings("one"), None, &world.tracker, &world.stop);
    let ledger = ledger.expect("good settings");
    let command = Command::create_wallet("ana", "key", Currency::Brl);
    let answer = ledger.submit(command.clone(), Instant::now() + PATIENCE).await;
    assert!(matches!(answer, Err(SubmitError::Unavailable { .. })), "{answer:?}");
    assert!(ledger.wallet(command.wallet_id).await.is_err());
    world.server = Server::start(options).await.expect("it starts again");
    tokio::time::timeout(PATIENCE, ledger.writable()).await.expect("the probe finds it");
    assert!(submit(&ledger, command).await.expect("an answer").result.is_ok());
    let mut database = MySqlConnection::connect(&world.server.url).await.expect("connecting");
    audit(&mut database).await;
    world.finish().await;
}
