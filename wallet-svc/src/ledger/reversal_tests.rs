//! What a reversal does and refuses, by descending precedence.

use super::*;
use crate::ledger::batch::decide;
use crate::ledger::command::{Actor, Command, Done};
use crate::ledger::fee::Schedules;
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::{Locked, Stripes};
use crate::ledger::money::Currency;
use crate::ledger::wallet::{BALANCE_MAX, Kind, Status, Wallet};
use EntryKind::{Deposit, ReversalIn, ReversalOut, TransferIn, TransferOut, Withdrawal};
use proptest::prelude::*;

const NOW_US: i64 = 1_800_000_000_000_000;
const T: Uuid = Uuid::from_u128(77);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn wallet(number: u128, available: i64, status: Status) -> Wallet {
    let unopened = Wallet::unopened(id(number), "ana", Currency::Brl, Kind::Customer, 5);
    Wallet { available, status, version: 3, last_at_us: 5, ..unopened }
}

fn locked(wallets: &[Wallet], stripes: &Stripes) -> Locked {
    let mut ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.id).collect();
    ids.push(stripes.of(Currency::Brl));
    ids.sort_unstable();
    let mut locked = Locked::new(&ids);
    wallets.iter().for_each(|wallet| locked.put_wallet(wallet.clone()));
    locked
}

fn reverse(key: &str, undone: &[(u128, EntryKind, i64)]) -> Command {
    let entry = |(number, kind, amount): &(u128, EntryKind, i64)| Undone {
        wallet_id: id(*number),
        kind: *kind,
        amount: *amount,
        fee: 0,
    };
    let undone = undone.iter().map(entry).collect();
    let order = Order { reason: "by mistake".into(), by: Some("clara".into()) };
    Command::reverse(key, Reversal { transaction_id: T, undone, order })
}

/// Kind, amount and balance after of each entry, or the refusal.
type Seen = Result<Vec<(u128, EntryKind, i64, i64)>, Refusal>;

fn one(wallets: &[Wallet], reversed: bool, undone: &[(u128, EntryKind, i64)]) -> Seen {
    let stripes = Stripes::new(0);
    let mut locked = locked(wallets, &stripes);
    if reversed {
        locked.put_reversal(T, id(78));
    }
    let commands = [reverse("k", undone)];
    let commands: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
    let mut ids = TransactionIds::new(1);
    let decision =
        decide(&mut locked, &commands, &stripes, &Schedules::default(), NOW_US, &mut ids);
    let decision = decision.expect("the stripes are locked");
    let outcome = decision.outcomes[0].result.clone();
    let written = decision.reversals.len();
    assert_eq!(outcome.is_ok(), written == 1, "one row for one reversal");
    let Done::Transaction(done) = outcome? else { panic!("a wallet was opened") };
    assert_eq!((done.wallet_id, done.about), (id(undone[0].0), Some(T)));
    let customers = decision.entries.iter().filter(|entry| entry.kind != EntryKind::Settlement);
    Ok(customers
        .map(|entry| {
            assert_eq!((entry.about, entry.actor), (Some(T), Some("clara")));
            assert_eq!((entry.txn_id, entry.at_us), (done.id, NOW_US));
            (entry.wallet_id.as_u128(), entry.kind, entry.amount, entry.available_after)
        })
        .collect())
}

