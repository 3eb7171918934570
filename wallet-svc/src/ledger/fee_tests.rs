//! What a payment costs, when, and where the money goes.

use super::*;
use crate::ledger::batch::{Decision, decide};
use crate::ledger::command::{Actor, Command, Done, Order, Payment, Refusal};
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::{Locked, Stripes};
use crate::ledger::money::Amount;
use crate::ledger::reversal::{Reversal, Undone};
use crate::ledger::wallet::{Kind, Wallet};
use Chargeable::{Transfer, Withdrawal};
use proptest::prelude::*;
use protocol::wallet::EntryKind;
use uuid::Uuid;

const START_US: i64 = 1_800_000_000_000_000;

fn from(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).expect("an instant")
}

fn rate(of: Chargeable, basis_points: u16, fixed: i64, max: Option<i64>) -> Rate {
    Rate { of, currency: Currency::Brl, basis_points, fixed, max }
}

fn schedule(version: u32, us: i64, rates: Vec<Rate>) -> Schedule {
    Schedule { version, valid_from: from(us), rates }
}

/// First a tenth of a percent for a withdrawal, a day later one percent and three, fifty at most.
fn schedules() -> Schedules {
    let first = schedule(1, START_US, vec![rate(Withdrawal, 10, 0, None)]);
    let dear = vec![rate(Withdrawal, 100, 3, Some(50)), rate(Transfer, 0, 2, None)];
    Schedules::new(vec![first, schedule(2, START_US + 1_000, dear)]).expect("in order")
}

#[test]
fn a_version_counts_from_its_instant_and_parts_are_dropped() {
    let (one, two) = (START_US, START_US + 1_000);
    #[rustfmt::skip]
    let table = [
        (Withdrawal, Currency::Brl, 1_000,  one - 1, 0),
        (Withdrawal, Currency::Brl, 1_000,  one,     1),
        (Withdrawal, Currency::Brl, 1_999,  one,     1),
        (Withdrawal, Currency::Brl, 999,    one,     0),
        (Withdrawal, Currency::Brl, 1_000,  two - 1, 1),
        (Withdrawal, Currency::Brl, 1_000,  two,     13),
        (Withdrawal, Currency::Brl, 1,      two,     3),
        (Withdrawal, Currency::Brl, 4_700,  two,     50),
        (Withdrawal, Currency::Brl, 99_999_999, two, 50),
        (Withdrawal, Currency::Jpy, 1_000,  two,     0),
        (Transfer,   Currency::Brl, 1_000,  one,     0),
        (Transfer,   Currency::Brl, 1_000,  two,     2),
    ];
    for (of, currency, amount, now_us, want) in table {
        let got = schedules().fee(of, currency, amount, now_us);
        assert_eq!(got, want, "{of:?} {currency} {amount} at {now_us}");
    }
}

#[test]
fn schedules_that_make_no_sense_are_refused() {
    let r = || rate(Withdrawal, 1, 1, None);
    #[rustfmt::skip]
    let table = [
        (vec![schedule(1, 5, vec![]), schedule(1, 6, vec![])],        ScheduleError::Order(1)),
        (vec![schedule(2, 5, vec![]), schedule(3, 5, vec![])],        ScheduleError::Order(3)),
        (vec![schedule(1, 5, vec![r(), r()])],                        ScheduleError::Twice(1)),
        (vec![schedule(1, 5, vec![rate(Transfer, 10_001, 0, None)])], ScheduleError::Rate(1)),
        (vec![schedule(1, 5, vec![rate(Transfer, 1, -1, None)])],     ScheduleError::Rate(1)),
        (vec![schedule(1, 5, vec![rate(Transfer, 1, 1, Some(-1))])],  ScheduleError::Rate(1)),
    ];
    for (schedules, want) in table {
        assert_eq!(Schedules::new(schedules.clone()), Err(want), "{schedules:?}");
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn payment(minor: i64) -> Payment {
    let text = crate::ledger::money::format_minor(minor, Currency::Brl);
    let amount = Amount::parse(&text).expect("our own text");
    Payment { amount, currency: None, reference: None, description: None }
}

fn locked(have: i64) -> Locked {
    let stripes = Stripes::new(0);
    let ours = [stripes.of(Currency::Brl), stripes.revenue(Currency::Brl)];
    let mut ids = vec![id(1), id(2), ours[0], ours[1]];
    ids.sort_unstable();
    let mut locked = Locked::new(&ids);
    for number in [1, 2] {
        let wallet = Wallet::unopened(id(number), "ana", Currency::Brl, Kind::Customer, 5);
        locked.put_wallet(Wallet { available: have, version: 1, last_at_us: 5, ..wallet });
    }
    locked
}

fn run<'a>(locked: &mut Locked, commands: &'a [Command]) -> Decision<'a> {
    let groups: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
    let (stripes, fees, mut ids) = (Stripes::new(0), schedules(), TransactionIds::new(1));
    let decision = decide(locked, &groups, &stripes, &fees, START_US + 1_000, &mut ids);
    decision.expect("our wallets are locked")
}

