//! Decides a batch: what was read under lock and the commands go in, rows and answers come out.
//!
//! Commands are applied in the order they came, each whole or not at all, so that a refusal touches
//! nobody else's. What each does stands in [`super::movement`] and its neighbours. Money from and
//! to the outside is posted against one settlement wallet per currency, and fees to one revenue
//! wallet, in one aggregated entry each, so that all wallets together always sum to zero.

use super::command::{Command, CommandKind, Done, Key, Outcome, Refusal, Transaction};
use super::entry::Entry;
use super::fee::{Chargeable, Schedules};
use super::id::TransactionIds;
use super::limit::counted;
use super::locked::{Change, Locked, Recorded, Stripes};
use super::money::Currency;
use super::wallet::{Kind, Wallet};
use protocol::wallet::EntryKind;
use uuid::Uuid;

/// The batch moves money of a currency whose settlement wallet was not among the locked ones. Lock
/// it as well and decide again from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StripeNotLocked(pub Currency);

/// A row of the table `idem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    pub wallet_id: Uuid,
    pub key: Key,
    pub request_hash: u64,
    /// Of the entry when done, of the decision when refused.
    pub at_us: i64,
    pub refusal: Option<Refusal>,
}

/// A row of the table `reversal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReversalRow {
    pub transaction_id: Uuid,
    pub reversal_id: Uuid,
    pub at_us: i64,
}

/// What to write, beside the wallets that [`Locked`] lists, and what to answer.
#[derive(Debug, Default)]
pub struct Decision<'a> {
    /// One for each command of each group, in order.
    pub outcomes: Vec<Outcome>,
    /// In the order they were decided, which is the order of each wallet's versions.
    pub entries: Vec<Entry<'a>>,
    pub keys: Vec<KeyRow>,
    pub reversals: Vec<ReversalRow>,
}

/// Applies `groups` of commands to `locked`: each group is carried out whole or not at all. Mostly
/// there is one command in a group.
///
/// # Errors
///
/// [`StripeNotLocked`]; `locked` is then of no further use.
///
/// # Panics
///
/// When money would be made or lost. Nothing has been written then, and nothing may be.
pub fn decide<'a>(
    locked: &mut Locked,
    groups: &[&'a [Command]],
    stripes: &Stripes,
    fees: &Schedules,
    now_us: i64,
    ids: &mut TransactionIds,
) -> Result<Decision<'a>, StripeNotLocked> {
    let before = locked.totals();
    let commands = groups.iter().map(|group| group.len()).sum::<usize>();
    let decision = Decision {
        outcomes: Vec::with_capacity(commands),
        entries: Vec::with_capacity(commands.strict_add(2)),
        keys: Vec::with_capacity(commands),
        reversals: Vec::new(),
    };
    let mut sitting =
        Sitting { locked, stripes, fees, now_us, ids, inflow: NONE, revenue: NONE, decision };
    for &group in groups {
        match group {
            [command] => {
                let outcome = sitting.hear(command)?;
                sitting.decision.outcomes.push(outcome);
            }
            commands => {
                let outcomes = sitting.hear_together(commands)?;
                sitting.decision.outcomes.extend(outcomes);
            }
        }
    }
    sitting.settle();
    let decision = sitting.decision;
    assert_eq!(before, locked.totals(), "a batch must neither make nor lose money");
    Ok(decision)
}

const NONE: [i64; Currency::COUNT] = [0; Currency::COUNT];

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    Refused(Refusal),
    NotLocked(StripeNotLocked),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A batch being decided.
pub(super) struct Sitting<'a, 'b> {
    pub(super) locked: &'b mut Locked,
    stripes: &'b Stripes,
    fees: &'b Schedules,
    pub(super) now_us: i64,
    pub(super) ids: &'b mut TransactionIds,
    /// What came in from outside, less what went out, in minor units of each currency.
    pub(super) inflow: [i64; Currency::COUNT],
    /// What customers were charged, less what was given back.
    pub(super) revenue: [i64; Currency::COUNT],
    pub(super) decision: Decision<'a>,
}

/// What is to be entered in one wallet.
pub(super) struct Leg<'a> {
    pub(super) kind: EntryKind,
    /// What the wallet has more, or less.
    pub(super) amount: i64,
    /// Of that, what goes to us.
    pub(super) fee: i64,
    /// What of it is reserved more, or less.
    pub(super) held: i64,
    pub(super) txn_id: Uuid,
    pub(super) at_us: i64,
    pub(super) counterparty: Option<Uuid>,
    pub(super) description: Option<&'a str>,
    pub(super) actor: Option<&'a str>,
    pub(super) about: Option<Uuid>,
}

