//! Each fault that the judge must see, made on purpose in a ledger that is otherwise sound.

use super::*;
use crate::{mix::Operation, send::Receipt};

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);
/// The settlement wallet.
const S: Uuid = Uuid::from_u128(0x5);

struct World {
    writes: Writes,
    wallets: Vec<WalletRow>,
    entries: Vec<EntryRow>,
    events: Vec<EventRow>,
}

fn entry(wallet: Uuid, version: u64, amount: i64, after: i64, transaction: u128) -> EntryRow {
    EntryRow {
        wallet,
        at_us: i64::try_from(version).unwrap() * 10,
        version,
        amount_minor: amount,
        available_after_minor: after,
        held_after_minor: 0,
        transaction: Uuid::from_u128(transaction),
    }
}

fn event(entry: &EntryRow) -> EventRow {
    EventRow {
        wallet: entry.wallet,
        version: entry.version,
        available_after_minor: entry.available_after_minor,
        held_after_minor: entry.held_after_minor,
        transaction: entry.transaction,
    }
}

fn write(
    operation: Operation,
    destination: Option<Uuid>,
    amount: i64,
    transaction: u128,
    (version, after): (u64, i64),
) -> Acknowledged {
    let transaction_id = Uuid::from_u128(transaction);
    let receipt = Receipt {
        transaction_id,
        amount_minor: amount,
        fee_minor: 0,
        new_balance_minor: after,
        version,
    };
    Acknowledged { operation, wallet: A, destination, amount_minor: amount, receipt }
}

/// A got 100, paid 30 out and sent 20 to B.
fn sound() -> World {
    let row = |id, available_minor, version, settlement| WalletRow {
        id,
        currency: "BRL".into(),
        available_minor,
        held_minor: 0,
        version,
        settlement,
    };
    let entries = vec![
        entry(S, 1, -100, -100, 0x51),
        entry(S, 2, 30, -70, 0x52),
        entry(A, 1, 0, 0, 1),
        entry(A, 2, 100, 100, 2),
        entry(A, 3, -30, 70, 3),
        entry(A, 4, -20, 50, 4),
        entry(B, 1, 0, 0, 5),
        entry(B, 2, 20, 20, 4),
    ];
    let events = entries.iter().filter(|e| e.wallet != S).map(event);
    World {
        writes: Writes {
            wallets: vec![A, B],
            acknowledged: vec![
                write(Operation::Deposit, None, 100, 2, (2, 100)),
                write(Operation::Withdraw, None, 30, 3, (3, 70)),
                write(Operation::Transfer, Some(B), 20, 4, (4, 50)),
            ],
            ..Writes::default()
        },
        wallets: vec![row(A, 50, 4, false), row(B, 20, 2, false), row(S, -70, 2, true)],
        events: events.collect(),
        entries,
    }
}

fn judge(world: &World) -> Verdict {
    let mut judge = Judge::new(Some(&world.writes));
    world.wallets.iter().cloned().for_each(|row| judge.wallet(row));
    world.entries.iter().for_each(|row| judge.entry(row));
    judge.close_ledger();
    world.events.iter().for_each(|row| judge.event(row));
    judge.close_topic();
    judge.verdict()
}

#[test]
fn a_sound_ledger_is_clean_and_counted() {
    let verdict = judge(&sound());
    assert!(verdict.clean(), "{verdict:?}");
    assert_eq!((verdict.wallets, verdict.entries, verdict.events), (3, 8, 6));
}

#[test]
fn a_redelivered_event_is_counted_and_no_fault() {
    let mut world = sound();
    world.events.push(world.events[1]);
    let verdict = judge(&world);
    assert!(verdict.clean(), "{verdict:?}");
    assert_eq!(verdict.events_redelivered, 1);
}

