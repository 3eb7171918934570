//! A transaction undone, once: every customer's part of it is given back or taken back, at one
//! instant, as a transaction of its own.
//!
//! Entries never change, so what is to be undone may be read before the wallets are locked. Whether
//! it has been undone is read under their locks.

use super::batch::{Halt, Leg, ReversalRow, Sitting};
use super::command::{Order, Refusal, Transaction};
use super::movement::{may_all_move, may_receive, may_spend};
use super::wallet::Wallet;
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
            | EntryKind::HoldExpired => false,
        })
    }

    /// What each wallet gets: the opposite of all that it got.
    fn changes(&self) -> BTreeMap<Uuid, i64> {
        let mut changes = BTreeMap::new();
        for entry in &self.undone {
            let change: &mut i64 = changes.entry(entry.wallet_id).or_default();
            *change = change.strict_sub(entry.amount);
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
        for (id, change) in reversal.changes() {
            let (place, _) = self.locked.customer(id).ok_or(Refusal::ReceiverNotFound)?;
            changes.push((place, change));
        }
        // Who pays comes first, as everywhere.
        changes.sort_by_key(|(_, change)| *change);
        self.may_change(&changes)?;

        let wallets: Vec<&Wallet> =
            changes.iter().map(|(place, _)| self.wallet(*place)).collect();
        let at_us = wallets.iter().map(|wallet| wallet.next_at_us(self.now_us)).max();
        let at_us = at_us.expect("a transaction has an entry");
        let ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.id).collect();
        // What no other customer pays comes from outside, or goes there.
        let inflow = changes.iter().fold(0i64, |sum, (_, change)| sum.strict_add(*change));
        let currency = self.wallet(asked).currency;
        if inflow != 0 {
            self.settlement_bears(currency, inflow)?;
            self.flow(currency, inflow);
        }
        let reversal_id = self.ids.next(at_us);
        let mut answer = None;
        for (place, change) in changes {
            let own = self.wallet(place).id;
            let other = ids.iter().copied().find(|id| *id != own);
            let kind = if change < 0 { EntryKind::ReversalOut } else { EntryKind::ReversalIn };
            let done = self.post(
                place,
                Leg {
                    counterparty: other.filter(|_| ids.len() == 2),
                    description: Some(&reversal.order.reason),
                    actor: reversal.order.by.as_deref(),
                    about: Some(reversal.transaction_id),
                    ..Leg::new(kind, change, reversal_id, at_us)
                },
            );
            answer = answer.or((place == asked).then_some(done));
        }
        let transaction_id = reversal.transaction_id;
        self.locked.put_reversal(transaction_id, reversal_id);
        self.decision.reversals.push(ReversalRow { transaction_id, reversal_id, at_us });
        Ok(answer.expect("the asked wallet is the first of those undone"))
    }

    /// Whether each wallet may pay or receive its part.
    pub(super) fn may_change(&self, changes: &[(usize, i64)]) -> Result<(), Refusal> {
        may_all_move(changes.iter().map(|(place, _)| self.wallet(*place)))?;
        for (place, change) in changes.iter().filter(|(_, change)| *change < 0) {
            may_spend(self.wallet(*place), change.strict_neg())?;
        }
        for (place, change) in changes.iter().filter(|(_, change)| *change > 0) {
            may_receive(self.wallet(*place), *change)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "reversal_tests.rs"]
mod tests;
