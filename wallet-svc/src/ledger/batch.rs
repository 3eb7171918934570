//! Decides a batch: what was read under lock and the commands go in, rows and answers come out.
//!
//! Commands are applied in the order they came, each whole or not at all, so that a refusal touches
//! nobody else's. Money from and to the outside is posted against one settlement wallet per
//! currency, in one aggregated entry, so that all wallets together always sum to zero.

use super::command::{Command, CommandKind, Done, Key, Outcome, Payment, Refusal, Transaction};
use super::entry::Entry;
use super::id::TransactionIds;
use super::locked::{Change, Locked, Recorded, Stripes};
use super::money::Currency;
use super::wallet::{BALANCE_MAX, Kind, Status, Wallet};
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

/// What to write, beside the wallets that [`Locked`] lists, and what to answer.
#[derive(Debug, Default)]
pub struct Decision<'a> {
    /// One for each command, in order.
    pub outcomes: Vec<Outcome>,
    /// In the order they were decided, which is the order of each wallet's versions.
    pub entries: Vec<Entry<'a>>,
    pub keys: Vec<KeyRow>,
}

/// Applies `commands` to `locked`.
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
    commands: &[&'a Command],
    stripes: &Stripes,
    now_us: i64,
    ids: &mut TransactionIds,
) -> Result<Decision<'a>, StripeNotLocked> {
    let before = locked.totals();
    let decision = Decision {
        outcomes: Vec::with_capacity(commands.len()),
        entries: Vec::with_capacity(commands.len().strict_add(2)),
        keys: Vec::with_capacity(commands.len()),
    };
    let mut sitting =
        Sitting { locked, stripes, now_us, ids, inflow: [0; Currency::COUNT], decision };
    for command in commands {
        let outcome = sitting.hear(command)?;
        sitting.decision.outcomes.push(outcome);
    }
    sitting.settle();
    let decision = sitting.decision;
    assert_eq!(before, locked.totals(), "a batch must neither make nor lose money");
    Ok(decision)
}

struct Sitting<'a, 'b> {
    locked: &'b mut Locked,
    stripes: &'b Stripes,
    now_us: i64,
    ids: &'b mut TransactionIds,
    /// What came in from outside, less what went out, in minor units of each currency.
    inflow: [i64; Currency::COUNT],
    decision: Decision<'a>,
}

/// One side of a movement.
struct Leg<'a> {
    kind: EntryKind,
    amount: i64,
    txn_id: Uuid,
    at_us: i64,
    counterparty: Option<Uuid>,
    description: Option<&'a str>,
}

