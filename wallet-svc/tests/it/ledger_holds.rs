//! Holds against a real database: captured once however many try, given back when their time is
//! over, and every step an event.

use crate::ledger_world::{PATIENCE, World, done, payment, refused, submit, wallet_with};
use futures::future::join_all;
use protocol::event::WalletEvent;
use protocol::wallet::EntryKind;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use wallet_svc::ledger::command::{
    Actor, Authorization, Capture, Command, Order, Refusal, Transaction,
};
use wallet_svc::ledger::money::Amount;
use wallet_svc::store::{Ledger, expiry};

fn authorize(id: Uuid, key: &str, amount: &str, to: Option<Uuid>, seconds: u32) -> Command {
    let payment = payment(amount);
    let hold = Authorization { to, lifetime_seconds: seconds, payment };
    Command::authorize(id, Actor::Admin, key, hold)
}

fn capture(hold: &Transaction, key: &str, amount: &str) -> Command {
    let amount = Some(Amount::parse(amount).expect("an amount"));
    let (hold_id, to) = (hold.id, hold.to);
    let capture = Capture { hold_id, to, amount, is_final: false, description: None, by: None };
    Command::capture(hold.wallet_id, key, capture)
}

fn void(hold: &Transaction, key: &str) -> Command {
    let order = Order { reason: "out of stock".into(), by: None };
    Command::void(hold.wallet_id, key, hold.id, order)
}

/// What may be spent, what is held, and the version.
async fn stands(ledger: &Ledger, id: Uuid) -> (i64, i64, u64) {
    let wallet = ledger.wallet(id).await.expect("a read").expect("a wallet").wallet;
    (wallet.available, wallet.held, wallet.version)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_captures_at_once_those_succeed_that_the_hold_covers() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let ana = wallet_with(&tasks[0], "ana", "100").await;
    let shop = wallet_with(&tasks[0], "shop", "0").await;
    let hold = done(submit(&tasks[0], authorize(ana, "h", "50", Some(shop), 600)).await);
    let outcomes = join_all((0..40).map(|number: usize| {
        let (ledger, hold) = (&tasks[number % 2], &hold);
        let command = capture(hold, &format!("part {number}"), "10");
        async move { submit(ledger, command).await.expect("no error reaches a client") }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.result.is_ok()).count(), 5);
    let refused = outcomes.iter().filter_map(|outcome| outcome.result.clone().err());
    assert!(refused.into_iter().all(|refusal| refusal == Refusal::HoldNotOpen));
    assert_eq!(stands(&tasks[1], ana).await, (5_000, 0, 8));
    assert_eq!(stands(&tasks[1], shop).await, (5_000, 0, 6));
    for ledger in &tasks {
        assert_eq!(ledger.stats().conflicts, 0, "deadlocks and lock timeouts");
    }
    world.finish().await;
}

/// One hold each, captured and voided at the same moment through two tasks: one of both is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_captured_or_voided_and_never_both() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let ana = wallet_with(&tasks[0], "ana", "100").await;
    let mut captured = 0;
    for turn in 0..20 {
        let hold = submit(&tasks[0], authorize(ana, &format!("h{turn}"), "1", None, 600)).await;
        let hold = done(hold);
        let (one, other) = tokio::join!(
            submit(&tasks[turn % 2], capture(&hold, &format!("c{turn}"), "1")),
            submit(&tasks[(turn + 1) % 2], void(&hold, &format!("v{turn}"))),
        );
        let (one, other) = (one.expect("an answer").result, other.expect("an answer").result);
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        captured += i64::from(one.is_ok());
    }
    let (available, held, version) = stands(&tasks[0], ana).await;
    assert_eq!((available, held, version), (10_000 - 100 * captured, 0, 42));
    world.finish().await;
}

