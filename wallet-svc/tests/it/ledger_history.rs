//! The past as it was: balances at any instant, statements and transactions against a model that
//! remembers everything.

use crate::ledger_world::{World, done, payment, submit, wallet_with};
use protocol::wallet::EntryKind;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use uuid::Uuid;
use wallet_svc::ledger::command::{Actor, Command};
use wallet_svc::ledger::money::{Currency, format_minor};
use wallet_svc::store::Ledger;

/// Of each wallet: instant, balance after.
type Model = BTreeMap<Uuid, Vec<(i64, i64)>>;

const SEED: u64 = 20_261_124;

async fn random_movements(ledger: &Ledger, rng: &mut ChaCha8Rng) -> Model {
    let mut model = Model::new();
    for user in ["ana", "bia", "caio"] {
        let id = wallet_with(ledger, user, "100").await;
        let opened = ledger.wallet(id).await.expect("a read").expect("a wallet").wallet;
        model.insert(id, vec![(opened.created_us, 0), (opened.last_at_us, 10_000)]);
    }
    let ids: Vec<Uuid> = model.keys().copied().collect();
    for turn in 0..300 {
        let from = ids[rng.random_range(0..3)];
        let to = ids[rng.random_range(0..3)];
        let minor = rng.random_range(1..2_000);
        let (amount, key) = (format_minor(minor, Currency::Brl), format!("turn {turn}"));
        let (command, change) = match rng.random_range(0..3) {
            0 => (Command::deposit(from, Actor::Admin, &key, payment(&amount)), minor),
            1 => (Command::withdraw(from, Actor::Admin, &key, payment(&amount)), -minor),
            _ => (Command::transfer(from, to, Actor::Admin, &key, payment(&amount)), -minor),
        };
        let outcome = submit(ledger, command.clone()).await.expect("an answer");
        if outcome.result.is_err() {
            continue;
        }
        let done = done(Ok(outcome));
        let post = |model: &mut Model, id, change: i64| {
            let history = model.get_mut(&id).expect("one of the three");
            let balance = history.last().expect("opened").1 + change;
            history.push((done.at_us, balance));
        };
        post(&mut model, from, change);
        if let Some(to) = done.to {
            post(&mut model, to, minor);
        }
    }
    model
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_balance_at_any_instant_is_that_of_the_model() {
    println!("seed {SEED}");
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let model = random_movements(&ledger, &mut rng).await;
    for (id, history) in &model {
        let (first, last) = (history[0].0, history.last().expect("opened").0);
        let mut instants = vec![0, i64::MIN, i64::MAX, first - 1, last + 1];
        instants.extend(history.iter().flat_map(|(at_us, _)| [at_us - 1, *at_us, at_us + 1]));
        instants.extend((0..100).map(|_| rng.random_range(first..=last)));
        for at_us in instants {
            let before = history.iter().filter(|(at, _)| *at <= at_us).count();
            let want = before.checked_sub(1).map_or(0, |last| history[last].1);
            let got = ledger.balance_at(*id, at_us).await.expect("a read").expect("a wallet");
            let got = (got.available, got.version);
            assert_eq!(got, (want, before as u64), "{id} at {at_us}");
        }
    }
    assert_eq!(ledger.balance_at(Uuid::nil(), 0).await.expect("a read"), None);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_balance_is_final_and_one_of_this_second_is_not() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let id = wallet_with(&ledger, "ana", "1").await;
    let wallet = ledger.wallet(id).await.expect("a read").expect("a wallet");
    let at = |at_us| {
        let ledger = ledger.clone();
        async move { ledger.balance_at(id, at_us).await.expect("a read").expect("a wallet") }
    };
    assert!(!at(wallet.as_of_us + 5_000_000).await.is_final);
    assert!(at(wallet.as_of_us - 60_000_000).await.is_final);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_page_through_all_entries_newest_first() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let model = random_movements(&ledger, &mut rng).await;
    for (id, history) in &model {
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let page = ledger.statement(*id, before, 7).await.expect("a read").expect("a wallet");
            assert!(page.entries.len() <= 7);
            assert_eq!(page.next.is_some(), seen.len() + page.entries.len() < history.len());
            seen.extend(page.entries);
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        seen.reverse();
        let amounts = seen.iter().scan(0, |sum, entry| {
            *sum += entry.amount;
            Some((entry.at_us, *sum))
        });
        assert_eq!(amounts.collect::<Vec<_>>(), *history);
        assert_eq!(seen[0].kind, EntryKind::WalletCreated);
    }
    assert_eq!(ledger.statement(Uuid::nil(), None, 7).await.expect("a read"), None);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_shows_its_sides_and_no_settlement() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let ana = wallet_with(&ledger, "ana", "10").await;
    let bia = wallet_with(&ledger, "bia", "0").await;
    let mut described = payment("2.50");
    described.description = Some("aluguel de março ✓".into());
    let command = Command::transfer(ana, bia, Actor::Admin, "t", described);
    let transfer = done(submit(&ledger, command).await);
    let deposit = Command::deposit(bia, Actor::Admin, "d", payment("1"));
    let deposit = done(submit(&ledger, deposit).await);

    let legs = ledger.transaction(transfer.id).await.expect("a read");
    let seen: Vec<_> = legs
        .iter()
        .map(|leg| (leg.wallet.id, leg.entry.kind, leg.entry.amount, leg.entry.counterparty))
        .collect();
    #[rustfmt::skip]
    assert_eq!(seen, [
        (ana, EntryKind::TransferOut, -250, Some(bia)),
        (bia, EntryKind::TransferIn,   250, Some(ana)),
    ]);
    assert!(legs.iter().all(|l| l.entry.description.as_deref() == Some("aluguel de março ✓")));
    let legs = ledger.transaction(deposit.id).await.expect("a read");
    assert_eq!(legs.len(), 1);
    assert_eq!(legs[0].entry.available_after, 350);
    for unknown in [Uuid::nil(), Uuid::from_u128(transfer.id.as_u128() ^ 1), Uuid::max()] {
        assert_eq!(ledger.transaction(unknown).await.expect("a read"), []);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_wallets_come_in_pages_and_settlement_is_nobodys() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    wallet_with(&ledger, "bia", "1").await;
    let mut opened = Vec::new();
    for number in 0..7 {
        let command = Command::create_wallet("ana", &format!("w{number}"), Currency::Brl);
        let wallet_id = command.wallet_id;
        submit(&ledger, command).await.expect("an answer").result.expect("opened");
        opened.push(wallet_id);
    }
    opened.sort_unstable();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = ledger.wallets_of_user("ana", after, 3).await.expect("a read");
        assert!(page.wallets.len() <= 3);
        seen.extend(page.wallets.iter().map(|wallet| wallet.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, opened);
    assert_eq!(ledger.wallets_of_user("", None, 100).await.expect("a read").wallets, []);
    assert_eq!(ledger.wallets_of_user("x' OR 1=1 --", None, 9).await.expect("a read").wallets, []);
    world.finish().await;
}
