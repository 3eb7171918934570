//! The ledger's values as the wire shows them. Pure.

use crate::{
    ledger::{
        command::{Transaction, amount_of},
        hold::Hold,
        limit::Limits,
        money::{Currency, format_minor},
        wallet::{Status, Wallet},
    },
    store::{Balance, BalanceAt, HistoryEntry, Holds, Leg, Statement, Wallets},
};
use chrono::{DateTime, TimeDelta, Utc};
use protocol::wallet::{
    BalanceAtView, BalanceView, EntryKind, EntryView, HoldState, HoldView, HoldsView, LimitsView,
    StatementView, StatusView, TransactionView, WalletView, WalletsView,
};
use uuid::Uuid;

/// An instant of the ledger.
fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).expect("every i64 of microseconds is a year chrono has")
}

/// What a customer's wallet has; below [`crate::ledger::wallet::BALANCE_MAX`] by far of an i64.
fn whole(available: i64, held: i64) -> i64 {
    available.saturating_add(held)
}

pub(super) fn wallet(wallet: &Wallet) -> WalletView {
    WalletView {
        id: wallet.id,
        wallet_id: wallet.id,
        user_id: wallet.user_id.to_string(),
        currency: wallet.currency.code().to_owned(),
        status: wallet.status,
        balance: format_minor(wallet.available, wallet.currency),
        balance_minor: wallet.available,
        held: format_minor(wallet.held, wallet.currency),
        held_minor: wallet.held,
        ledger_balance: format_minor(whole(wallet.available, wallet.held), wallet.currency),
        ledger_balance_minor: whole(wallet.available, wallet.held),
        limits: limits(wallet),
        version: wallet.version,
        created_at: instant(wallet.created_us),
        updated_at: instant(wallet.last_at_us),
    }
}

fn limits(wallet: &Wallet) -> Option<LimitsView> {
    let Limits { day_out_max, minute_count_max } = wallet.limits;
    (wallet.limits != Limits::default()).then(|| LimitsView {
        daily_debit: day_out_max.map(|max| format_minor(max, wallet.currency)),
        daily_debit_minor: day_out_max,
        debited_minor: wallet.usage.day_out,
        debits_per_minute: minute_count_max,
    })
}

pub(super) fn wallets(page: &Wallets) -> WalletsView {
    WalletsView {
        wallets: page.wallets.iter().map(wallet).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }
}

pub(super) fn balance(balance: &Balance) -> BalanceView {
    let wallet = &balance.wallet;
    BalanceView {
        wallet_id: wallet.id,
        currency: wallet.currency.code().to_owned(),
        balance: format_minor(wallet.available, wallet.currency),
        balance_minor: wallet.available,
        held: format_minor(wallet.held, wallet.currency),
        held_minor: wallet.held,
        ledger_balance: format_minor(whole(wallet.available, wallet.held), wallet.currency),
        ledger_balance_minor: whole(wallet.available, wallet.held),
        version: wallet.version,
        as_of: instant(balance.as_of_us),
        stale: balance.stale,
    }
}

pub(super) fn balance_at(at: DateTime<Utc>, balance: &BalanceAt) -> BalanceAtView {
    let wallet = &balance.wallet;
    BalanceAtView {
        wallet_id: wallet.id,
        currency: wallet.currency.code().to_owned(),
        balance: format_minor(balance.available, wallet.currency),
        balance_minor: balance.available,
        held: format_minor(balance.held, wallet.currency),
        held_minor: balance.held,
        ledger_balance: format_minor(whole(balance.available, balance.held), wallet.currency),
        ledger_balance_minor: whole(balance.available, balance.held),
        version: balance.version,
        timestamp: at,
        is_final: balance.is_final,
    }
}

/// An administrator sees why and by whom a wallet was frozen; its user must not be warned by it.
pub(super) fn statement(page: &Statement, administrator: bool) -> StatementView {
    let currency = page.wallet.currency;
    StatementView {
        wallet_id: page.wallet.id,
        currency: currency.code().to_owned(),
        entries: page.entries.iter().map(|line| entry(line, currency, administrator)).collect(),
        next_cursor: page.next.map(|before| before.to_string()),
    }
}

fn entry(entry: &HistoryEntry, currency: Currency, administrator: bool) -> EntryView {
    // What a capture is for is told to who pays it.
    let payment = matches!(entry.kind, EntryKind::HoldCaptured | EntryKind::HoldReceived);
    let ordered = entry.actor.is_some() && !payment;
    EntryView {
        transaction_id: entry.txn_id,
        kind: entry.kind,
        amount: format_minor(entry.amount, currency),
        amount_minor: entry.amount,
        fee_minor: fee_minor(entry.fee),
        balance_after: format_minor(entry.available_after, currency),
        balance_after_minor: entry.available_after,
        held_change_minor: entry.held_change,
        held_after: format_minor(entry.held_after, currency),
        held_after_minor: entry.held_after,
        version: entry.version,
        at: instant(entry.at_us),
        counterparty_wallet_id: entry.counterparty,
        reverses_transaction_id: entry.about.filter(|_| entry.kind.is_of_reversal()),
        hold_id: entry.about.filter(|_| entry.kind.is_of_hold()),
        description: entry.description.clone().filter(|_| administrator || !ordered),
        actor: entry.actor.clone().filter(|_| administrator),
    }
}

