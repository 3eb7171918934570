//! Many clients on few wallets, through two tasks at once.

use crate::ledger_world::{World, payment, refused, submit, wallet_with};
use futures::future::join_all;
use wallet_svc::ledger::command::{Actor, Command, Refusal};
use wallet_svc::store::Ledger;

/// Each client withdraws 1.00 twenty times from a wallet that holds enough for 500 of 1,280.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_withdrawals_exactly_those_succeed_that_the_balance_covers() {
    const COVERED: usize = 500;
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let id = wallet_with(&tasks[0], "ana", "500.00").await;
    let client = |number: usize| {
        let ledger = tasks[number % 2].clone();
        async move {
            let mut succeeded = 0;
            for turn in 0..20 {
                let key = format!("withdrawal {number} {turn}");
                let command = Command::withdraw(id, Actor::User("ana".into()), &key, payment("1"));
                match submit(&ledger, command).await.expect("no error reaches a client").result {
                    Ok(_) => succeeded += 1,
                    Err(refusal) => assert_eq!(refusal, Refusal::InsufficientFunds),
                }
            }
            succeeded
        }
    };
    let succeeded: usize = join_all((0..64).map(client)).await.into_iter().sum();
    assert_eq!(succeeded, COVERED);
    let balance = tasks[1].wallet(id).await.expect("a read").expect("a wallet");
    assert_eq!((balance.wallet.available, balance.wallet.version), (0, 502));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crossing_transfers_through_two_tasks_show_no_client_a_deadlock() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let a = wallet_with(&tasks[0], "ana", "1000").await;
    let b = wallet_with(&tasks[0], "bia", "1000").await;
    let client = |number: usize| {
        let ledger = tasks[number % 2].clone();
        let (from, to) = if number % 4 < 2 { (a, b) } else { (b, a) };
        async move {
            for turn in 0..50 {
                let key = format!("transfer {number} {turn}");
                let command = Command::transfer(from, to, Actor::Admin, &key, payment("0.01"));
                let outcome = submit(&ledger, command).await;
                assert!(outcome.expect("no error reaches a client").result.is_ok());
            }
        }
    };
    join_all((0..32).map(client)).await;
    for ledger in &tasks {
        assert_eq!(ledger.stats().conflicts, 0, "deadlocks and lock timeouts");
    }
    let available = |ledger: &Ledger, id| {
        let ledger = ledger.clone();
        async move { ledger.wallet(id).await.expect("a read").expect("a wallet").wallet.available }
    };
    assert_eq!(available(&tasks[0], a).await + available(&tasks[0], b).await, 200_000);
    world.finish().await;
}

/// Two tasks open the same settlement wallets and the same customers' wallets at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wallets_opened_by_two_tasks_at_once_are_opened_once() {
    let world = World::start().await;
    // The same name, so that both choose the same stripes.
    let tasks = [world.ledger("same").await, world.ledger("same").await];
    let opened = join_all((0..200).map(|number: usize| {
        let ledger = tasks[number % 2].clone();
        async move { wallet_with(&ledger, &format!("user{}", number / 2), "3.00").await }
    }))
    .await;
    for pair in opened.chunks(2) {
        assert_eq!(pair[0], pair[1]);
        let balance = tasks[0].wallet(pair[0]).await.expect("a read").expect("a wallet");
        assert_eq!((balance.wallet.available, balance.wallet.version), (300, 2));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_or_unknown_wallet_is_refused_and_nothing_is_kept() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let id = wallet_with(&ledger, "ana", "0").await;
    let stranger = Actor::User("eve".into());
    let foreign = Command::withdraw(id, stranger, "key", payment("1"));
    assert_eq!(refused(submit(&ledger, foreign).await), Refusal::WalletForbidden);
    let unknown = Command::deposit(uuid::Uuid::nil(), Actor::Admin, "key", payment("1"));
    assert_eq!(refused(submit(&ledger, unknown).await), Refusal::WalletNotFound);
    // Ana's own use of the same key finds it unused.
    let own = Command::deposit(id, Actor::User("ana".into()), "key", payment("1"));
    assert!(submit(&ledger, own).await.expect("an answer").result.is_ok());
    world.finish().await;
}