impl<'a> Sitting<'a, '_> {
    fn hear(&mut self, command: &'a Command) -> Result<Outcome, StripeNotLocked> {
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
        let result = match &command.kind {
            CommandKind::Deposit(payment) => self.deposit(place, payment)?,
            CommandKind::Withdraw(payment) => self.withdraw(place, payment)?,
            CommandKind::Transfer { to, payment } => self.transfer(place, *to, payment),
            CommandKind::CreateWallet { .. } => unreachable!("answered above"),
        };
        self.record(command, &result);
        Ok(fresh(result.map(Done::Transaction)))
    }

    fn record(&mut self, command: &Command, result: &Result<Transaction, Refusal>) {
        if result.as_ref().is_err_and(|refusal| !refusal.is_recorded()) {
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

    /// The wallet's own primary key is what makes this happen once.
    fn open(&mut self, wallet_id: Uuid, user_id: &str, currency: Currency) -> Outcome {
        let place = self.locked.place(wallet_id).expect("every command's wallets have a slot");
        if let Some(wallet) = &self.locked.slots[place].wallet {
            if *wallet.user_id != *user_id || wallet.currency != currency {
                return Outcome { result: Err(Refusal::KeyReused), replayed: false };
            }
            let as_opened = Wallet {
                version: 1,
                last_at_us: wallet.created_us,
                ..Wallet::unopened(wallet_id, user_id, currency, Kind::Customer, wallet.created_us)
            };
            return Outcome { result: Ok(Done::Wallet(as_opened)), replayed: true };
        }
        let wallet = Wallet::unopened(wallet_id, user_id, currency, Kind::Customer, self.now_us);
        self.locked.slots[place].wallet = Some(wallet);
        self.locked.slots[place].change = Change::Opened;
        let txn_id = self.ids.next(self.now_us);
        self.post(place, Leg::new(EntryKind::WalletCreated, 0, txn_id, self.now_us));
        let wallet = self.locked.slots[place].wallet.clone().expect("opened just now");
        Outcome { result: Ok(Done::Wallet(wallet)), replayed: false }
    }

    fn deposit(
        &mut self,
        place: usize,
        payment: &'a Payment,
    ) -> Result<Result<Transaction, Refusal>, StripeNotLocked> {
        let wallet = self.wallet(place);
        let currency = wallet.currency;
        let amount = match minor(wallet, payment).and_then(|amount| {
            may_move(wallet)?;
            may_receive(wallet, amount)?;
            Ok(amount)
        }) {
            Ok(amount) => amount,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !self.settlement_bears(currency, amount)? {
            return Ok(Err(Refusal::BalanceLimit));
        }
        Ok(Ok(self.post_outside(place, EntryKind::Deposit, amount, payment)))
    }

    fn withdraw(
        &mut self,
        place: usize,
        payment: &'a Payment,
    ) -> Result<Result<Transaction, Refusal>, StripeNotLocked> {
        let wallet = self.wallet(place);
        let currency = wallet.currency;
        let amount = match minor(wallet, payment).and_then(|amount| {
            may_move(wallet)?;
            may_spend(wallet, amount)?;
            Ok(amount)
        }) {
            Ok(amount) => amount.strict_neg(),
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !self.settlement_bears(currency, amount)? {
            return Ok(Err(Refusal::BalanceLimit));
        }
        Ok(Ok(self.post_outside(place, EntryKind::Withdrawal, amount, payment)))
    }

    fn transfer(
        &mut self,
        from: usize,
        to: Uuid,
        payment: &'a Payment,
    ) -> Result<Transaction, Refusal> {
        let source = self.wallet(from);
        if source.id == to {
            return Err(Refusal::SameWallet);
        }
        let (to, receiver) = self.locked.customer(to).ok_or(Refusal::ReceiverNotFound)?;
        if receiver.currency != source.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        let amount = minor(source, payment)?;
        for_both(source, receiver, Status::Closed, Refusal::WalletClosed)?;
        for_both(source, receiver, Status::Frozen, Refusal::WalletFrozen)?;
        may_spend(source, amount)?;
        may_receive(receiver, amount)?;

        // Both sides happen at one instant, after all that either wallet has seen.
        let at_us = source.next_at_us(self.now_us).max(receiver.next_at_us(self.now_us));
        let (source_id, receiver_id) = (source.id, receiver.id);
        let txn_id = self.ids.next(at_us);
        let description = payment.description.as_deref();
        let out = Leg::new(EntryKind::TransferOut, amount.strict_neg(), txn_id, at_us);
        let done = self.post(from, Leg { counterparty: Some(receiver_id), description, ..out });
        let into = Leg::new(EntryKind::TransferIn, amount, txn_id, at_us);
        self.post(to, Leg { counterparty: Some(source_id), description, ..into });
        Ok(done)
    }

    /// Whether the other side of `amount` fits the settlement wallet.
    fn settlement_bears(&self, currency: Currency, amount: i64) -> Result<bool, StripeNotLocked> {
        let place =
            self.locked.place(self.stripes.of(currency)).ok_or(StripeNotLocked(currency))?;
        let available = self.locked.slots[place].wallet.as_ref().map_or(0, |w| w.available);
        let inflow = self.inflow[currency.index()].checked_add(amount);
        // One more than needed, so that the wallet can be negated.
        let after = inflow.and_then(|inflow| available.checked_sub(inflow));
        Ok(after.is_some_and(|after| after > i64::MIN))
    }

    fn post_outside(
        &mut self,
        place: usize,
        kind: EntryKind,
        amount: i64,
        payment: &'a Payment,
    ) -> Transaction {
        let wallet = self.wallet(place);
        let (currency, at_us) = (wallet.currency, wallet.next_at_us(self.now_us));
        let inflow = &mut self.inflow[currency.index()];
        *inflow = inflow.strict_add(amount);
        let txn_id = self.ids.next(at_us);
        let description = payment.description.as_deref();
        self.post(place, Leg { description, ..Leg::new(kind, amount, txn_id, at_us) })
    }

    /// Posts the other side of all that came in and went out, once per currency.
    fn settle(&mut self) {
        for currency in Currency::all() {
            let inflow = self.inflow[currency.index()];
            if inflow == 0 {
                continue;
            }
            let id = self.stripes.of(currency);
            let place = self.locked.place(id).expect("settlement_bears found it");
            let slot = &mut self.locked.slots[place];
            if slot.wallet.is_none() {
                slot.wallet =
                    Some(Wallet::unopened(id, "", currency, Kind::Settlement, self.now_us));
                slot.change = Change::Opened;
            }
            let at_us = self.wallet(place).next_at_us(self.now_us);
            let txn_id = self.ids.next(at_us);
            self.post(place, Leg::new(EntryKind::Settlement, inflow.strict_neg(), txn_id, at_us));
        }
    }

    /// Adds one entry to a wallet. What may be posted has been decided before.
    fn post(&mut self, place: usize, leg: Leg<'a>) -> Transaction {
        let slot = &mut self.locked.slots[place];
        if slot.change == Change::None {
            slot.change = Change::Updated;
        }
        let wallet = slot.wallet.as_mut().expect("only wallets that are there are posted to");
        wallet.available = wallet.available.strict_add(leg.amount);
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
            txn_id: leg.txn_id,
            counterparty: leg.counterparty,
            description: leg.description,
            hash: [0; 32],
        };
        entry.hash = entry.link(&wallet.last_hash);
        wallet.last_hash = entry.hash;
        let transaction = Transaction::of(&entry);
        self.decision.entries.push(entry);
        transaction
    }

    fn wallet(&self, place: usize) -> &Wallet {
        self.locked.slots[place].wallet.as_ref().expect("the caller has seen it")
    }
}

impl Leg<'_> {
    fn new(kind: EntryKind, amount: i64, txn_id: Uuid, at_us: i64) -> Self {
        Self { kind, amount, txn_id, at_us, counterparty: None, description: None }
    }
}

fn minor(wallet: &Wallet, payment: &Payment) -> Result<i64, Refusal> {
    if payment.currency.is_some_and(|currency| currency != wallet.currency) {
        return Err(Refusal::CurrencyMismatch);
    }
    // The other faults of an amount were found when it was parsed.
    payment.amount.minor_in(wallet.currency).map_err(|_| Refusal::TooManyDecimals)
}

fn may_move(wallet: &Wallet) -> Result<(), Refusal> {
    match wallet.status {
        Status::Active => Ok(()),
        Status::Closed => Err(Refusal::WalletClosed),
        Status::Frozen => Err(Refusal::WalletFrozen),
    }
}

fn for_both(a: &Wallet, b: &Wallet, status: Status, refusal: Refusal) -> Result<(), Refusal> {
    if a.status == status || b.status == status { Err(refusal) } else { Ok(()) }
}

fn may_spend(wallet: &Wallet, amount: i64) -> Result<(), Refusal> {
    let enough = wallet.available.checked_sub(amount).is_some_and(|after| after >= wallet.floor);
    if enough { Ok(()) } else { Err(Refusal::InsufficientFunds) }
}

fn may_receive(wallet: &Wallet, amount: i64) -> Result<(), Refusal> {
    let after = wallet.available.checked_add(amount).and_then(|sum| sum.checked_add(wallet.held));
    if after.is_some_and(|after| after <= BALANCE_MAX) {
        Ok(())
    } else {
        Err(Refusal::BalanceLimit)
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