#[test]
fn what_a_reversal_does_and_refuses() {
    use Refusal::{
        AlreadyReversed, BalanceLimit, InsufficientFunds, NotReversible, WalletClosed, WalletFrozen,
    };
    use Status::{Active, Closed, Frozen};
    let (full, poor) = (wallet(1, 100, Active), wallet(2, 10, Active));
    let (frozen, closed) = (wallet(1, 100, Frozen), wallet(2, 10, Closed));
    let rich = wallet(1, BALANCE_MAX, Active);
    let sent = [(1, TransferOut, -30), (2, TransferIn, 30)];
    let rent = [(1, TransferOut, -10), (2, TransferIn, 10)];
    #[rustfmt::skip]
    let table: [(&[&Wallet], bool, &[_], Seen); 13] = [
        (&[&full],           true,  &[(1, ReversalIn, 9)],  Err(NotReversible)),
        (&[&full],           false, &[(1, EntryKind::WalletFrozen, 0)], Err(NotReversible)),
        (&[&frozen, &closed], true, &sent,                  Err(AlreadyReversed)),
        (&[&frozen, &closed], false, &sent,                 Err(WalletClosed)),
        (&[&frozen, &poor],  false, &sent,                  Err(WalletFrozen)),
        (&[&rich, &poor],    false, &sent,                  Err(InsufficientFunds)),
        (&[&rich, &poor],    false, &rent,                  Err(BalanceLimit)),
        (&[&poor],           false, &[(2, Deposit, 11)],    Err(InsufficientFunds)),
        (&[&rich],           false, &[(1, Withdrawal, -1)], Err(BalanceLimit)),
        (&[&full],           false, &[(1, Deposit, 100)],   Ok(vec![(1, ReversalOut, -100, 0)])),
        (&[&full],           false, &[(1, Withdrawal, -7)], Ok(vec![(1, ReversalIn, 7, 107)])),
        (&[&full, &poor],    false, &rent,
            Ok(vec![(2, ReversalOut, -10, 0), (1, ReversalIn, 10, 110)])),
        // Two entries of one wallet are undone together.
        (&[&full],           false, &[(1, Deposit, 50), (1, Withdrawal, -8)],
            Ok(vec![(1, ReversalOut, -42, 58)])),
    ];
    for (wallets, reversed, undone, want) in table {
        let wallets: Vec<Wallet> = wallets.iter().map(|wallet| (*wallet).clone()).collect();
        assert_eq!(one(&wallets, reversed, undone), want, "{undone:?}");
    }
}

#[test]
fn of_two_reversals_in_one_batch_the_second_is_refused() {
    let stripes = Stripes::new(0);
    let mut locked = locked(&[wallet(1, 100, Status::Active)], &stripes);
    let deposit = [(1, Deposit, 40)];
    let commands = [reverse("a", &deposit), reverse("b", &deposit), reverse("a", &deposit)];
    let commands: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
    let mut ids = TransactionIds::new(1);
    let decision =
        decide(&mut locked, &commands, &stripes, &Schedules::default(), NOW_US, &mut ids)
            .expect("locked");
    let seen: Vec<_> =
        decision.outcomes.iter().map(|o| (o.replayed, o.result.as_ref().err().copied())).collect();
    assert_eq!(seen, [(false, None), (false, Some(Refusal::AlreadyReversed)), (true, None)]);
    assert_eq!(locked.wallet(id(1)).expect("locked").available, 60);
}

proptest! {
    /// Doing and undoing leaves everybody with what they had, whatever else happened in between.
    #[test]
    fn a_reversal_restores_every_balance(
        have in 0..10_000i64, other in 0..10_000i64, amount in 1..10_000i64, which in 0..3,
    ) {
        let stripes = Stripes::new(0);
        let wallets = [wallet(1, have, Status::Active), wallet(2, other, Status::Active)];
        let mut locked = locked(&wallets, &stripes);
        let payment = crate::ledger::command::Payment {
            amount: crate::ledger::money::Amount::parse(
                &crate::ledger::money::format_minor(amount, Currency::Brl),
            ).expect("our own text"),
            currency: None, reference: None, description: None,
        };
        let command = match which {
            0 => Command::deposit(id(1), Actor::Admin, "k", payment),
            1 => Command::withdraw(id(1), Actor::Admin, "k", payment),
            _ => Command::transfer(id(1), id(2), Actor::Admin, "k", payment),
        };
        let mut ids = TransactionIds::new(1);
        let decision = decide(
            &mut locked, &[std::slice::from_ref(&command)], &stripes, &Schedules::default(), NOW_US, &mut ids,
        ).expect("locked");
        let done = decision.outcomes[0].result.is_ok();
        let undone: Vec<_> = decision
            .entries
            .iter()
            .filter(|entry| entry.kind != EntryKind::Settlement)
            .map(|entry| (entry.wallet_id.as_u128(), entry.kind, entry.amount))
            .collect();
        prop_assume!(done);
        let command = reverse("r", &undone);
        let decision = decide(
            &mut locked, &[std::slice::from_ref(&command)], &stripes, &Schedules::default(), NOW_US, &mut ids,
        ).expect("locked");
        prop_assert!(decision.outcomes[0].result.is_ok());
        for before in &wallets {
            let after = locked.wallet(before.id).expect("locked");
            prop_assert_eq!((after.available, after.held), (before.available, before.held));
        }
    }
}
