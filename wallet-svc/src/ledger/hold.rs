//! A hold: money that its wallet still has and may not spend, reserved for one payment.
//!
//! It is captured in one or several parts up to its amount, voided, or expires. Whatever is not
//! captured goes back to what may be spent. From the instant of its expiry on nothing is captured
//! or voided any more; the money is given back by the next command that says so, which the store's
//! sweep sends.

use super::batch::{Halt, Leg, Sitting};
use super::command::{Authorization, Capture, Order, Refusal, Transaction};
use super::money::Amount;
use super::movement::{may_all_move, may_receive, minor};
use protocol::wallet::EntryKind;
pub use protocol::wallet::HoldState as State;
use uuid::Uuid;

/// The longest that money may be reserved: 30 days.
pub const LIFETIME_SECONDS_MAX: u32 = 30 * 24 * 60 * 60;

/// One row of the table `hold`. Amounts are minor units of the wallet's currency; instants are
/// microseconds since 1970 by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The transaction that authorized it.
    pub id: Uuid,
    pub wallet_id: Uuid,
    /// Who gets what is captured; `None` when it leaves.
    pub to: Option<Uuid>,
    pub amount: i64,
    /// Of that, what has been captured.
    pub captured: i64,
    pub state: State,
    pub expires_us: i64,
    pub created_us: i64,
}

/// What a step of a hold does to its wallet. Both count as held before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Leaves the wallet.
    pub paid: i64,
    /// May be spent again.
    pub released: i64,
}

impl Hold {
    /// What it still reserves.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        match self.state {
            State::Open => self.amount.strict_sub(self.captured),
            State::Captured | State::Voided | State::Expired => 0,
        }
    }

    /// The state as it counts at `now_us`: an open hold whose time is over is as good as expired.
    #[must_use]
    pub fn state_at(&self, now_us: i64) -> State {
        match self.state {
            State::Open if now_us >= self.expires_us => State::Expired,
            state => state,
        }
    }

    fn must_be_open(&self, now_us: i64) -> Result<(), Refusal> {
        match self.state_at(now_us) {
            State::Open => Ok(()),
            State::Expired => Err(Refusal::HoldExpired),
            State::Captured | State::Voided => Err(Refusal::HoldNotOpen),
        }
    }

    /// Takes `amount` of it. When `is_final`, or when nothing remains, it is over.
    ///
    /// # Errors
    ///
    /// It is over, its time is, or it has not that much.
    pub fn capture(
        mut self,
        amount: i64,
        is_final: bool,
        now_us: i64,
    ) -> Result<(Self, Step), Refusal> {
        self.must_be_open(now_us)?;
        let left = self.remaining().checked_sub(amount).filter(|left| *left >= 0);
        let left = left.ok_or(Refusal::HoldExceeded)?;
        self.captured = self.captured.strict_add(amount);
        let over = is_final || left == 0;
        if over {
            self.state = State::Captured;
        }
        Ok((self, Step { paid: amount, released: if over { left } else { 0 } }))
    }

    /// Gives all back.
    ///
    /// # Errors
    ///
    /// It is over, or its time is.
    pub fn void(mut self, now_us: i64) -> Result<(Self, Step), Refusal> {
        self.must_be_open(now_us)?;
        let released = self.remaining();
        self.state = State::Voided;
        Ok((self, Step { paid: 0, released }))
    }

    /// Gives all back because its time is over.
    ///
    /// # Errors
    ///
    /// It is over already, or its time is not.
    pub fn expire(mut self, now_us: i64) -> Result<(Self, Step), Refusal> {
        if self.state != State::Open || now_us < self.expires_us {
            return Err(Refusal::HoldNotOpen);
        }
        let released = self.remaining();
        self.state = State::Expired;
        Ok((self, Step { paid: 0, released }))
    }
}

