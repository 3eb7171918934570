//! One key, one effect, one answer.

use crate::ledger_world::{World, done, payment, refused, submit, wallet_with};
use futures::future::join_all;
use wallet_svc::ledger::command::{Actor, Command, Outcome, Refusal};
use wallet_svc::store::Ledger;

fn withdraw(id: uuid::Uuid, key: &str, amount: &str) -> Command {
    Command::withdraw(id, Actor::User("ana".into()), key, payment(amount))
}

async fn fifty(tasks: &[Ledger], command: &Command) -> Vec<Outcome> {
    let outcomes = (0..50).map(|n| submit(&tasks[n % tasks.len()], command.clone()));
    join_all(outcomes).await.into_iter().map(|o| o.expect("an answer")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_fifty_times_through_three_tasks_moves_money_once() {
    let world = World::start().await;
    let tasks = [world.ledger("a").await, world.ledger("b").await, world.ledger("c").await];
    let id = wallet_with(&tasks[0], "ana", "10").await;
    let outcomes = fifty(&tasks, &withdraw(id, "once", "6")).await;
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.replayed).count(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.result == outcomes[0].result));
    assert!(outcomes[0].result.is_ok());

    // After a refusal too: the money that comes later does not change the answer.
    let outcomes = fifty(&tasks, &withdraw(id, "too much", "5")).await;
    assert!(outcomes.iter().all(|o| o.result == Err(Refusal::InsufficientFunds)));
    let deposit = Command::deposit(id, Actor::Admin, "more", payment("100"));
    done(submit(&tasks[1], deposit).await);
    let outcome = submit(&tasks[2], withdraw(id, "too much", "5")).await.expect("an answer");
    assert_eq!(outcome, Outcome { result: Err(Refusal::InsufficientFunds), replayed: true });
    assert_eq!(world.finish().await, 7, "opened; two deposits and a withdrawal, with settlement");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_body_under_the_same_key_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let ledger = world.ledger("a").await;
    let ana = wallet_with(&ledger, "ana", "10").await;
    let bia = wallet_with(&ledger, "bia", "10").await;
    let first = done(submit(&ledger, withdraw(ana, "key", "6.00")).await);
    let described = |text: &str| {
        let mut payment = payment("6");
        payment.description = Some(text.into());
        Command::withdraw(ana, Actor::Admin, "key", payment)
    };
    let others = [
        withdraw(ana, "key", "6.01"),
        Command::deposit(ana, Actor::Admin, "key", payment("6")),
        Command::transfer(ana, bia, Actor::Admin, "key", payment("6")),
        described("another"),
    ];
    for other in others {
        assert_eq!(refused(submit(&ledger, other.clone()).await), Refusal::KeyReused, "{other:?}");
    }
    // 6.00 and 6 are the same; on another wallet the key is another one.
    assert_eq!(done(submit(&ledger, withdraw(ana, "key", "6")).await), first);
    let elsewhere = Command::withdraw(bia, Actor::Admin, "key", payment("6"));
    assert_ne!(done(submit(&ledger, elsewhere).await).id, first.id);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_starts_later_replays_every_kind_of_answer() {
    let world = World::start().await;
    let before = world.ledger("before").await;
    let ana = wallet_with(&before, "ana", "10").await;
    let bia = wallet_with(&before, "bia", "0").await;
    let commands = [
        Command::create_wallet("ana", "another", wallet_svc::ledger::money::Currency::Kwd),
        Command::deposit(ana, Actor::Admin, "d", payment("1.00")),
        withdraw(ana, "w", "2.50"),
        Command::transfer(ana, bia, Actor::Admin, "t", payment("3")),
        Command::transfer(ana, ana, Actor::Admin, "same", payment("3")),
        Command::transfer(ana, uuid::Uuid::nil(), Actor::Admin, "gone", payment("3")),
        Command::deposit(ana, Actor::Admin, "decimals", payment("0.001")),
        withdraw(ana, "funds", "500"),
    ];
    let mut first = Vec::new();
    for command in &commands {
        first.push(submit(&before, command.clone()).await.expect("an answer"));
    }
    let after = world.ledger("after").await;
    for (command, first) in commands.iter().zip(first) {
        assert!(!first.replayed);
        let again = submit(&after, command.clone()).await.expect("an answer");
        assert!(again.replayed, "{command:?}");
        let same = match (&again.result, &first.result) {
            // The chain's hash is not part of the answer.
            (Ok(wallet_svc::ledger::command::Done::Wallet(a)), Ok(b)) => {
                let mut a = a.clone();
                let wallet_svc::ledger::command::Done::Wallet(b) = b else { panic!("a wallet") };
                a.last_hash = b.last_hash;
                a == *b
            }
            (again, first) => again == first,
        };
        assert!(same, "{command:?}: {again:?} is not {first:?}");
    }
    world.finish().await;
}
