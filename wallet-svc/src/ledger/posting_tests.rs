//! What a posting of several legs does and refuses, by descending precedence.

use super::*;
use crate::ledger::batch::decide;
use crate::ledger::command::{Command, Done};
use crate::ledger::fee::Schedules;
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::{Locked, Stripes};
use crate::ledger::wallet::{BALANCE_MAX, Kind, Status};
use proptest::prelude::*;

const NOW_US: i64 = 1_800_000_000_000_000;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn wallet(number: u128, user: &str, available: i64, status: Status) -> Wallet {
    let currency = if number == 9 { Currency::Jpy } else { Currency::Brl };
    let unopened = Wallet::unopened(id(number), user, currency, Kind::Customer, 5);
    Wallet { available, status, version: 3, last_at_us: 5, ..unopened }
}

/// A negative amount is paid.
fn post(legs: &[(u128, &str)], currency: Option<Currency>) -> Command {
    let leg = |(number, amount): &(u128, &str)| PostingLeg {
        wallet_id: id(*number),
        pays: amount.starts_with('-'),
        amount: Amount::parse(amount.trim_start_matches('-')).expect("an amount"),
    };
    let legs = legs.iter().map(leg).collect();
    let posting = Posting { legs, currency, reference: None, description: None };
    Command::post(Actor::User("ana".into()), "k", posting)
}

/// Wallet, kind, amount and balance after of each entry, or the refusal.
type Seen = Result<Vec<(u128, EntryKind, i64, i64)>, Refusal>;

fn one(wallets: &[Wallet], command: &Command) -> Seen {
    let mut ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.id).collect();
    ids.extend(command.wallets());
    ids.sort_unstable();
    ids.dedup();
    let mut locked = Locked::new(&ids);
    wallets.iter().for_each(|wallet| locked.put_wallet(wallet.clone()));
    let groups = [std::slice::from_ref(command)];
    let mut ids = TransactionIds::new(1);
    // No settlement wallet is locked, and none is needed.
    let decision =
        decide(&mut locked, &groups, &Stripes::new(0), &Schedules::default(), NOW_US, &mut ids);
    let decision = decision.expect("nothing comes from outside");
    let Done::Transaction(done) = decision.outcomes[0].result.clone()? else {
        panic!("a wallet was opened")
    };
    assert_eq!(done.wallet_id, command.wallet_id);
    let seen = decision.entries.iter().map(|entry| {
        assert_eq!((entry.txn_id, entry.at_us), (done.id, NOW_US));
        (entry.wallet_id.as_u128(), entry.kind, entry.amount, entry.available_after)
    });
    Ok(seen.collect())
}

#[test]
fn what_a_posting_does_and_refuses() {
    use EntryKind::{TransferIn, TransferOut};
    use Refusal::{
        BalanceLimit, CurrencyMismatch, InsufficientFunds, ReceiverNotFound, TooManyDecimals,
        Unbalanced, WalletClosed, WalletForbidden, WalletFrozen,
    };
    use Status::{Active, Closed, Frozen};
    let wallets = [
        wallet(1, "ana", 100, Active),
        wallet(2, "ana", 50, Active),
        wallet(3, "bia", 0, Active),
        wallet(4, "bia", BALANCE_MAX, Active),
        wallet(5, "bia", 0, Frozen),
        wallet(6, "bia", 0, Closed),
        wallet(9, "ana", 100, Active),
    ];
    let yen = Some(Currency::Jpy);
    #[rustfmt::skip]
    let table = [
        (post(&[(1, "-9.001"), (8, "5"), (9, "1")], yen),        Err(ReceiverNotFound)),
        (post(&[(1, "-9.001"), (3, "-5"), (9, "1")], yen),       Err(WalletForbidden)),
        (post(&[(1, "-9.001"), (6, "5"), (9, "1")], None),       Err(CurrencyMismatch)),
        (post(&[(1, "-9.001"), (6, "5"), (5, "1")], yen),        Err(CurrencyMismatch)),
        (post(&[(1, "-9.001"), (6, "5"), (5, "1")], None),       Err(TooManyDecimals)),
        (post(&[(1, "-9"), (6, "5"), (5, "4.01")], None),        Err(Unbalanced)),
        (post(&[(1, "-9"), (5, "5"), (6, "4")], None),           Err(WalletClosed)),
        (post(&[(1, "-9"), (5, "5"), (4, "4")], None),           Err(WalletFrozen)),
        (post(&[(1, "-1"), (2, "-0.51"), (4, "1.51")], None),    Err(InsufficientFunds)),
        (post(&[(1, "-1"), (3, "0.99"), (4, "0.01")], None),     Err(BalanceLimit)),
        (post(&[(1, "-1"), (3, "1")], None),
            Ok(vec![(1, TransferOut, -100, 0), (3, TransferIn, 100, 100)])),
        (post(&[(3, "0.75"), (2, "-0.50"), (1, "-0.25")], Some(Currency::Brl)),
            Ok(vec![(2, TransferOut, -50, 0), (1, TransferOut, -25, 75), (3, TransferIn, 75, 75)])),
        (post(&[(1, "-1"), (2, "0.60"), (3, "0.40")], None),
            Ok(vec![(1, TransferOut, -100, 0), (3, TransferIn, 40, 40), (2, TransferIn, 60, 110)])),
    ];
    for (command, want) in table {
        assert_eq!(one(&wallets, &command), want, "{command:?}");
    }
}

proptest! {
    /// However the money is cut, it arrives.
    #[test]
    fn what_is_paid_is_had(parts in prop::collection::vec(1..5_000i64, 1..20)) {
        let sum: i64 = parts.iter().sum();
        let mut wallets = vec![wallet(1, "ana", sum, Status::Active)];
        let text = |minor| crate::ledger::money::format_minor(minor, Currency::Brl);
        let mut legs = vec![(1, format!("-{}", text(sum)))];
        for (number, part) in (10u128..).zip(&parts) {
            wallets.push(wallet(number, "bia", 7, Status::Active));
            legs.push((number, text(*part)));
        }
        let legs: Vec<(u128, &str)> = legs.iter().map(|(n, amount)| (*n, &amount[..])).collect();
        let entries = one(&wallets, &post(&legs, None)).expect("all are active");
        prop_assert_eq!(entries.iter().map(|(.., amount, _)| amount).sum::<i64>(), 0);
        for (number, part) in (10u128..).zip(&parts) {
            let (.., after) = entries.iter().find(|entry| entry.0 == number).expect("an entry");
            prop_assert_eq!(*after, 7 + part);
        }
    }
}
