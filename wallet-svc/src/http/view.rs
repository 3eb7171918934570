//! The ledger's values as the wire shows them. Pure.

use crate::{
    ledger::{
        command::Transaction,
        money::{Currency, format_minor},
        wallet::{Status, Wallet},
    },
    store::{Balance, BalanceAt, HistoryEntry, Leg, Statement, Wallets},
};
use chrono::{DateTime, Utc};
use protocol::wallet::{
    BalanceAtView, BalanceView, EntryKind, EntryView, StatementView, StatusView, TransactionView,
    WalletView, WalletsView,
};
use uuid::Uuid;

/// An instant of the ledger.
fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).expect("every i64 of microseconds is a year chrono has")
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
        version: wallet.version,
        created_at: instant(wallet.created_us),
        updated_at: instant(wallet.last_at_us),
    }
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
    let ordered = entry.actor.is_some();
    EntryView {
        transaction_id: entry.txn_id,
        kind: entry.kind,
        amount: format_minor(entry.amount, currency),
        amount_minor: entry.amount,
        balance_after: format_minor(entry.available_after, currency),
        balance_after_minor: entry.available_after,
        version: entry.version,
        at: instant(entry.at_us),
        counterparty_wallet_id: entry.counterparty,
        reverses_transaction_id: reversed(entry.kind, entry.about),
        description: entry.description.clone().filter(|_| administrator || !ordered),
        actor: entry.actor.clone().filter(|_| administrator),
    }
}

pub(super) fn transaction(done: &Transaction) -> TransactionView {
    let (from, to) = ends(done.kind, done.wallet_id, done.to);
    TransactionView {
        transaction_id: done.id,
        kind: done.kind,
        wallet_id: done.wallet_id,
        from_wallet_id: from,
        to_wallet_id: to,
        reverses_transaction_id: reversed(done.kind, done.about),
        reversed_by_transaction_id: None,
        currency: done.currency.code().to_owned(),
        amount: format_minor(done.amount, done.currency),
        amount_minor: done.amount,
        new_balance: format_minor(done.available_after, done.currency),
        new_balance_minor: done.available_after,
        version: done.version,
        at: instant(done.at_us),
    }
}

/// From where to where the money went, when it went between two wallets.
fn ends(kind: EntryKind, own: Uuid, other: Option<Uuid>) -> (Option<Uuid>, Option<Uuid>) {
    let received = matches!(kind, EntryKind::TransferIn | EntryKind::ReversalIn);
    match other {
        Some(other) if received => (Some(other), Some(own)),
        Some(other) => (Some(own), Some(other)),
        None => (None, None),
    }
}

fn reversed(kind: EntryKind, about: Option<Uuid>) -> Option<Uuid> {
    about.filter(|_| matches!(kind, EntryKind::ReversalOut | EntryKind::ReversalIn))
}

/// What became of an order. All of it follows from the order and its entry.
pub(super) fn status(done: &Transaction, status: Status, reason: &str) -> StatusView {
    StatusView {
        wallet_id: done.wallet_id,
        status,
        reason: reason.to_owned(),
        transaction_id: done.id,
        version: done.version,
        at: instant(done.at_us),
    }
}

/// One side of a transaction, as its owner may see it: the other side's balance is not in it.
pub(super) fn leg(leg: &Leg) -> TransactionView {
    let (entry, currency) = (&leg.entry, leg.wallet.currency);
    let (from, to) = ends(entry.kind, entry.wallet_id, entry.counterparty);
    let amount = entry.amount.strict_abs();
    TransactionView {
        transaction_id: entry.txn_id,
        kind: entry.kind,
        wallet_id: entry.wallet_id,
        from_wallet_id: from,
        to_wallet_id: to,
        reverses_transaction_id: reversed(entry.kind, entry.about),
        reversed_by_transaction_id: leg.reversed_by,
        currency: currency.code().to_owned(),
        amount: format_minor(amount, currency),
        amount_minor: amount,
        new_balance: format_minor(entry.available_after, currency),
        new_balance_minor: entry.available_after,
        version: entry.version,
        at: instant(entry.at_us),
    }
}
