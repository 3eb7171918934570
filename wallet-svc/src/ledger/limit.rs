//! How much a wallet may pay a day, and how often a minute.
//!
//! What counts is what the wallet's user sends away: withdrawals, transfers out, and what is
//! reserved when a hold is authorized. What comes back later, by a void or a reversal, does not
//! give the day anything back.

use super::batch::{Halt, Leg, Sitting};
use super::command::{Limiting, Refusal, Transaction};
use super::wallet::{Status, Wallet};
use protocol::wallet::EntryKind;

/// Brasília is three hours behind UTC, all year since 2019.
const DAY_OFFSET_US: i64 = 3 * 3_600 * 1_000_000;
const DAY_US: i64 = 24 * 3_600 * 1_000_000;
const MINUTE_US: i64 = 60 * 1_000_000;

/// What an administrator allows. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Minor units a day.
    pub day_out_max: Option<i64>,
    /// Payments a minute.
    pub minute_count_max: Option<u32>,
}

/// What is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Days since 1970.
    pub day: i32,
    /// Minor units paid on that day.
    pub day_out: i64,
    /// Minutes since 1970.
    pub minute: i32,
    /// Payments in that minute.
    pub minute_count: u32,
}

impl Usage {
    /// As it counts at `now_us`. A clock that goes back does not give the day back.
    #[must_use]
    pub fn at(self, now_us: i64) -> Self {
        let number = |us: i64| i32::try_from(us).expect("the clock is before the year 5000");
        let day = number(now_us.strict_sub(DAY_OFFSET_US).div_euclid(DAY_US));
        let minute = number(now_us.div_euclid(MINUTE_US));
        let mut now = self;
        if day > self.day {
            (now.day, now.day_out) = (day, 0);
        }
        if minute > self.minute {
            (now.minute, now.minute_count) = (minute, 0);
        }
        now
    }

    /// With one more payment.
    #[must_use]
    pub fn with(self, amount: i64, now_us: i64) -> Self {
        let now = self.at(now_us);
        let day_out = now.day_out.saturating_add(amount);
        Self { day_out, minute_count: now.minute_count.saturating_add(1), ..now }
    }
}

impl Limits {
    /// Whether a wallet that has used so much may pay `amount`.
    ///
    /// # Errors
    ///
    /// The limit that it would pass.
    pub fn allow(self, usage: Usage, amount: i64, now_us: i64) -> Result<(), Refusal> {
        let then = usage.with(amount, now_us);
        if self.minute_count_max.is_some_and(|max| then.minute_count > max) {
            return Err(Refusal::VelocityLimit);
        }
        if self.day_out_max.is_some_and(|max| then.day_out > max) {
            return Err(Refusal::DailyLimit);
        }
        Ok(())
    }
}

impl<'a> Sitting<'a, '_> {
    /// Whether a wallet's limits and its balance allow it to pay.
    pub(super) fn may_pay(&self, wallet: &Wallet, amount: i64) -> Result<(), Refusal> {
        wallet.limits.allow(wallet.usage, amount, self.now_us)?;
        super::movement::may_spend(wallet, amount)
    }

    /// A frozen wallet's limits may be set; a closed one has none.
    pub(super) fn limit(
        &mut self,
        place: usize,
        limiting: &'a Limiting,
    ) -> Result<Transaction, Halt> {
        let wallet = self.wallet(place);
        let day_out_max = limiting.day_out.map(|amount| amount.minor_in(wallet.currency));
        let day_out_max = day_out_max.transpose().map_err(|_| Refusal::TooManyDecimals)?;
        if wallet.status == Status::Closed {
            return Err(Refusal::WalletClosed.into());
        }
        let at_us = wallet.next_at_us(self.now_us);
        let minute_count_max = limiting.minute_count;
        let slot = self.locked.slots[place].wallet.as_mut().expect("the caller has seen it");
        slot.limits = Limits { day_out_max, minute_count_max };
        let leg = Leg::new(EntryKind::LimitsChanged, 0, self.ids.next(at_us), at_us);
        let (description, actor) = (Some(&*limiting.note), limiting.by.as_deref());
        Ok(self.post(place, Leg { description, actor, ..leg }))
    }
}

/// What an entry counts as against its wallet's limits.
pub(super) fn counted(leg: &Leg<'_>) -> Option<i64> {
    match leg.kind {
        EntryKind::Withdrawal | EntryKind::TransferOut => Some(leg.amount.strict_neg()),
        EntryKind::HoldAuthorized => Some(leg.held),
        _ => None,
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
