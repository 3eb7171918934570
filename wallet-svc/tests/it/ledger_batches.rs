//! Atomic batches against a real database: whole under concurrency and of any size, and no deadlock.

use crate::ledger_world::{World, done, payment, submit, wallet_with};
use futures::future::join_all;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use wallet_svc::ledger::command::{Actor, Command, Refusal};
use wallet_svc::ledger::money::Amount;
use wallet_svc::ledger::posting::{Posting, PostingLeg};
use wallet_svc::store::Ledger;

fn transfer(from: Uuid, to: Uuid, key: &str, amount: &str) -> Command {
    Command::transfer(from, to, Actor::Admin, key, payment(amount))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

async fn available(ledger: &Ledger, id: Uuid) -> i64 {
    ledger.wallet(id).await.expect("a read").expect("a wallet").wallet.available
}

/// Rings of transfers over the same wallets in opposite directions, through two tasks. Each leaves
/// every balance as it was; a half of one would not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crossing_batches_are_whole_and_show_no_client_a_deadlock() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let mut ring = Vec::new();
    for user in ["ana", "bia", "caio", "davi", "eva"] {
        ring.push(wallet_with(&tasks[0], user, "1").await);
    }
    let client = |number: usize| {
        let (ledger, mut ring) = (&tasks[number % 2], ring.clone());
        async move {
            if number % 4 < 2 {
                ring.reverse();
            }
            let (mut whole, mut refused) = (0, 0);
            for turn in 0..20 {
                let links = (0..ring.len()).map(|n| {
                    let key = format!("{number} {turn} {n}");
                    transfer(ring[n], ring[(n + 1) % ring.len()], &key, "0.60")
                });
                // Some have one link too heavy, and fail at it.
                let mut links: Vec<Command> = links.collect();
                if turn % 5 == 4 {
                    links.push(transfer(ring[0], ring[1], &format!("{number} {turn} x"), "99"));
                }
                let outcomes = ledger.submit_together(Command::atomic(links), soon()).await;
                let outcomes = outcomes.expect("no error reaches a client");
                let ok = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
                assert!(ok == 0 || ok == outcomes.len(), "{outcomes:?}");
                if ok == 0 { refused += 1 } else { whole += 1 }
            }
            (whole, refused)
        }
    };
    let counts = join_all((0..12).map(client)).await;
    assert!(counts.iter().all(|counts| *counts == (16, 4)), "{counts:?}");
    for id in &ring {
        assert_eq!(available(&tasks[1], *id).await, 100);
    }
    for ledger in &tasks {
        assert_eq!(ledger.stats().conflicts, 0, "deadlocks and lock timeouts");
    }
    world.finish().await;
}

/// More wallets than one list of a statement takes, in one transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_commands_on_a_thousand_wallets_are_one_transaction() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let payer = wallet_with(&ledger, "payer", "1000").await;
    let opening = (0..1_000).map(|n| {
        let ledger = &ledger;
        async move { wallet_with(ledger, &format!("user{n}"), "0").await }
    });
    let wallets: Vec<Uuid> = join_all(opening).await;
    let pay = |key: &str, amount: &str| -> Vec<Command> {
        let pay = |(n, id): (usize, &Uuid)| transfer(payer, *id, &format!("{key} {n}"), amount);
        Command::atomic(wallets.iter().enumerate().map(pay).collect())
    };
    let batches = ledger.stats().batches;
    let began = Instant::now();
    let outcomes = ledger.submit_together(pay("wages", "1"), soon()).await.expect("an answer");
    println!("1000 transfers to 1000 wallets in {:?}", began.elapsed());
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok() && !outcome.replayed));
    assert_eq!(ledger.stats().batches, batches + 1);
    assert_eq!(available(&ledger, payer).await, 0);
    let again = ledger.submit_together(pay("wages", "1"), soon()).await.expect("an answer");
    for (again, first) in again.iter().zip(&outcomes) {
        assert_eq!((again.replayed, &again.result), (true, &first.result));
    }
    let refused = ledger.submit_together(pay("more", "1"), soon()).await.expect("an answer");
    assert_eq!(refused[0].result, Err(Refusal::InsufficientFunds));
    assert_eq!(refused[999].result, Err(Refusal::BatchRefused));
    for id in [wallets[0], wallets[500], wallets[999]] {
        assert_eq!(available(&ledger, id).await, 100);
    }
    world.finish().await;
}

/// As at the API, but with other transactions going on between the same wallets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postings_of_many_legs_cross_transfers_without_a_deadlock() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let mut wallets = Vec::new();
    for number in 0..8 {
        wallets.push(wallet_with(&tasks[0], &format!("user{number}"), "100").await);
    }
    let client = |number: usize| {
        let (ledger, mut wallets) = (&tasks[number % 2], wallets.clone());
        async move {
            wallets.rotate_left(number % 8);
            for turn in 0..15 {
                let key = format!("{number} {turn}");
                if turn % 2 == 0 {
                    done(submit(ledger, transfer(wallets[0], wallets[7], &key, "0.07")).await);
                    continue;
                }
                let amount = |text| Amount::parse(text).expect("an amount");
                let leg = |(n, wallet_id): (usize, &Uuid)| PostingLeg {
                    wallet_id: *wallet_id,
                    pays: n == 0,
                    amount: amount(if n == 0 { "0.07" } else { "0.01" }),
                };
                let legs = wallets.iter().enumerate().map(leg).collect();
                let posting = Posting { legs, currency: None, reference: None, description: None };
                done(submit(ledger, Command::post(Actor::Admin, &key, posting)).await);
            }
        }
    };
    join_all((0..16).map(client)).await;
    for ledger in &tasks {
        assert_eq!(ledger.stats().conflicts, 0, "deadlocks and lock timeouts");
    }
    world.finish().await;
}
