//! Deposits, withdrawals and transfers, and the rules that all movements share.

use super::batch::{Halt, Leg, Sitting};
use super::command::{Payment, Refusal, Transaction};
use super::fee::Chargeable;
use super::wallet::{BALANCE_MAX, Status, Wallet};
use protocol::wallet::EntryKind;
use uuid::Uuid;

impl<'a> Sitting<'a, '_> {
    pub(super) fn deposit(
        &mut self,
        place: usize,
        payment: &'a Payment,
    ) -> Result<Transaction, Halt> {
        let wallet = self.wallet(place);
        let amount = minor(wallet, payment)?;
        may_move(wallet)?;
        may_receive(wallet, amount)?;
        self.settlement_bears(wallet.currency, amount)?;
        Ok(self.post_outside(place, EntryKind::Deposit, (amount, 0), payment))
    }

    pub(super) fn withdraw(
        &mut self,
        place: usize,
        payment: &'a Payment,
    ) -> Result<Transaction, Halt> {
        let wallet = self.wallet(place);
        let amount = minor(wallet, payment)?;
        may_move(wallet)?;
        let fee = self.fee(Chargeable::Withdrawal, wallet, amount)?;
        self.may_pay(wallet, amount.strict_add(fee))?;
        let amount = amount.strict_neg();
        self.settlement_bears(wallet.currency, amount)?;
        Ok(self.post_outside(place, EntryKind::Withdrawal, (amount, fee), payment))
    }

    fn post_outside(
        &mut self,
        place: usize,
        kind: EntryKind,
        (amount, fee): (i64, i64),
        payment: &'a Payment,
    ) -> Transaction {
        let wallet = self.wallet(place);
        let (currency, at_us) = (wallet.currency, wallet.next_at_us(self.now_us));
        self.flow(currency, amount);
        let txn_id = self.ids.next(at_us);
        let description = payment.description.as_deref();
        let leg = Leg::new(kind, amount.strict_sub(fee), txn_id, at_us);
        self.post(place, Leg { description, fee, ..leg })
    }

    pub(super) fn transfer(
        &mut self,
        from: usize,
        to: Uuid,
        payment: &'a Payment,
    ) -> Result<Transaction, Halt> {
        let source = self.wallet(from);
        if source.id == to {
            return Err(Refusal::SameWallet.into());
        }
        let (to, receiver) = self.locked.customer(to).ok_or(Refusal::ReceiverNotFound)?;
        if receiver.currency != source.currency {
            return Err(Refusal::CurrencyMismatch.into());
        }
        let amount = minor(source, payment)?;
        may_all_move([source, receiver])?;
        let fee = self.fee(Chargeable::Transfer, source, amount)?;
        self.may_pay(source, amount.strict_add(fee))?;
        may_receive(receiver, amount)?;

        // Both sides happen at one instant, after all that either wallet has seen.
        let at_us = source.next_at_us(self.now_us).max(receiver.next_at_us(self.now_us));
        let (source_id, receiver_id) = (source.id, receiver.id);
        let txn_id = self.ids.next(at_us);
        let description = payment.description.as_deref();
        let paid = amount.strict_add(fee).strict_neg();
        let out = Leg::new(EntryKind::TransferOut, paid, txn_id, at_us);
        let counterparty = Some(receiver_id);
        let done = self.post(from, Leg { counterparty, description, fee, ..out });
        let into = Leg::new(EntryKind::TransferIn, amount, txn_id, at_us);
        self.post(to, Leg { counterparty: Some(source_id), description, ..into });
        Ok(done)
    }
}

/// A payment's amount in minor units of the wallet that pays or receives it.
pub(super) fn minor(wallet: &Wallet, payment: &Payment) -> Result<i64, Refusal> {
    if payment.currency.is_some_and(|currency| currency != wallet.currency) {
        return Err(Refusal::CurrencyMismatch);
    }
    // The other faults of an amount were found when it was parsed.
    payment.amount.minor_in(wallet.currency).map_err(|_| Refusal::TooManyDecimals)
}

pub(super) fn may_move(wallet: &Wallet) -> Result<(), Refusal> {
    match wallet.status {
        Status::Active => Ok(()),
        Status::Closed => Err(Refusal::WalletClosed),
        Status::Frozen => Err(Refusal::WalletFrozen),
    }
}

/// What is closed is told before what is frozen, whichever wallet it is.
pub(super) fn may_all_move<'w>(
    wallets: impl IntoIterator<Item = &'w Wallet>,
) -> Result<(), Refusal> {
    wallets.into_iter().filter_map(|wallet| may_move(wallet).err()).min().map_or(Ok(()), Err)
}

pub(super) fn may_spend(wallet: &Wallet, amount: i64) -> Result<(), Refusal> {
    let enough = wallet.available.checked_sub(amount).is_some_and(|after| after >= wallet.floor);
    if enough { Ok(()) } else { Err(Refusal::InsufficientFunds) }
}

pub(super) fn may_receive(wallet: &Wallet, amount: i64) -> Result<(), Refusal> {
    let after = wallet.available.checked_add(amount).and_then(|sum| sum.checked_add(wallet.held));
    if after.is_some_and(|after| after <= BALANCE_MAX) {
        Ok(())
    } else {
        Err(Refusal::BalanceLimit)
    }
}