impl<'a> Sitting<'a, '_> {
    pub(super) fn hear(&mut self, command: &'a Command) -> Result<Outcome, StripeNotLocked> {
        let fresh = |result| Outcome { result, replayed: false };
        if let CommandKind::CreateWallet { user_id, currency } = &command.kind {
            return Ok(self.open(command.wallet_id, user_id, *currency));
        }
        let Some((place, wallet)) = self.locked.customer(command.wallet_id) else {
            return Ok(fresh(Err(Refusal::WalletNotFound)));
        };
        if !command.actor.may_act_on(wallet) {
            return Ok(fresh(Err(Refusal::WalletForbidden)));
        }
        if let Some(recorded) = self.locked.recorded(command.wallet_id, command.key) {
            if recorded.request_hash != command.request_hash {
                return Ok(fresh(Err(Refusal::KeyReused)));
            }
            let result = recorded.result.clone().map(Done::Transaction);
            return Ok(Outcome { result, replayed: true });
        }
        let result = match self.carry_out(place, command) {
            Ok(transaction) => Ok(transaction),
            Err(Halt::Refused(refusal)) => Err(refusal),
            Err(Halt::NotLocked(stripe)) => return Err(stripe),
        };
        self.record(command, &result);
        Ok(fresh(result.map(Done::Transaction)))
    }

    fn carry_out(&mut self, place: usize, command: &'a Command) -> Result<Transaction, Halt> {
        match &command.kind {
            CommandKind::Deposit(payment) => self.deposit(place, payment),
            CommandKind::Withdraw(payment) => self.withdraw(place, payment),
            CommandKind::Transfer { to, payment } => self.transfer(place, *to, payment),
            CommandKind::Freeze(order) => self.freeze(place, order),
            CommandKind::Unfreeze(order) => self.unfreeze(place, order),
            CommandKind::Close(order) => self.close(place, order),
            CommandKind::Limit(limiting) => self.limit(place, limiting),
            CommandKind::Post(posting) => self.post_legs(place, &command.actor, posting),
            CommandKind::Reverse(reversal) => self.reverse(place, reversal),
            CommandKind::Authorize(authorization) => self.authorize(place, authorization),
            CommandKind::Capture(capture) => self.capture(place, capture),
            CommandKind::Void { hold_id, order } => self.void(place, *hold_id, order),
            CommandKind::Expire { hold_id } => self.expire(place, *hold_id),
            CommandKind::CreateWallet { .. } => unreachable!("answered before"),
        }
    }

    fn record(&mut self, command: &Command, result: &Result<Transaction, Refusal>) {
        let forgotten = result.as_ref().is_err_and(|refusal| !refusal.is_recorded());
        if forgotten || !command.is_keyed() {
            return;
        }
        self.decision.keys.push(KeyRow {
            wallet_id: command.wallet_id,
            key: command.key,
            request_hash: command.request_hash,
            at_us: result.as_ref().map_or(self.now_us, |done| done.at_us),
            refusal: result.as_ref().err().copied(),
        });
        let recorded = Recorded { request_hash: command.request_hash, result: result.clone() };
        self.locked.put_recorded(command.wallet_id, command.key, recorded);
    }

    /// Whether the other side of `amount` fits the settlement wallet.
    pub(super) fn settlement_bears(&self, currency: Currency, amount: i64) -> Result<(), Halt> {
        let missing = || Halt::NotLocked(StripeNotLocked(currency));
        let place = self.locked.place(self.stripes.of(currency)).ok_or_else(missing)?;
        let available = self.locked.slots[place].wallet.as_ref().map_or(0, |w| w.available);
        let inflow = self.inflow[currency.index()].checked_add(amount);
        // One more than needed, so that the wallet can be negated.
        let after = inflow.and_then(|inflow| available.checked_sub(inflow));
        if after.is_some_and(|after| after > i64::MIN) {
            Ok(())
        } else {
            Err(Refusal::BalanceLimit.into())
        }
    }

    /// What a payment costs now.
    pub(super) fn fee(&self, of: Chargeable, wallet: &Wallet, amount: i64) -> Result<i64, Halt> {
        let fee = self.fees.fee(of, wallet.currency, amount, self.now_us);
        self.revenue_takes(wallet.currency, fee)?;
        Ok(fee)
    }

    /// Whether the revenue wallet is there to take a fee, or to give it back.
    pub(super) fn revenue_takes(&self, currency: Currency, fee: i64) -> Result<(), Halt> {
        let known = fee == 0 || self.locked.place(self.stripes.revenue(currency)).is_some();
        if known { Ok(()) } else { Err(Halt::NotLocked(StripeNotLocked(currency))) }
    }

    /// Notes what came in from outside, or went out. [`Self::settlement_bears`] it.
    pub(super) fn flow(&mut self, currency: Currency, amount: i64) {
        let inflow = &mut self.inflow[currency.index()];
        *inflow = inflow.strict_add(amount);
    }

    /// Posts the other side of all that came in and went out, once per currency.
    fn settle(&mut self) {
        for currency in Currency::all() {
            let inflow = self.inflow[currency.index()];
            if inflow == 0 {
                continue;
            }
            let id = self.stripes.of(currency);
            let kinds = (Kind::Settlement, EntryKind::Settlement);
            self.post_ours(id, currency, kinds, inflow.strict_neg());
        }
        for currency in Currency::all() {
            let revenue = self.revenue[currency.index()];
            if revenue == 0 {
                continue;
            }
            let id = self.stripes.revenue(currency);
            self.post_ours(id, currency, (Kind::Revenue, EntryKind::Revenue), revenue);
        }
    }

    /// Posts to a wallet of ours, which is opened when it is needed first.
    fn post_ours(
        &mut self,
        id: Uuid,
        currency: Currency,
        (kind, entry): (Kind, EntryKind),
        amount: i64,
    ) {
        let place = self.locked.place(id).expect("it was found when it was charged");
        let slot = &mut self.locked.slots[place];
        if slot.wallet.is_none() {
            slot.wallet = Some(Wallet::unopened(id, "", currency, kind, self.now_us));
            slot.change = Change::Opened;
        }
        let at_us = self.wallet(place).next_at_us(self.now_us);
        let txn_id = self.ids.next(at_us);
        self.post(place, Leg::new(entry, amount, txn_id, at_us));
    }

    /// Adds one entry to a wallet. What may be posted has been decided before.
    pub(super) fn post(&mut self, place: usize, leg: Leg<'a>) -> Transaction {
        let slot = &mut self.locked.slots[place];
        if slot.change == Change::None {
            slot.change = Change::Updated;
        }
        let wallet = slot.wallet.as_mut().expect("only wallets that are there are posted to");
        wallet.available = wallet.available.strict_add(leg.amount).strict_sub(leg.held);
        wallet.held = wallet.held.strict_add(leg.held);
        if let Some(amount) = counted(&leg) {
            wallet.usage = wallet.usage.with(amount, self.now_us);
        }
        assert!(wallet.held >= 0, "{} has reserved less than nothing", wallet.id);
        wallet.version = wallet.version.strict_add(1);
        assert!(leg.at_us > wallet.last_at_us, "instants of {} must ascend", wallet.id);
        wallet.last_at_us = leg.at_us;
        let mut entry = Entry {
            wallet_id: wallet.id,
            at_us: leg.at_us,
            version: wallet.version,
            kind: leg.kind,
            currency: wallet.currency,
            amount: leg.amount,
            available_after: wallet.available,
            held_after: wallet.held,
            held_change: leg.held,
            fee: leg.fee,
            txn_id: leg.txn_id,
            counterparty: leg.counterparty,
            description: leg.description,
            actor: leg.actor,
            about: leg.about,
            hash: [0; 32],
        };
        let revenue = &mut self.revenue[entry.currency.index()];
        *revenue = revenue.strict_add(leg.fee);
        entry.hash = entry.link(&wallet.last_hash);
        wallet.last_hash = entry.hash;
        let transaction = Transaction::of(&entry);
        self.decision.entries.push(entry);
        transaction
    }

    /// A wallet that is there.
    pub(super) fn wallet(&self, place: usize) -> &Wallet {
        self.locked.slots[place].wallet.as_ref().expect("the caller has seen it")
    }
}

impl Leg<'_> {
    pub(super) fn new(kind: EntryKind, amount: i64, txn_id: Uuid, at_us: i64) -> Self {
        let (counterparty, description, actor, about) = (None, None, None, None);
        Self {
            kind,
            amount,
            fee: 0,
            held: 0,
            txn_id,
            at_us,
            counterparty,
            description,
            actor,
            about,
        }
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
