//! A transaction undone, once: every customer's part of it is given back or taken back, at one
//! instant, as a transaction of its own.
//!
//! Entries never change, so what is to be undone may be read before the wallets are locked. Whether
//! it has been undone is read under their locks.

use super::batch::{Halt, ReversalRow, Sitting};
use super::command::{Order, Refusal, Transaction};
use super::movement::may_spend;
use super::posting::{Change, Note};
use protocol::wallet::EntryKind;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What to undo, why, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    pub transaction_id: Uuid,
    /// The entries of the transaction in customers' wallets, the asked wallet's first.
    pub undone: Box<[Undone]>,
    pub order: Order,
}

/// An entry to undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undone {
    pub wallet_id: Uuid,
    pub kind: EntryKind,
    /// As it was entered: negative when money left the wallet.
    pub amount: i64,
    /// As it was entered: what of that went to us.
    pub fee: i64,
}

impl Reversal {
    pub(super) fn wallets(&self) -> impl Iterator<Item = Uuid> {
        self.undone.iter().map(|entry| entry.wallet_id)
    }

    fn is_possible(&self) -> bool {
        self.undone.iter().all(|entry| match entry.kind {
            EntryKind::Deposit
            | EntryKind::Withdrawal
            | EntryKind::TransferOut
            | EntryKind::TransferIn
            | EntryKind::HoldCaptured
            | EntryKind::HoldReceived => true,
            EntryKind::WalletCreated
            | EntryKind::Settlement
            | EntryKind::WalletFrozen
            | EntryKind::WalletUnfrozen
            | EntryKind::WalletClosed
            | EntryKind::ReversalOut
            | EntryKind::ReversalIn
            | EntryKind::HoldAuthorized
            | EntryKind::HoldVoided
            | EntryKind::HoldExpired
            | EntryKind::LimitsChanged
            | EntryKind::Revenue => false,
        })
    }

    /// What each wallet gets, and what of it comes from us: the opposite of all that was.
    fn changes(&self) -> BTreeMap<Uuid, (i64, i64)> {
        let mut changes = BTreeMap::new();
        for entry in &self.undone {
            let (amount, fee): &mut (i64, i64) = changes.entry(entry.wallet_id).or_default();
            *amount = amount.strict_sub(entry.amount);
            *fee = fee.strict_sub(entry.fee);
        }
        changes
    }
}

impl<'a> Sitting<'a, '_> {
    pub(super) fn reverse(
        &mut self,
        asked: usize,
        reversal: &'a Reversal,
    ) -> Result<Transaction, Halt> {
        if !reversal.is_possible() {
            return Err(Refusal::NotReversible.into());
        }
        if self.locked.reversal_of(reversal.transaction_id).is_some() {
            return Err(Refusal::AlreadyReversed.into());
        }
        let mut changes = Vec::new();
        for (id, (amount, fee)) in reversal.changes() {
            let (place, wallet) = self.locked.customer(id).ok_or(Refusal::ReceiverNotFound)?;
            self.revenue_takes(wallet.currency, fee)?;
            changes.push(Change { place, amount, fee });
        }
        self.may_change(&changes, may_spend)?;
        // What neither we nor another customer pays comes from outside, or goes there.
        let net = changes.iter().map(|change| change.amount.strict_add(change.fee));
        let inflow = net.fold(0i64, i64::strict_add);
        let currency = self.wallet(asked).currency;
        if inflow != 0 {
            self.settlement_bears(currency, inflow)?;
            self.flow(currency, inflow);
        }
        let (out, into) = (EntryKind::ReversalOut, EntryKind::ReversalIn);
        let transaction_id = reversal.transaction_id;
        let note = Note::of_order(&reversal.order, out, into);
        let note = Note { about: Some(transaction_id), ..note };
        let done = self.post_changes(asked, changes, note);
        let (reversal_id, at_us) = (done.id, done.at_us);
        self.locked.put_reversal(transaction_id, reversal_id);
        self.decision.reversals.push(ReversalRow { transaction_id, reversal_id, at_us });
        Ok(done)
    }
}

#[cfg(test)]
#[path = "reversal_tests.rs"]
mod tests;
