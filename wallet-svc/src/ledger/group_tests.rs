//! Together or not at all, and remembered so.

use super::*;
use crate::ledger::batch::{Decision, decide};
use crate::ledger::command::{Actor, Payment};
use crate::ledger::fee::Schedules;
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::{Locked, Stripes};
use crate::ledger::money::{Amount, Currency};
use crate::ledger::wallet::{Kind, Wallet};
use proptest::prelude::*;
use uuid::Uuid;

const NOW_US: i64 = 1_800_000_000_000_000;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn payment(amount: &str) -> Payment {
    let amount = Amount::parse(amount).expect("an amount");
    Payment { amount, currency: None, reference: None, description: None }
}

fn user(name: &str) -> Actor {
    Actor::User(name.into())
}

/// Ana has 1.00, and Bia nothing.
fn locked() -> Locked {
    let stripes = Stripes::new(0);
    let mut ids = vec![id(1), id(2), id(3), stripes.of(Currency::Brl)];
    ids.sort_unstable();
    let mut locked = Locked::new(&ids);
    for (number, user, available) in [(1, "ana", 100), (2, "bia", 0)] {
        let unopened = Wallet::unopened(id(number), user, Currency::Brl, Kind::Customer, 5);
        locked.put_wallet(Wallet { available, version: 3, last_at_us: 5, ..unopened });
    }
    locked
}

fn transfer(key: &str, amount: &str) -> Command {
    Command::transfer(id(1), id(2), user("ana"), key, payment(amount))
}

fn decided<'a>(locked: &mut Locked, groups: &[&'a [Command]]) -> Decision<'a> {
    let mut ids = TransactionIds::new(1);
    decide(locked, groups, &Stripes::new(0), &Schedules::default(), NOW_US, &mut ids)
        .expect("the stripes are locked")
}

fn seen(decision: &Decision<'_>) -> Vec<(bool, Option<Refusal>)> {
    let told = |o: &Outcome| (o.replayed, o.result.as_ref().err().copied());
    decision.outcomes.iter().map(told).collect()
}

fn available(locked: &Locked) -> [i64; 2] {
    [1, 2].map(|number| locked.wallet(id(number)).expect("locked").available)
}

#[test]
fn one_refusal_takes_all_back_and_is_told_where_it_was() {
    let mut locked = locked();
    let before = [transfer("before", "0.10")];
    let group = Command::atomic(vec![
        transfer("g0", "0.50"),
        Command::withdraw(id(2), Actor::Admin, "g1", payment("0.20")),
        transfer("g2", "0.50"),
        transfer("g3", "0.01"),
    ]);
    let after = [transfer("after", "0.90")];
    let decision = decided(&mut locked, &[&before, &group, &after, &group]);
    let refused = |refusal| (false, Some(refusal));
    let again = |refusal| (true, Some(refusal));
    use Refusal::{BatchRefused, InsufficientFunds};
    #[rustfmt::skip]
    assert_eq!(seen(&decision), [
        (false, None),
        refused(BatchRefused), refused(BatchRefused), refused(InsufficientFunds), refused(BatchRefused),
        (false, None),
        again(BatchRefused), again(BatchRefused), again(InsufficientFunds), again(BatchRefused),
    ]);
    assert_eq!(available(&locked), [0, 100]);
    assert_eq!(decision.entries.len(), 4, "two transfers, and nothing of the group");
    assert_eq!(decision.keys.len(), 6);
}

#[test]
fn a_group_is_done_once_and_stands_for_all_its_commands() {
    let mut locked = locked();
    let commands = || vec![transfer("g0", "0.50"), transfer("g1", "0.30")];
    let group = Command::atomic(commands());
    let longer = Command::atomic([commands(), vec![transfer("g2", "0.10")]].concat());
    let shorter = Command::atomic(commands()[..1].to_vec());
    let loose = commands();
    let groups: [&[Command]; 5] = [&group, &group, &longer, &shorter, &loose[..1]];
    let decision = decided(&mut locked, &groups);
    let reused = (false, Some(Refusal::KeyReused));
    #[rustfmt::skip]
    assert_eq!(seen(&decision), [
        (false, None), (false, None),
        (true, None), (true, None),
        reused, reused, reused,
        reused,
        reused,
    ]);
    assert_eq!(decision.outcomes[0].result, decision.outcomes[2].result);
    assert_eq!(decision.outcomes[1].result, decision.outcomes[3].result);
    assert_eq!(available(&locked), [20, 80]);
}

/// A stranger's wallet is neither touched nor are its keys used up.
#[test]
fn what_is_not_the_actors_is_not_remembered() {
    let mut locked = locked();
    let stranger = Command::atomic(vec![
        transfer("k", "5"),
        Command::withdraw(id(2), user("ana"), "k", payment("1")),
        Command::deposit(id(3), user("ana"), "k", payment("1")),
    ]);
    let forbidden = Command::atomic(vec![
        transfer("l", "0.10"),
        Command::withdraw(id(2), user("ana"), "l", payment("1")),
    ]);
    let decision = decided(&mut locked, &[&stranger, &forbidden, &stranger]);
    use Refusal::{BatchRefused, InsufficientFunds, WalletForbidden};
    #[rustfmt::skip]
    assert_eq!(seen(&decision), [
        (false, Some(InsufficientFunds)), (false, Some(BatchRefused)), (false, Some(BatchRefused)),
        (false, Some(BatchRefused)), (false, Some(WalletForbidden)),
        (true, Some(InsufficientFunds)), (true, Some(BatchRefused)), (true, Some(BatchRefused)),
    ]);
    let keys: Vec<Uuid> = decision.keys.iter().map(|row| row.wallet_id).collect();
    assert_eq!(keys, [id(1)], "only what the actor may act on is remembered");
    assert_eq!(available(&locked), [100, 0]);
}

proptest! {
    /// Either all of it happened, or nothing did.
    #[test]
    fn all_or_nothing(amounts in prop::collection::vec((0..3, 1..60i64), 2..8)) {
        let text = |minor| crate::ledger::money::format_minor(minor, Currency::Brl);
        let commands = amounts.iter().enumerate().map(|(place, (which, amount))| {
            let (key, payment) = (format!("g{place}"), payment(&text(*amount)));
            match which {
                0 => Command::deposit(id(2), Actor::Admin, &key, payment),
                1 => Command::withdraw(id(2), Actor::Admin, &key, payment),
                _ => Command::transfer(id(1), id(2), Actor::Admin, &key, payment),
            }
        });
        let group = Command::atomic(commands.collect());
        let mut locked = locked();
        let decision = decided(&mut locked, &[&group]);
        let done = decision.outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
        prop_assert!(done == 0 || done == group.len());
        let (mut ana, mut bia) = (100, 0);
        let mut possible = true;
        for (which, amount) in &amounts {
            match which {
                0 => bia += amount,
                1 => bia -= amount,
                _ => (ana, bia) = (ana - amount, bia + amount),
            }
            possible &= ana >= 0 && bia >= 0;
        }
        prop_assert_eq!(done > 0, possible);
        let want = if possible { [ana, bia] } else { [100, 0] };
        prop_assert_eq!(available(&locked), want);
        prop_assert_eq!(decision.entries.is_empty(), !possible);
    }
}
