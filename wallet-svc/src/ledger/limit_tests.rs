//! Days and minutes end when they end, and what counts counts.

use super::*;
use crate::ledger::batch::decide;
use crate::ledger::command::{Actor, Authorization, Command, Payment};
use crate::ledger::fee::Schedules;
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::{Locked, Stripes};
use crate::ledger::money::{Amount, Currency};
use crate::ledger::wallet::Kind;
use proptest::prelude::*;
use uuid::Uuid;

/// Midnight in Brasília, between 14 and 15 January 2027.
const MIDNIGHT_US: i64 = 1_799_982_000_000_000;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn a_day_ends_at_midnight_in_brasilia_and_a_minute_with_the_minute() {
    let used = Usage::default().with(70, MIDNIGHT_US - 1);
    assert_eq!((used.day_out, used.minute_count), (70, 1));
    let same = used.with(5, MIDNIGHT_US - 1);
    assert_eq!((same.day_out, same.minute_count), (75, 2));
    let next = same.with(1, MIDNIGHT_US);
    assert_eq!((next.day, next.day_out, next.minute_count), (same.day + 1, 1, 1));
    let later = next.with(1, MIDNIGHT_US + MINUTE_US);
    assert_eq!((later.day_out, later.minute_count), (2, 1));
    // The clock goes back: the newer day and minute stay.
    assert_eq!(later.with(1, MIDNIGHT_US - 1), Usage { day_out: 3, minute_count: 2, ..later });
}

#[test]
fn a_limit_is_what_may_just_be_reached() {
    use Refusal::{DailyLimit, VelocityLimit};
    let limits = |day_out_max, minute_count_max| Limits { day_out_max, minute_count_max };
    let used = Usage::default().with(70, MIDNIGHT_US);
    #[rustfmt::skip]
    let table = [
        (limits(None, None),          i64::MAX, Ok(())),
        (limits(Some(100), None),     30,       Ok(())),
        (limits(Some(100), None),     31,       Err(DailyLimit)),
        (limits(Some(100), None),     i64::MAX, Err(DailyLimit)),
        (limits(Some(0), None),       1,        Err(DailyLimit)),
        (limits(None, Some(2)),       1,        Ok(())),
        (limits(None, Some(1)),       1,        Err(VelocityLimit)),
        (limits(Some(0), Some(0)),    1,        Err(VelocityLimit)),
    ];
    for (limits, amount, want) in table {
        assert_eq!(limits.allow(used, amount, MIDNIGHT_US), want, "{limits:?} {amount}");
    }
}

fn payment(minor: i64) -> Payment {
    let text = crate::ledger::money::format_minor(minor, Currency::Brl);
    let amount = Amount::parse(&text).expect("our own text");
    Payment { amount, currency: None, reference: None, description: None }
}

/// What each kind of command pays of 100 a day and three a minute.
#[test]
fn withdrawals_transfers_and_holds_count_and_nothing_else_does() {
    let stripes = Stripes::new(0);
    let mut ids = vec![id(1), id(2), stripes.of(Currency::Brl)];
    ids.sort_unstable();
    let mut locked = Locked::new(&ids);
    for number in [1, 2] {
        let wallet = Wallet::unopened(id(number), "ana", Currency::Brl, Kind::Customer, 5);
        locked.put_wallet(Wallet { available: 1_000, version: 1, last_at_us: 5, ..wallet });
    }
    let limiting = Limiting {
        day_out: Some(Amount::parse("1.00").expect("an amount")),
        minute_count: Some(3),
        note: "daily debit 1.00, debits per minute 3: new customer".into(),
        by: Some("clara".into()),
    };
    let hold = Authorization { to: None, lifetime_seconds: 9, payment: payment(20) };
    let ana = || Actor::User("ana".into());
    let first = [
        Command::limit(id(1), "l", limiting),
        Command::deposit(id(1), ana(), "d", payment(500)),
        Command::transfer(id(2), id(1), ana(), "in", payment(300)),
        Command::withdraw(id(1), ana(), "w", payment(50)),
        Command::withdraw(id(1), ana(), "too much", payment(51)),
        Command::authorize(id(1), ana(), "h", hold),
        Command::transfer(id(1), id(2), ana(), "t", payment(30)),
        Command::withdraw(id(1), ana(), "too often", payment(1)),
    ];
    let later = [
        Command::withdraw(id(1), ana(), "day is over", payment(1)),
        Command::deposit(id(1), ana(), "d2", payment(1)),
    ];
    let tomorrow = [
        Command::withdraw(id(1), ana(), "day is over", payment(1)),
        Command::withdraw(id(1), ana(), "new day", payment(100)),
    ];
    let mut results = Vec::new();
    let mut transactions = TransactionIds::new(1);
    let times = [MIDNIGHT_US, MIDNIGHT_US + MINUTE_US, MIDNIGHT_US + DAY_US];
    for (commands, now_us) in [&first[..], &later, &tomorrow].into_iter().zip(times) {
        let groups: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
        let decision = decide(
            &mut locked,
            &groups,
            &stripes,
            &Schedules::default(),
            now_us,
            &mut transactions,
        );
        let decision = decision.expect("the stripes are locked");
        results.extend(decision.outcomes.iter().map(|o| o.result.as_ref().err().copied()));
    }
    let (day, often) = (Some(Refusal::DailyLimit), Some(Refusal::VelocityLimit));
    #[rustfmt::skip]
    assert_eq!(results, [
        None, None, None, None, day, None, None, often,
        day, None,
        // A daily refusal stays under its key; the next day needs a new one.
        day, None,
    ]);
    let wallet = locked.wallet(id(1)).expect("locked");
    assert_eq!((wallet.usage.day_out, wallet.usage.minute_count), (100, 1));
}

proptest! {
    /// Of whatever is tried over some days, no day pays more than its limit and no minute more often.
    #[test]
    fn no_day_and_no_minute_passes_its_limit(
        tries in prop::collection::vec((1..60i64, 0..40i64), 1..60),
    ) {
        let limits = Limits { day_out_max: Some(100), minute_count_max: Some(2) };
        let (mut usage, mut now_us) = (Usage::default(), MIDNIGHT_US - 2 * DAY_US);
        let mut days = std::collections::BTreeMap::new();
        let mut minutes = std::collections::BTreeMap::new();
        for (amount, wait) in tries {
            now_us += wait * wait * 30_000_000;
            if limits.allow(usage, amount, now_us).is_ok() {
                usage = usage.with(amount, now_us);
                *days.entry((now_us - DAY_OFFSET_US) / DAY_US).or_insert(0) += amount;
                *minutes.entry(now_us / MINUTE_US).or_insert(0) += 1;
            }
        }
        prop_assert!(days.values().all(|sum| *sum <= 100), "{:?}", days);
        prop_assert!(minutes.values().all(|count| *count <= 2), "{:?}", minutes);
    }
}
