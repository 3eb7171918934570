//! The steps of a hold, what each does to wallets, and what is refused.

use super::*;
use crate::ledger::batch::{Decision, decide};
use crate::ledger::command::{Actor, Command, Done, Payment};
use crate::ledger::fee::Schedules;
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::{Locked, Stripes};
use crate::ledger::money::{Amount, Currency};
use crate::ledger::wallet::{BALANCE_MAX, Kind, Status, Wallet};
use proptest::prelude::*;

const NOW_US: i64 = 1_800_000_000_000_000;
const SECOND_US: i64 = 1_000_000;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn wallet(number: u128, available: i64, held: i64, status: Status) -> Wallet {
    let unopened = Wallet::unopened(id(number), "ana", Currency::Brl, Kind::Customer, 5);
    Wallet { available, held, status, version: 3, last_at_us: 5, ..unopened }
}

fn hold(state: State, captured: i64) -> Hold {
    Hold {
        id: id(70),
        wallet_id: id(1),
        to: None,
        amount: 100,
        captured,
        state,
        expires_us: NOW_US,
        created_us: NOW_US - SECOND_US,
    }
}

#[test]
fn a_hold_goes_along_its_ways_and_no_others() {
    use Refusal::{HoldExceeded, HoldExpired, HoldNotOpen};
    use State::{Captured, Expired, Open, Voided};
    let step = |paid, released| Step { paid, released };
    let (before, after) = (NOW_US - 1, NOW_US);
    let seen = |result: Result<(Hold, Step), Refusal>| {
        result.map(|(hold, step)| (hold.state, hold.captured, hold.remaining(), step))
    };
    #[rustfmt::skip]
    let captures = [
        (Open,     0,  100, false, before, Ok((Captured, 100, 0,  step(100, 0)))),
        (Open,     0,  30,  false, before, Ok((Open,     30,  70, step(30, 0)))),
        (Open,     30, 70,  false, before, Ok((Captured, 100, 0,  step(70, 0)))),
        (Open,     30, 20,  true,  before, Ok((Captured, 50,  0,  step(20, 50)))),
        (Open,     30, 71,  false, before, Err(HoldExceeded)),
        (Open,     0,  i64::MAX, true, before, Err(HoldExceeded)),
        (Open,     0,  1,   false, after,  Err(HoldExpired)),
        (Captured, 50, 1,   false, before, Err(HoldNotOpen)),
        (Captured, 50, 1,   false, after,  Err(HoldNotOpen)),
        (Voided,   0,  1,   false, before, Err(HoldNotOpen)),
        (Expired,  0,  1,   false, after,  Err(HoldExpired)),
    ];
    for (state, captured, amount, is_final, now_us, want) in captures {
        let got = seen(hold(state, captured).capture(amount, is_final, now_us));
        assert_eq!(got, want, "{amount} of {state:?} {captured}");
    }
    #[rustfmt::skip]
    let voids = [
        (Open,     0,  before, Ok((Voided, 0,  0, step(0, 100)))),
        (Open,     30, before, Ok((Voided, 30, 0, step(0, 70)))),
        (Open,     30, after,  Err(HoldExpired)),
        (Captured, 30, before, Err(HoldNotOpen)),
        (Voided,   0,  before, Err(HoldNotOpen)),
        (Expired,  0,  after,  Err(HoldExpired)),
    ];
    for (state, captured, now_us, want) in voids {
        assert_eq!(seen(hold(state, captured).void(now_us)), want, "void {state:?} {captured}");
    }
    #[rustfmt::skip]
    let expiries = [
        (Open,     30, after,  Ok((Expired, 30, 0, step(0, 70)))),
        (Open,     30, before, Err(HoldNotOpen)),
        (Captured, 30, after,  Err(HoldNotOpen)),
        (Voided,   0,  after,  Err(HoldNotOpen)),
        (Expired,  0,  after,  Err(HoldNotOpen)),
    ];
    for (state, captured, now_us, want) in expiries {
        assert_eq!(seen(hold(state, captured).expire(now_us)), want, "expire {state:?} {captured}");
    }
}