/// Nobody sweeps at first: the time alone ends what may be captured, and the sweep gives it back,
/// once, though two tasks sweep.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_alone_ends_a_hold_and_the_sweep_gives_it_back_once() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let mut wallets = Vec::new();
    for number in 0..30 {
        wallets.push(wallet_with(&tasks[0], &format!("user{number}"), "10").await);
    }
    let mut holds = Vec::new();
    for id in &wallets {
        holds.push(done(submit(&tasks[0], authorize(*id, "h", "4", None, 2)).await));
    }
    let lasting = done(submit(&tasks[0], authorize(wallets[0], "l", "1", None, 600)).await);
    done(submit(&tasks[1], capture(&holds[0], "part", "1.50")).await);
    sleep(Duration::from_millis(2_100)).await;
    assert_eq!(
        refused(submit(&tasks[0], capture(&holds[1], "c", "1")).await),
        Refusal::HoldExpired
    );
    assert_eq!(refused(submit(&tasks[0], void(&holds[2], "v")).await), Refusal::HoldExpired);
    assert_eq!(stands(&tasks[0], wallets[1]).await, (600, 400, 3), "nobody has swept yet");

    let began = Instant::now();
    for ledger in &tasks {
        expiry::start(ledger, &world.tracker, world.stop.clone());
    }
    for (number, id) in wallets.iter().enumerate() {
        let want = if number == 0 { (750, 100, 6) } else { (1_000, 0, 4) };
        while stands(&tasks[0], *id).await != want {
            assert!(began.elapsed() < PATIENCE, "{:?}", stands(&tasks[0], *id).await);
            sleep(Duration::from_millis(10)).await;
        }
    }
    println!("30 holds given back {:?} after the sweep began", began.elapsed());
    // Nothing is given back twice, and what lasts is not touched.
    sleep(Duration::from_millis(1_200)).await;
    assert_eq!(stands(&tasks[0], wallets[1]).await, (1_000, 0, 4));
    assert_eq!(stands(&tasks[0], wallets[0]).await, (750, 100, 6));
    let expired: u64 = tasks.iter().map(|ledger| ledger.stats().expired).sum();
    assert_eq!(expired, 30);
    done(submit(&tasks[1], capture(&lasting, "all", "1")).await);
    world.finish().await;
}

/// A thousand due at once are more than one look finds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_holds_that_end_together_are_swept_in_bounded_looks() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let ana = wallet_with(&ledger, "ana", "1000").await;
    let authorizing = (0..1_000).map(|n| {
        let command = authorize(ana, &format!("h{n}"), "1", None, 1);
        submit(&ledger, command)
    });
    assert!(join_all(authorizing).await.iter().all(|o| o.as_ref().is_ok_and(|o| o.result.is_ok())));
    sleep(Duration::from_millis(1_100)).await;
    expiry::start(&ledger, &world.tracker, world.stop.clone());
    let began = Instant::now();
    while stands(&ledger, ana).await != (100_000, 0, 2_002) {
        assert!(began.elapsed() < PATIENCE, "{:?}", stands(&ledger, ana).await);
        sleep(Duration::from_millis(20)).await;
    }
    println!("1000 holds given back {:?} after the sweep began", began.elapsed());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_a_hold_is_an_event() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let ana = wallet_with(&ledger, "ana", "10").await;
    let shop = wallet_with(&ledger, "shop", "0").await;
    let hold = done(submit(&ledger, authorize(ana, "h", "4", Some(shop), 600)).await);
    done(submit(&ledger, capture(&hold, "c", "1")).await);
    done(submit(&ledger, void(&hold, "v")).await);
    let publisher = ledger.outbox().acquire(Duration::from_secs(1)).await.expect("an answer");
    let mut publisher = publisher.expect("nobody else publishes");
    let page = publisher.page().await.expect("a page");
    publisher.release().await;
    let of_hold = page.events.iter().filter(|event| event.hold_id == Some(hold.id));
    let seen: Vec<_> = of_hold.map(told).collect();
    #[rustfmt::skip]
    assert_eq!(seen, [
        (ana,  EntryKind::HoldAuthorized, 0,    400,  600, 400, Some(shop)),
        (ana,  EntryKind::HoldCaptured,   -100, -100, 600, 300, Some(shop)),
        (shop, EntryKind::HoldReceived,   100,  0,    100, 0,   Some(ana)),
        (ana,  EntryKind::HoldVoided,     0,    -300, 900, 0,   Some(shop)),
    ]);
    world.finish().await;
}

type Told = (Uuid, EntryKind, i64, i64, i64, i64, Option<Uuid>);

fn told(event: &WalletEvent) -> Told {
    (
        event.wallet_id,
        event.kind,
        event.amount_minor,
        event.held_change_minor,
        event.available_after_minor,
        event.held_after_minor,
        event.counterparty_wallet_id,
    )
}

/// After a restart, and on another task, the same answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_after_a_restart_is_the_first_answer() {
    let world = World::start().await;
    let before = world.ledger("before").await;
    let ana = wallet_with(&before, "ana", "10").await;
    let hold = done(submit(&before, authorize(ana, "h", "4", None, 600)).await);
    let commands = [
        authorize(ana, "h", "4", None, 600),
        capture(&hold, "c", "1"),
        void(&hold, "v"),
        capture(&hold, "late", "1"),
    ];
    let mut first = Vec::new();
    for command in &commands {
        first.push(submit(&before, command.clone()).await.expect("an answer").result);
    }
    let after = world.ledger("after").await;
    for (command, first) in commands.iter().zip(first) {
        let again = submit(&after, command.clone()).await.expect("an answer");
        assert_eq!((again.replayed, again.result), (true, first), "{command:?}");
    }
    world.finish().await;
}
