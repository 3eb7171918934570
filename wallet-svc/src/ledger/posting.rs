//! Several wallets changed at one instant, as one transaction: what is paid by some is had by
//! others, to the last unit.

use super::batch::{Halt, Leg, Sitting};
use super::command::{Actor, Order, Refusal, Transaction};
use super::money::{Amount, Currency};
use super::movement::{may_all_move, may_receive};
use super::wallet::Wallet;
use protocol::wallet::EntryKind;
use uuid::Uuid;

/// Most legs of one posting.
pub const LEGS_MAX: usize = 100;

/// Who pays and who gets, in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// 2 to [`LEGS_MAX`], no wallet twice, at least one that pays; the edge checks it.
    pub legs: Box<[PostingLeg]>,
    /// When given, must be that of all wallets.
    pub currency: Option<Currency>,
    /// As in [`super::command::Payment`].
    pub reference: Option<Box<str>>,
    pub description: Option<Box<str>>,
}

/// One wallet's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingLeg {
    pub wallet_id: Uuid,
    pub pays: bool,
    pub amount: Amount,
}

/// What a wallet gets, or pays when it is negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) place: usize,
    pub(super) amount: i64,
    /// Of that, what goes to us, or comes back when it is negative.
    pub(super) fee: i64,
}

/// What is entered with each change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note<'a> {
    pub(super) out: EntryKind,
    pub(super) into: EntryKind,
    pub(super) description: Option<&'a str>,
    pub(super) actor: Option<&'a str>,
    pub(super) about: Option<Uuid>,
}

impl<'a> Note<'a> {
    pub(super) fn of_order(order: &'a Order, out: EntryKind, into: EntryKind) -> Self {
        let (description, actor) = (Some(&*order.reason), order.by.as_deref());
        Self { out, into, description, actor, about: None }
    }
}

impl<'a> Sitting<'a, '_> {
    pub(super) fn post_legs(
        &mut self,
        asked: usize,
        actor: &Actor,
        posting: &'a Posting,
    ) -> Result<Transaction, Halt> {
        let mut parts: Vec<(usize, &Wallet, PostingLeg)> = Vec::with_capacity(posting.legs.len());
        for leg in &posting.legs {
            let (place, wallet) =
                self.locked.customer(leg.wallet_id).ok_or(Refusal::ReceiverNotFound)?;
            if leg.pays && !actor.may_act_on(wallet) {
                return Err(Refusal::WalletForbidden.into());
            }
            parts.push((place, wallet, *leg));
        }
        let currency = self.wallet(asked).currency;
        let other = |currency: Currency| posting.currency.is_some_and(|given| given != currency);
        if other(currency) || parts.iter().any(|(_, wallet, _)| wallet.currency != currency) {
            return Err(Refusal::CurrencyMismatch.into());
        }
        let mut changes = Vec::with_capacity(parts.len());
        for (place, _, leg) in parts {
            let amount = leg.amount.minor_in(currency).map_err(|_| Refusal::TooManyDecimals)?;
            let amount = if leg.pays { amount.strict_neg() } else { amount };
            changes.push(Change { place, amount, fee: 0 });
        }
        // At most 100 legs of at most a thousand million minor units each.
        if changes.iter().fold(0i64, |sum, change| sum.strict_add(change.amount)) != 0 {
            return Err(Refusal::Unbalanced.into());
        }
        self.may_change(&changes, |wallet, amount| self.may_pay(wallet, amount))?;
        let (out, into) = (EntryKind::TransferOut, EntryKind::TransferIn);
        let description = posting.description.as_deref();
        let note = Note { out, into, description, actor: None, about: None };
        Ok(self.post_changes(asked, changes, note))
    }

    /// Whether each wallet may pay, by `may_pay`, or receive its part.
    pub(super) fn may_change(
        &self,
        changes: &[Change],
        may_pay: impl Fn(&Wallet, i64) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        may_all_move(changes.iter().map(|change| self.wallet(change.place)))?;
        for change in changes.iter().filter(|change| change.amount < 0) {
            may_pay(self.wallet(change.place), change.amount.strict_neg())?;
        }
        for change in changes.iter().filter(|change| change.amount > 0) {
            may_receive(self.wallet(change.place), change.amount)?;
        }
        Ok(())
    }

    /// Enters all changes at one instant, after all that any of the wallets has seen. The answer is
    /// the asked wallet's.
    pub(super) fn post_changes(
        &mut self,
        asked: usize,
        mut changes: Vec<Change>,
        note: Note<'a>,
    ) -> Transaction {
        // Who pays comes first, as everywhere.
        changes.sort_by_key(|change| change.amount);
        let wallets = || changes.iter().map(|change| change.place);
        let at_us = wallets().map(|place| self.wallet(place).next_at_us(self.now_us)).max();
        let at_us = at_us.expect("there is a change");
        let ids: Vec<Uuid> = wallets().map(|place| self.wallet(place).id).collect();
        let txn_id = self.ids.next(at_us);
        let Note { description, actor, about, .. } = note;
        let mut answer = None;
        for Change { place, amount, fee } in changes {
            let own = self.wallet(place).id;
            let other = ids.iter().copied().find(|id| *id != own);
            let counterparty = other.filter(|_| ids.len() == 2);
            let kind = if amount < 0 { note.out } else { note.into };
            let leg = Leg { fee, ..Leg::new(kind, amount, txn_id, at_us) };
            let done = self.post(place, Leg { counterparty, description, actor, about, ..leg });
            if place == asked {
                answer = Some(done);
            }
        }
        answer.expect("the asked wallet is among those that change")
    }
}

#[cfg(test)]
#[path = "posting_tests.rs"]
mod tests;