fn payment(amount: &str, currency: Option<Currency>) -> Payment {
    let amount = Amount::parse(amount).expect("an amount");
    Payment { amount, currency, reference: None, description: None }
}

fn authorize(to: Option<u128>, payment: Payment) -> Command {
    let to = to.map(id);
    let hold = Authorization { to, lifetime_seconds: 60, payment };
    Command::authorize(id(1), Actor::User("ana".into()), "k", hold)
}

fn capture(key: &str, to: Option<u128>, amount: Option<&str>, is_final: bool) -> Command {
    let amount = amount.map(|amount| Amount::parse(amount).expect("an amount"));
    let (to, by) = (to.map(id), Some("shop".into()));
    let capture = Capture { hold_id: id(70), to, amount, is_final, description: None, by };
    Command::capture(id(1), key, capture)
}

fn order() -> Order {
    Order { reason: "out of stock".into(), by: Some("shop".into()) }
}

fn locked(wallets: &[Wallet], hold: Option<Hold>) -> Locked {
    let mut ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.id).collect();
    ids.push(Stripes::new(0).of(Currency::Brl));
    ids.sort_unstable();
    let mut locked = Locked::new(&ids);
    wallets.iter().for_each(|wallet| locked.put_wallet(wallet.clone()));
    hold.into_iter().for_each(|hold| locked.put_hold(hold));
    locked
}

fn run<'a>(locked: &mut Locked, commands: &'a [Command], now_us: i64) -> Decision<'a> {
    let groups: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
    let mut ids = TransactionIds::new(1);
    let decision =
        decide(locked, &groups, &Stripes::new(0), &Schedules::default(), now_us, &mut ids);
    decision.expect("the stripes are locked")
}

#[test]
fn an_authorization_reserves_and_refuses_like_a_payment() {
    use Currency::{Brl, Jpy};
    use Refusal::{
        CurrencyMismatch, InsufficientFunds, ReceiverNotFound, SameWallet, TooManyDecimals,
        WalletClosed, WalletFrozen,
    };
    use Status::{Active, Closed, Frozen};
    let pay = |amount: &str| payment(amount, Some(Brl));
    let mut yen = wallet(3, 0, 0, Closed);
    yen.currency = Jpy;
    #[rustfmt::skip]
    let table = [
        (Frozen, authorize(Some(1), pay("9.001")),            Err(SameWallet)),
        (Frozen, authorize(Some(9), pay("9.001")),            Err(ReceiverNotFound)),
        (Frozen, authorize(Some(3), pay("9.001")),            Err(CurrencyMismatch)),
        (Frozen, authorize(None,    payment("9", Some(Jpy))), Err(CurrencyMismatch)),
        (Frozen, authorize(Some(2), pay("9.001")),            Err(TooManyDecimals)),
        (Frozen, authorize(Some(2), pay("9")),                Err(WalletClosed)),
        (Frozen, authorize(None,    pay("9")),                Err(WalletFrozen)),
        (Active, authorize(None,    pay("1.01")),             Err(InsufficientFunds)),
        (Active, authorize(None,    pay("1")),                Ok((0, 100))),
        (Active, authorize(None,    pay("0.30")),             Ok((70, 30))),
    ];
    for (status, command, want) in table {
        let wallets = [wallet(1, 100, 0, status), wallet(2, 0, 0, Closed), yen.clone()];
        let mut locked = locked(&wallets, None);
        let decision = run(&mut locked, std::slice::from_ref(&command), NOW_US);
        let got = decision.outcomes[0].result.clone().map(|done| {
            let Done::Transaction(done) = done else { panic!("a wallet was opened") };
            let [entry] = &decision.entries[..] else { panic!("nothing is settled") };
            let hold = locked.hold(id(1), done.id).expect("opened").clone();
            assert_eq!((entry.kind, entry.amount), (EntryKind::HoldAuthorized, 0));
            assert_eq!((entry.held_change, entry.about), (hold.amount, Some(hold.id)));
            assert_eq!((hold.state, hold.captured), (State::Open, 0));
            assert_eq!(hold.expires_us, NOW_US + 60 * SECOND_US);
            assert_eq!((done.amount, done.held_after), (hold.amount, hold.amount));
            (entry.available_after, entry.held_after)
        });
        assert_eq!(got, want, "{command:?}");
        assert_eq!(locked.changed_holds().count(), usize::from(want.is_ok()));
    }
}