impl<'a> Sitting<'a, '_> {
    pub(super) fn authorize(
        &mut self,
        place: usize,
        authorization: &'a Authorization,
    ) -> Result<Transaction, Halt> {
        let Authorization { to, lifetime_seconds, payment } = authorization;
        let source = self.wallet(place);
        if *to == Some(source.id) {
            return Err(Refusal::SameWallet.into());
        }
        let receiver = match to {
            Some(to) => Some(self.locked.customer(*to).ok_or(Refusal::ReceiverNotFound)?.1),
            None => None,
        };
        if receiver.is_some_and(|receiver| receiver.currency != source.currency) {
            return Err(Refusal::CurrencyMismatch.into());
        }
        let amount = minor(source, payment)?;
        may_all_move(std::iter::once(source).chain(receiver))?;
        self.may_pay(source, amount)?;

        let (source_id, at_us) = (source.id, source.next_at_us(self.now_us));
        let lifetime_us = i64::from(*lifetime_seconds).strict_mul(1_000_000);
        let hold_id = self.ids.next(at_us);
        self.locked.change_hold(Hold {
            id: hold_id,
            wallet_id: source_id,
            to: *to,
            amount,
            captured: 0,
            state: State::Open,
            expires_us: at_us.strict_add(lifetime_us),
            created_us: at_us,
        });
        let leg = Leg::new(EntryKind::HoldAuthorized, 0, hold_id, at_us);
        let description = payment.description.as_deref();
        let about = Some(hold_id);
        Ok(self.post(place, Leg { held: amount, counterparty: *to, description, about, ..leg }))
    }

    pub(super) fn capture(
        &mut self,
        place: usize,
        capture: &'a Capture,
    ) -> Result<Transaction, Halt> {
        let source = self.wallet(place);
        let (source_id, currency) = (source.id, source.currency);
        let hold = self.hold(source_id, capture.hold_id)?;
        // The receiver was read before the locks were taken, and never changes.
        if hold.to != capture.to {
            return Err(Refusal::HoldNotFound.into());
        }
        hold.must_be_open(self.now_us)?;
        let amount = capture.amount.map(|amount: Amount| amount.minor_in(currency)).transpose();
        let amount =
            amount.map_err(|_| Refusal::TooManyDecimals)?.unwrap_or_else(|| hold.remaining());
        let (hold, step) = hold.capture(amount, capture.is_final, self.now_us)?;
        let receiver = match hold.to {
            Some(to) => Some(self.locked.customer(to).ok_or(Refusal::ReceiverNotFound)?),
            None => None,
        };
        may_all_move(std::iter::once(source).chain(receiver.map(|(_, wallet)| wallet)))?;
        let mut at_us = source.next_at_us(self.now_us);
        if let Some((_, receiver)) = receiver {
            may_receive(receiver, step.paid)?;
            at_us = at_us.max(receiver.next_at_us(self.now_us));
        }
        let receiver = receiver.map(|(place, _)| place);
        if receiver.is_none() {
            self.settlement_bears(currency, step.paid.strict_neg())?;
            self.flow(currency, step.paid.strict_neg());
        }
        let txn_id = self.ids.next(at_us);
        let (description, actor) = (capture.description.as_deref(), capture.by.as_deref());
        let about = Some(hold.id);
        let held = step.paid.strict_add(step.released).strict_neg();
        let out = Leg::new(EntryKind::HoldCaptured, step.paid.strict_neg(), txn_id, at_us);
        let leg = Leg { held, counterparty: hold.to, description, actor, about, ..out };
        let done = self.post(place, leg);
        if let Some(to) = receiver {
            let into = Leg::new(EntryKind::HoldReceived, step.paid, txn_id, at_us);
            let counterparty = Some(source_id);
            self.post(to, Leg { counterparty, description, actor, about, ..into });
        }
        self.locked.change_hold(hold);
        Ok(done)
    }

    pub(super) fn void(
        &mut self,
        place: usize,
        hold_id: Uuid,
        order: &'a Order,
    ) -> Result<Transaction, Halt> {
        let hold = self.hold(self.wallet(place).id, hold_id)?;
        let (hold, step) = hold.void(self.now_us)?;
        Ok(self.release(place, EntryKind::HoldVoided, hold, step, Some(order)))
    }

    pub(super) fn expire(&mut self, place: usize, hold_id: Uuid) -> Result<Transaction, Halt> {
        let hold = self.hold(self.wallet(place).id, hold_id)?;
        let (hold, step) = hold.expire(self.now_us)?;
        Ok(self.release(place, EntryKind::HoldExpired, hold, step, None))
    }

    /// No money leaves the wallet, so a frozen one is no reason not to.
    fn release(
        &mut self,
        place: usize,
        kind: EntryKind,
        hold: Hold,
        step: Step,
        order: Option<&'a Order>,
    ) -> Transaction {
        let at_us = self.wallet(place).next_at_us(self.now_us);
        let leg = Leg::new(kind, 0, self.ids.next(at_us), at_us);
        let (held, about) = (step.released.strict_neg(), Some(hold.id));
        let description = order.map(|order| &*order.reason);
        let actor = order.and_then(|order| order.by.as_deref());
        let counterparty = hold.to;
        self.locked.change_hold(hold);
        self.post(place, Leg { held, counterparty, description, actor, about, ..leg })
    }

    fn hold(&self, wallet_id: Uuid, hold_id: Uuid) -> Result<Hold, Refusal> {
        self.locked.hold(wallet_id, hold_id).cloned().ok_or(Refusal::HoldNotFound)
    }
}

#[cfg(test)]
#[path = "hold_tests.rs"]
mod tests;