/// A reserved 30, of which 20 were captured for B and the rest was released. Nobody of the run
/// asked for it.
#[test]
fn money_that_is_held_and_captured_is_still_somebodys() {
    let mut world = sound();
    world.writes = Writes::default();
    let held = |mut row: EntryRow, held| {
        row.held_after_minor = held;
        row
    };
    world.entries.insert(6, held(entry(A, 5, 0, 20, 6), 30));
    world.entries.insert(7, held(entry(A, 6, -20, 30, 7), 0));
    world.entries.push(entry(B, 3, 20, 40, 7));
    (world.wallets[0].available_minor, world.wallets[0].version) = (30, 6);
    (world.wallets[1].available_minor, world.wallets[1].version) = (40, 3);
    world.events = world.entries.iter().filter(|e| e.wallet != S).map(event).collect();
    let verdict = judge(&world);
    assert!(verdict.clean(), "{verdict:?}");
}

fn cut<T>(rows: &mut Vec<T>, index: usize) {
    rows.remove(index);
}

/// What is broken, how, and what the verdict counts: lost, doubled, wallets, streams, currencies.
type Case = (&'static str, fn(&mut World), [u64; 5]);

#[test]
fn each_fault_is_seen_and_counted_as_what_it_is() {
    let cases: &[Case] = &[
        ("an acknowledged write is missing", |w| cut(&mut w.entries, 4), [1, 0, 1, 1, 0]),
        (
            "one leg of a transfer is missing, row adjusted",
            |w| {
                w.entries.pop();
                w.events.pop();
                (w.wallets[1].available_minor, w.wallets[1].version) = (0, 1);
            },
            [1, 0, 0, 0, 1],
        ),
        (
            "a write was applied twice",
            |w| {
                w.entries.insert(6, entry(A, 5, -20, 30, 4));
                (w.wallets[0].available_minor, w.wallets[0].version) = (30, 5);
            },
            [1, 1, 0, 1, 1],
        ),
        (
            "money moved that nobody asked for",
            |w| {
                w.entries.insert(6, entry(A, 5, -20, 30, 9));
                (w.wallets[0].available_minor, w.wallets[0].version) = (30, 5);
            },
            [0, 1, 0, 1, 1],
        ),
        ("the row disagrees", |w| w.wallets[0].available_minor += 1, [0, 0, 1, 0, 1]),
        (
            "another amount was booked",
            |w| w.writes.acknowledged[0].amount_minor = 99,
            [1, 0, 0, 0, 0],
        ),
        ("the row holds other than the entries", |w| w.wallets[0].held_minor = 5, [0, 0, 1, 0, 1]),
        ("money is held from nowhere", |w| w.entries[5].held_after_minor = 5, [0, 0, 1, 1, 0]),
        ("an event lies about what is held", |w| w.events[1].held_after_minor = 5, [0, 0, 0, 1, 0]),
        ("a version is skipped", |w| w.entries[5].version = 6, [1, 0, 1, 1, 0]),
        ("time runs backwards", |w| w.entries[5].at_us = 1, [0, 0, 1, 0, 0]),
        ("the settlement side is missing", |w| w.wallets[2].available_minor = 0, [0, 0, 1, 0, 1]),
        ("an event is missing in the middle", |w| cut(&mut w.events, 1), [0, 0, 0, 1, 0]),
        ("the last event is missing", |w| w.events.truncate(5), [0, 0, 0, 1, 0]),
        ("two events are swapped", |w| w.events.swap(1, 2), [0, 0, 0, 1, 0]),
        ("an event lies", |w| w.events[1].available_after_minor = 7, [0, 0, 0, 1, 0]),
    ];
    for (name, break_it, want) in cases {
        let mut world = sound();
        break_it(&mut world);
        let v = judge(&world);
        assert!(!v.clean(), "{name} went unseen");
        let unbalanced = v.unbalanced_minor.len() as u64;
        let got = [v.lost, v.doubled, v.broken_wallets, v.broken_streams, unbalanced];
        assert_eq!(got, *want, "{name}: {:#?}", v.faults);
    }
}