#[test]
fn a_capture_pays_and_refuses() {
    use Refusal::{
        BalanceLimit, HoldExceeded, HoldExpired, HoldNotFound, TooManyDecimals, WalletClosed,
        WalletFrozen,
    };
    use Status::{Active, Closed, Frozen};
    let open =
        |to: Option<u128>| Hold { to: to.map(id), expires_us: NOW_US + 1, ..hold(State::Open, 0) };
    let (payer, payee) = (wallet(1, 5, 100, Active), wallet(2, 7, 0, Active));
    let (frozen, closed) = (wallet(1, 5, 100, Frozen), wallet(2, 7, 0, Closed));
    let rich = wallet(2, BALANCE_MAX, 0, Active);
    let stopped = wallet(2, 7, 0, Frozen);
    let expired = Hold { expires_us: NOW_US, ..open(Some(2)) };
    #[rustfmt::skip]
    let table = [
        (&frozen, &closed, None,                capture("k", None,    Some("0.001"), false), Err(HoldNotFound)),
        (&frozen, &closed, Some(open(Some(2))), capture("k", None,    Some("0.001"), false), Err(HoldNotFound)),
        (&frozen, &closed, Some(expired),       capture("k", Some(2), Some("0.001"), false), Err(HoldExpired)),
        (&frozen, &closed, Some(open(Some(2))), capture("k", Some(2), Some("0.001"), false), Err(TooManyDecimals)),
        (&frozen, &closed, Some(open(Some(2))), capture("k", Some(2), Some("1.01"),  false), Err(HoldExceeded)),
        (&frozen, &closed, Some(open(Some(2))), capture("k", Some(2), None,          false), Err(WalletClosed)),
        (&frozen, &rich,   Some(open(Some(2))), capture("k", Some(2), None,          false), Err(WalletFrozen)),
        (&payer, &stopped, Some(open(Some(2))), capture("k", Some(2), None,          false), Err(WalletFrozen)),
        (&payer,  &rich,   Some(open(Some(2))), capture("k", Some(2), Some("0.01"),  false), Err(BalanceLimit)),
        // Left of the payer, held of the payer, had by the payee.
        (&payer,  &payee,  Some(open(Some(2))), capture("k", Some(2), None,          false), Ok((5, 0, 107))),
        (&payer,  &payee,  Some(open(Some(2))), capture("k", Some(2), Some("0.30"),  false), Ok((5, 70, 37))),
        (&payer,  &payee,  Some(open(Some(2))), capture("k", Some(2), Some("0.30"),  true),  Ok((75, 0, 37))),
        (&payer,  &payee,  Some(open(None)),    capture("k", None,    Some("0.30"),  false), Ok((5, 70, 7))),
    ];
    for (payer, payee, hold, command, want) in table {
        let mut locked = locked(&[payer.clone(), payee.clone()], hold);
        let decision = run(&mut locked, std::slice::from_ref(&command), NOW_US);
        let refused = decision.outcomes[0].result.as_ref().err().copied();
        assert_eq!(refused, want.err(), "{command:?}");
        assert_eq!(decision.entries.is_empty(), refused.is_some());
        if let Ok((left, held, had)) = want {
            let (payer, payee) = (locked.wallet(id(1)), locked.wallet(id(2)));
            let (payer, payee) = (payer.expect("locked"), payee.expect("locked"));
            assert_eq!((payer.available, payer.held, payee.available), (left, held, had));
            assert!(decision.entries.iter().all(|e| e.kind == EntryKind::Settlement
                || e.about == Some(id(70)) && e.actor == Some("shop")));
        }
    }
}