pub(super) fn transaction(done: &Transaction) -> TransactionView {
    let (from, to) = ends(done.kind, done.wallet_id, done.to);
    TransactionView {
        transaction_id: done.id,
        dry_run: false,
        kind: done.kind,
        wallet_id: done.wallet_id,
        from_wallet_id: from,
        to_wallet_id: to,
        reverses_transaction_id: done.about.filter(|_| done.kind.is_of_reversal()),
        reversed_by_transaction_id: None,
        hold_id: done.about.filter(|_| done.kind.is_of_hold()),
        hold_expires_at: None,
        currency: done.currency.code().to_owned(),
        amount: format_minor(done.amount, done.currency),
        amount_minor: done.amount,
        fee: fee_minor(done.fee).map(|fee| format_minor(fee, done.currency)),
        fee_minor: fee_minor(done.fee),
        new_balance: format_minor(done.available_after, done.currency),
        new_balance_minor: done.available_after,
        new_held: format_minor(done.held_after, done.currency),
        new_held_minor: done.held_after,
        version: done.version,
        at: instant(done.at_us),
    }
}

/// What is free shows no fee.
fn fee_minor(fee: i64) -> Option<i64> {
    Some(fee).filter(|fee| *fee != 0)
}

/// What was only decided has no name.
pub(super) fn dry(view: TransactionView) -> TransactionView {
    let hold_id = view.hold_id.filter(|id| *id != view.transaction_id);
    TransactionView { transaction_id: Uuid::nil(), hold_id, dry_run: true, ..view }
}

/// What was only decided has no name.
pub(super) fn dry_status(view: StatusView) -> StatusView {
    StatusView { transaction_id: Uuid::nil(), dry_run: true, ..view }
}

/// From where to where the money went, when it went between two wallets.
fn ends(kind: EntryKind, own: Uuid, other: Option<Uuid>) -> (Option<Uuid>, Option<Uuid>) {
    match other {
        Some(other) if kind.receives() => (Some(other), Some(own)),
        Some(other) => (Some(own), Some(other)),
        None => (None, None),
    }
}

/// The answer to an authorization. When it expires follows from the request and the entry.
pub(super) fn authorization(done: &Transaction, lifetime_seconds: u32) -> TransactionView {
    let expires_at = instant(done.at_us) + TimeDelta::seconds(lifetime_seconds.into());
    TransactionView { hold_expires_at: Some(expires_at), ..transaction(done) }
}

pub(super) fn hold(hold: &Hold, currency: Currency, now_us: i64) -> HoldView {
    let state = hold.state_at(now_us);
    let remaining = if state == HoldState::Open { hold.remaining() } else { 0 };
    HoldView {
        hold_id: hold.id,
        wallet_id: hold.wallet_id,
        destination_wallet_id: hold.to,
        state,
        currency: currency.code().to_owned(),
        amount: format_minor(hold.amount, currency),
        amount_minor: hold.amount,
        captured: format_minor(hold.captured, currency),
        captured_minor: hold.captured,
        remaining: format_minor(remaining, currency),
        remaining_minor: remaining,
        expires_at: instant(hold.expires_us),
        created_at: instant(hold.created_us),
    }
}

pub(super) fn holds(page: &Holds) -> HoldsView {
    let currency = page.wallet.currency;
    HoldsView {
        wallet_id: page.wallet.id,
        holds: page.holds.iter().map(|one| hold(one, currency, page.as_of_us)).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }
}

/// What became of an order. All of it follows from the order and its entry.
pub(super) fn status(done: &Transaction, status: Status, reason: &str) -> StatusView {
    StatusView {
        wallet_id: done.wallet_id,
        status,
        reason: reason.to_owned(),
        transaction_id: done.id,
        dry_run: false,
        version: done.version,
        at: instant(done.at_us),
    }
}

/// One side of a transaction, as its owner may see it: the other side's balance is not in it.
pub(super) fn leg(leg: &Leg) -> TransactionView {
    let (entry, currency) = (&leg.entry, leg.wallet.currency);
    let (from, to) = ends(entry.kind, entry.wallet_id, entry.counterparty);
    let amount = amount_of(entry.amount, entry.held_change, entry.fee);
    TransactionView {
        transaction_id: entry.txn_id,
        dry_run: false,
        kind: entry.kind,
        wallet_id: entry.wallet_id,
        from_wallet_id: from,
        to_wallet_id: to,
        reverses_transaction_id: entry.about.filter(|_| entry.kind.is_of_reversal()),
        reversed_by_transaction_id: leg.reversed_by,
        hold_id: entry.about.filter(|_| entry.kind.is_of_hold()),
        hold_expires_at: None,
        currency: currency.code().to_owned(),
        amount: format_minor(amount, currency),
        amount_minor: amount,
        fee: fee_minor(entry.fee).map(|fee| format_minor(fee, currency)),
        fee_minor: fee_minor(entry.fee),
        new_balance: format_minor(entry.available_after, currency),
        new_balance_minor: entry.available_after,
        new_held: format_minor(entry.held_after, currency),
        new_held_minor: entry.held_after,
        version: entry.version,
        at: instant(entry.at_us),
    }
}
