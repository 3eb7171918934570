//! Reversals against a real database: once, whoever asks at the same moment, and no deadlock.

use crate::ledger_world::{World, done, payment, submit, wallet_with};
use futures::future::join_all;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;
use wallet_svc::ledger::command::{Actor, Command, Order, Refusal};
use wallet_svc::ledger::reversal::Reversal;
use wallet_svc::store::Ledger;

/// As the edge does it: what is to be undone is read before it is submitted.
async fn reversal(ledger: &Ledger, transaction_id: Uuid, key: &str) -> Command {
    let legs = ledger.transaction(transaction_id).await.expect("a read");
    let undone = legs.iter().map(|leg| leg.undone()).collect();
    let order = Order { reason: "by mistake".into(), by: Some("clara".into()) };
    Command::reverse(key, Reversal { transaction_id, undone, order })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_reversals_at_once_through_two_tasks_one_is_done() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let ana = wallet_with(&tasks[0], "ana", "100").await;
    let bia = wallet_with(&tasks[0], "bia", "100").await;
    let transfer = Command::transfer(ana, bia, Actor::Admin, "t", payment("30"));
    let transfer = done(submit(&tasks[0], transfer).await);
    let outcomes = join_all((0..50).map(|number: usize| {
        let ledger = tasks[number % 2].clone();
        async move {
            let command = reversal(&ledger, transfer.id, &format!("key {}", number % 25)).await;
            submit(&ledger, command).await.expect("an answer")
        }
    }))
    .await;
    // Each key is used twice: the one that won has a replay.
    let done = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    let first = outcomes.iter().filter(|o| o.result.is_ok() && !o.replayed).count();
    assert_eq!((done, first), (2, 1));
    let refused = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err());
    assert!(refused.into_iter().all(|refusal| *refusal == Refusal::AlreadyReversed));
    for id in [ana, bia] {
        let wallet = tasks[1].wallet(id).await.expect("a read").expect("a wallet").wallet;
        assert_eq!((wallet.available, wallet.version), (10_000, 4));
    }
    world.finish().await;
}

/// Transfers back and forth and their reversals, which lock the same wallets from both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crossing_transfers_and_reversals_show_no_client_a_deadlock() {
    const SEED: u64 = 20_261_126;
    println!("seed {SEED}");
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let mut wallets = Vec::new();
    for user in ["ana", "bia", "caio", "davi"] {
        wallets.push(wallet_with(&tasks[0], user, "1000").await);
    }
    let client = |number: usize| {
        let (ledger, wallets) = (tasks[number % 2].clone(), wallets.clone());
        async move {
            let mut rng = ChaCha8Rng::seed_from_u64(SEED + number as u64);
            for turn in 0..25 {
                let pair: Vec<&Uuid> = wallets.choose_multiple(&mut rng, 2).collect();
                let key = format!("{number} {turn}");
                let transfer =
                    Command::transfer(*pair[0], *pair[1], Actor::Admin, &key, payment("0.10"));
                let transfer = done(submit(&ledger, transfer).await);
                if rng.random_ratio(1, 2) {
                    let command = reversal(&ledger, transfer.id, &format!("{key} undo")).await;
                    done(submit(&ledger, command).await);
                }
            }
        }
    };
    join_all((0..16).map(client)).await;
    for ledger in &tasks {
        assert_eq!(ledger.stats().conflicts, 0, "deadlocks and lock timeouts");
    }
    world.finish().await;
}