/// Of commands that come at once each sees what the one before it left.
#[test]
fn a_hold_is_captured_no_more_than_once_in_a_batch() {
    let open = Hold { expires_us: NOW_US + 1, ..hold(State::Open, 0) };
    let mut locked = locked(&[wallet(1, 0, 100, Status::Active)], Some(open));
    let commands = [
        capture("a", None, Some("0.60"), false),
        capture("b", None, Some("0.60"), false),
        capture("a", None, Some("0.60"), false),
        capture("a", None, Some("0.50"), false),
        capture("c", None, None, false),
        capture("d", None, None, false),
        Command::void(id(1), "e", id(70), order()),
        Command::expire(id(1), id(70)),
    ];
    let decision = run(&mut locked, &commands, NOW_US);
    let seen: Vec<_> =
        decision.outcomes.iter().map(|o| (o.replayed, o.result.as_ref().err().copied())).collect();
    use Refusal::{HoldExceeded, HoldNotOpen, KeyReused};
    #[rustfmt::skip]
    assert_eq!(seen, [
        (false, None), (false, Some(HoldExceeded)), (true, None), (false, Some(KeyReused)),
        (false, None), (false, Some(HoldNotOpen)), (false, Some(HoldNotOpen)),
        (false, Some(HoldNotOpen)),
    ]);
    let wallet = locked.wallet(id(1)).expect("locked");
    assert_eq!((wallet.available, wallet.held), (0, 0));
    assert_eq!(decision.keys.len(), 5, "an expiry has no key");
}

/// The clock decides: one microsecond before, the money is taken; at the instant, it goes back.
#[test]
fn at_its_instant_a_hold_is_given_back_and_not_captured() {
    for (now_us, captured) in [(NOW_US - 1, true), (NOW_US, false), (NOW_US + 9 * SECOND_US, false)]
    {
        let open = hold(State::Open, 0);
        let mut locked = locked(&[wallet(1, 0, 100, Status::Frozen)], Some(open));
        // Not even a freeze keeps an expired hold's money.
        locked.put_wallet(Wallet {
            status: if captured { Status::Active } else { Status::Frozen },
            ..wallet(1, 0, 100, Status::Active)
        });
        let commands = [Command::expire(id(1), id(70)), capture("k", None, None, false)];
        let decision = run(&mut locked, &commands, now_us);
        let results: Vec<_> =
            decision.outcomes.iter().map(|o| o.result.as_ref().err().copied()).collect();
        let wallet = locked.wallet(id(1)).expect("locked");
        if captured {
            assert_eq!(results, [Some(Refusal::HoldNotOpen), None], "{now_us}");
            assert_eq!((wallet.available, wallet.held), (0, 0));
        } else {
            assert_eq!(results, [None, Some(Refusal::HoldExpired)], "{now_us}");
            assert_eq!((wallet.available, wallet.held), (100, 0));
        }
    }
}

proptest! {
    /// Whatever is tried and when: nothing is captured beyond the amount or after the time, and
    /// what was held is in the end captured or given back, exactly.
    #[test]
    fn what_is_held_is_captured_or_given_back(
        steps in prop::collection::vec((0..3, 1..80i64, any::<bool>(), -5..5i64), 1..12),
    ) {
        let mut hold = hold(State::Open, 0);
        let (mut paid, mut released) = (0, 0);
        for (which, amount, is_final, when) in steps {
            let now_us = NOW_US + when;
            let result = match which {
                0 => hold.clone().capture(amount, is_final, now_us),
                1 => hold.clone().void(now_us),
                _ => hold.clone().expire(now_us),
            };
            if let Ok((next, step)) = result {
                prop_assert!(hold.state == State::Open, "a step from {:?}", hold.state);
                prop_assert!(step.paid == 0 || now_us < hold.expires_us);
                prop_assert_eq!(hold.remaining(), step.paid + step.released + next.remaining());
                paid += step.paid;
                released += step.released;
                hold = next;
            }
        }
        prop_assert_eq!(paid, hold.captured);
        prop_assert_eq!(paid + released + hold.remaining(), hold.amount);
        prop_assert!(hold.state == State::Open || hold.remaining() == 0);
    }
}