/// What Ana, Bia, settlement and revenue have.
fn have(locked: &Locked) -> [i64; 4] {
    let stripes = Stripes::new(0);
    let all = [id(1), id(2), stripes.of(Currency::Brl), stripes.revenue(Currency::Brl)];
    all.map(|id| locked.wallet(id).map_or(0, |wallet| wallet.available))
}

fn undo(decision: &Decision<'_>, place: usize) -> Command {
    let Ok(Done::Transaction(done)) = &decision.outcomes[place].result else { panic!("not done") };
    let customers = decision.entries.iter().filter(|e| e.txn_id == done.id);
    let undone = customers.map(|e| Undone {
        wallet_id: e.wallet_id,
        kind: e.kind,
        amount: e.amount,
        fee: e.fee,
    });
    let (undone, order) = (undone.collect(), Order { reason: "r".into(), by: None });
    Command::reverse(&format!("undo {place}"), Reversal { transaction_id: done.id, undone, order })
}

#[test]
fn a_fee_is_paid_beside_the_amount_and_given_back_with_it() {
    let mut locked = locked(1_013);
    let commands = [
        Command::withdraw(id(1), Actor::Admin, "w", payment(1_000)),
        Command::transfer(id(2), id(1), Actor::Admin, "t", payment(100)),
        Command::deposit(id(2), Actor::Admin, "d", payment(1)),
        // It would cover the amount and not the fee.
        Command::withdraw(id(1), Actor::Admin, "short", payment(100)),
    ];
    let decision = run(&mut locked, &commands);
    let told = |place: usize| match &decision.outcomes[place].result {
        Ok(Done::Transaction(done)) => Ok((done.amount, done.fee, done.available_after)),
        Ok(Done::Wallet(_)) => panic!("a wallet was opened"),
        Err(refusal) => Err(*refusal),
    };
    assert_eq!(
        [told(0), told(1), told(2)],
        [Ok((1_000, 13, 0)), Ok((100, 2, 911)), Ok((1, 0, 912))]
    );
    assert_eq!(told(3), Err(Refusal::InsufficientFunds));
    assert_eq!(have(&locked), [100, 912, 999, 15]);
    let ours = decision.entries.iter().filter(|e| e.kind == EntryKind::Revenue);
    assert_eq!(ours.map(|e| e.amount).collect::<Vec<_>>(), [15], "one entry a batch");

    let undoing = [undo(&decision, 0), undo(&decision, 1)];
    let undone = run(&mut locked, &undoing);
    assert!(undone.outcomes.iter().all(|outcome| outcome.result.is_ok()), "{undone:?}");
    assert_eq!(have(&locked), [1_013, 1_014, -1, 0]);
}

proptest! {
    /// Whatever is paid and undone: what customers were charged is what we have.
    #[test]
    fn fees_are_neither_made_nor_lost(
        payments in prop::collection::vec((any::<bool>(), 1..5_000i64, any::<bool>()), 1..12),
    ) {
        let mut locked = locked(20_000);
        let mut charged = 0;
        for (place, (withdraw, amount, undone)) in payments.into_iter().enumerate() {
            let key = place.to_string();
            let command = if withdraw {
                Command::withdraw(id(1), Actor::Admin, &key, payment(amount))
            } else {
                Command::transfer(id(1), id(2), Actor::Admin, &key, payment(amount))
            };
            let commands = [command];
            let decision = run(&mut locked, &commands);
            charged += decision.entries.iter().map(|e| e.fee).sum::<i64>();
            if undone && decision.outcomes[0].result.is_ok() {
                let undoing = [undo(&decision, 0)];
                let undone = run(&mut locked, &undoing);
                charged += undone.entries.iter().map(|e| e.fee).sum::<i64>();
            }
            let [ana, bia, settlement, revenue] = have(&locked);
            prop_assert_eq!(revenue, charged);
            prop_assert_eq!(ana + bia + settlement + revenue, 40_000);
        }
    }
}
