//! What a batch works on: the wallets and keys as they were read under lock, and as the batch
//! leaves them.

use super::command::{Key, Refusal, Transaction};
use super::hold::Hold;
use super::id;
use super::money::Currency;
use super::wallet::{Kind, Wallet};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a key already stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub request_hash: u64,
    pub result: Result<Transaction, Refusal>,
}

/// Everything that a batch may touch, as read under lock.
#[derive(Clone, Debug, Default)]
pub struct Locked {
    /// Ascending by id, without repeats.
    pub(super) slots: Vec<Slot>,
    recorded: BTreeMap<(Uuid, Key), Recorded>,
    /// The reversed transactions that the batch asks about, with what reversed them.
    reversals: BTreeMap<Uuid, Uuid>,
    /// By wallet and id, and whether it is to be written.
    holds: BTreeMap<(Uuid, Uuid), (Hold, bool)>,
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: Uuid,
    pub(super) wallet: Option<Wallet>,
    pub(super) change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Opened,
    Updated,
}

impl Locked {
    /// Room for the wallets `ids`, which must ascend without repeats; none is read yet.
    #[must_use]
    pub fn new(ids: &[Uuid]) -> Self {
        debug_assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?} must ascend");
        let slot = |id: &Uuid| Slot { id: *id, wallet: None, change: Change::None };
        Self { slots: ids.iter().map(slot).collect(), ..Self::default() }
    }

    /// Puts a wallet that was read. One that was not asked for is ignored.
    pub fn put_wallet(&mut self, wallet: Wallet) {
        if let Some(place) = self.place(wallet.id) {
            self.slots[place].wallet = Some(wallet);
        }
    }

    /// Puts what was found under a wallet's key.
    pub fn put_recorded(&mut self, wallet_id: Uuid, key: Key, recorded: Recorded) {
        self.recorded.insert((wallet_id, key), recorded);
    }

    /// What a wallet's key stands for, by what was read or decided.
    #[must_use]
    pub fn recorded(&self, wallet_id: Uuid, key: Key) -> Option<&Recorded> {
        self.recorded.get(&(wallet_id, key))
    }

    /// Puts a transaction that was reversed, and what reversed it.
    pub fn put_reversal(&mut self, transaction_id: Uuid, reversal_id: Uuid) {
        self.reversals.insert(transaction_id, reversal_id);
    }

    /// What reversed a transaction, by what was read or decided.
    #[must_use]
    pub fn reversal_of(&self, transaction_id: Uuid) -> Option<Uuid> {
        self.reversals.get(&transaction_id).copied()
    }

    /// Puts a hold that was read.
    pub fn put_hold(&mut self, hold: Hold) {
        self.holds.insert((hold.wallet_id, hold.id), (hold, false));
    }

    /// Puts a hold as it is to be written.
    pub(super) fn change_hold(&mut self, hold: Hold) {
        self.holds.insert((hold.wallet_id, hold.id), (hold, true));
    }

    /// A wallet's hold, by what was read or decided.
    #[must_use]
    pub fn hold(&self, wallet_id: Uuid, hold_id: Uuid) -> Option<&Hold> {
        self.holds.get(&(wallet_id, hold_id)).map(|(hold, _)| hold)
    }

    /// The holds to write.
    pub fn changed_holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values().filter(|(_, changed)| *changed).map(|(hold, _)| hold)
    }

    /// The wallet with this id, if it was read or opened.
    #[must_use]
    pub fn wallet(&self, id: Uuid) -> Option<&Wallet> {
        self.slots[self.place(id)?].wallet.as_ref()
    }

    /// The wallets to insert, ascending by id.
    pub fn opened(&self) -> impl Iterator<Item = &Wallet> {
        self.with_change(Change::Opened)
    }

    /// The wallets to update, ascending by id.
    pub fn updated(&self) -> impl Iterator<Item = &Wallet> {
        self.with_change(Change::Updated)
    }

    fn with_change(&self, change: Change) -> impl Iterator<Item = &Wallet> {
        self.slots.iter().filter(move |s| s.change == change).filter_map(|s| s.wallet.as_ref())
    }

    pub(super) fn place(&self, id: Uuid) -> Option<usize> {
        self.slots.binary_search_by_key(&id, |slot| slot.id).ok()
    }

    /// A customer's wallet; settlement wallets are as good as absent for callers.
    pub(super) fn customer(&self, id: Uuid) -> Option<(usize, &Wallet)> {
        let place = self.place(id)?;
        let wallet = self.slots[place].wallet.as_ref()?;
        (wallet.kind == Kind::Customer).then_some((place, wallet))
    }

    /// All money in sight, in minor units of each currency.
    pub(super) fn totals(&self) -> [i128; Currency::COUNT] {
        let mut totals = [0; Currency::COUNT];
        for wallet in self.slots.iter().filter_map(|slot| slot.wallet.as_ref()) {
            let sum = i128::from(wallet.available).strict_add(i128::from(wallet.held));
            let total: &mut i128 = &mut totals[wallet.currency.index()];
            *total = total.strict_add(sum);
        }
        totals
    }
}

/// Our own wallets of one lane: one for settlement and one for revenue per currency.
#[derive(Clone, Debug)]
pub struct Stripes {
    settlement: [Uuid; Currency::COUNT],
    revenue: [Uuid; Currency::COUNT],
}

impl Stripes {
    /// Those with number `stripe`, modulo [`id::STRIPES`].
    #[must_use]
    pub fn new(stripe: u8) -> Self {
        let (mut settlement, mut revenue) =
            ([Uuid::nil(); Currency::COUNT], [Uuid::nil(); Currency::COUNT]);
        for currency in Currency::all() {
            settlement[currency.index()] = id::settlement(currency, stripe);
            revenue[currency.index()] = id::revenue(currency, stripe);
        }
        Self { settlement, revenue }
    }

    /// The settlement wallet of `currency`.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Uuid {
        self.settlement[currency.index()]
    }

    /// The revenue wallet of `currency`.
    #[must_use]
    pub fn revenue(&self, currency: Currency) -> Uuid {
        self.revenue[currency.index()]
    }
}
