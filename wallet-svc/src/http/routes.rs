//! The table of routes: every operation of the API, what it takes, says and refuses.

use super::{
    Edge, batches, history, holds, movements, orders,
    surface::{Surface, get, post, put},
    wallets,
};
use crate::traffic::Operation as O;
use protocol::wallet::{
    Authorize, BalanceAtView, BalanceView, Batch, BatchView, CaptureHold, Code, Code as C,
    CreateWallet, FeesView, HoldView, HoldsView, MoveMoney, Order, PostTransaction, SetLimits,
    StatementView, StatusView, TransactionView, WalletView, WalletsView,
};

/// What a payment may be refused for.
const PAYING: &[Code] = &[
    Code::InvalidAmount,
    Code::InvalidCurrency,
    Code::WalletClosed,
    Code::WalletFrozen,
    Code::VelocityLimit,
    Code::DailyLimit,
    Code::InsufficientFunds,
    Code::BalanceLimit,
];

/// The same, where there is a receiver.
const TRANSFERRING: &[Code] = &[
    Code::InvalidAmount,
    Code::InvalidCurrency,
    Code::InvalidTransfer,
    Code::Unbalanced,
    Code::WalletNotFound,
    Code::WalletClosed,
    Code::WalletFrozen,
    Code::VelocityLimit,
    Code::DailyLimit,
    Code::InsufficientFunds,
    Code::BalanceLimit,
];

const CAPTURING: &[Code] = &[
    Code::InvalidAmount,
    Code::HoldNotFound,
    Code::HoldNotOpen,
    Code::HoldExpired,
    Code::HoldExceeded,
    Code::WalletClosed,
    Code::WalletFrozen,
    Code::BalanceLimit,
];

const REVERSING: &[Code] = &[
    Code::TransactionNotFound,
    Code::NotReversible,
    Code::AlreadyReversed,
    Code::WalletClosed,
    Code::WalletFrozen,
    Code::InsufficientFunds,
    Code::BalanceLimit,
];

const PAGE: &[&str] = &["cursor", "limit"];

/// All lines.
pub(super) fn surface(edge: Option<&Edge>) -> Surface<'_> {
    reserves(arranges(moves(looks(Surface::new(edge)))))
}

#[rustfmt::skip]
fn looks(surface: Surface<'_>) -> Surface<'_> {
    surface
        .line(get("/wallets/{id}", O::Wallet, "a wallet as it stands")
            .says::<WalletView>(), wallets::read)
        .line(get("/wallets/{id}/balance", O::Balance, "a wallet's balance")
            .asks(&["minVersion"]).says::<BalanceView>(), history::balance)
        .line(get("/wallets/{id}/balance/historical", O::BalanceAt, "the balance at an instant")
            .asks(&["timestamp"]).says::<BalanceAtView>().refuses(&[C::InvalidTimestamp]),
            history::balance_at)
        .line(get("/wallets/{id}/balance/history", O::BalanceAt, "the same by another name")
            .asks(&["timestamp"]).says::<BalanceAtView>().refuses(&[C::InvalidTimestamp]),
            history::balance_at)
        .line(get("/wallets/{id}/statement", O::Statement, "a wallet's entries, newest first")
            .asks(PAGE).says::<StatementView>(), history::statement)
        .line(get("/wallets/{id}/holds", O::Holds, "a wallet's holds, newest first")
            .asks(PAGE).says::<HoldsView>(), holds::list)
        .line(get("/wallets/{id}/holds/{holdId}", O::Hold, "a hold as it stands")
            .says::<HoldView>().refuses(&[C::HoldNotFound]), holds::read)
        .line(get("/fees", O::Fees, "what payments cost, by version").says::<FeesView>(),
            movements::fees)
        .line(get("/users/{userId}/wallets", O::UserWallets, "a user's wallets")
            .asks(PAGE).says::<WalletsView>(), wallets::of_user)
        .line(get("/transactions/{id}", O::Transaction, "the caller's side of a transaction")
            .says::<TransactionView>().refuses(&[C::TransactionNotFound]), history::transaction)
}

#[rustfmt::skip]
fn moves(surface: Surface<'_>) -> Surface<'_> {
    surface
        .line(post("/wallets/{id}/deposit", O::Deposit, "puts money into a wallet")
            .dry::<MoveMoney, TransactionView>().refuses(PAYING), movements::deposit)
        .line(post("/wallets/{id}/withdraw", O::Withdraw, "takes money out of a wallet")
            .dry::<MoveMoney, TransactionView>().refuses(PAYING), movements::withdraw)
        .line(post("/wallets/{id}/transfer", O::Transfer, "moves money to another wallet")
            .dry::<MoveMoney, TransactionView>().refuses(TRANSFERRING), movements::transfer)
        .line(post("/transactions", O::Post, "changes several wallets at one instant")
            .dry::<PostTransaction, TransactionView>().refuses(TRANSFERRING), batches::post)
        .line(post("/batches", O::Batch, "carries out several commands, together or apart")
            .dry::<Batch, BatchView>().refuses(TRANSFERRING), batches::create)
        .line(post("/transactions/{id}/reversal", O::Reverse, "undoes a transaction, once")
            .orders().dry::<Order, TransactionView>().refuses(REVERSING), orders::reverse)
}

#[rustfmt::skip]
fn arranges(surface: Surface<'_>) -> Surface<'_> {
    surface
        .line(post("/wallets", O::CreateWallet, "opens a wallet")
            .takes::<CreateWallet>().says::<WalletView>().status(201)
            .refuses(&[C::InvalidCurrency]), wallets::create)
        .line(post("/wallets/{id}/freeze", O::Freeze, "stops all movement of a wallet")
            .orders().dry::<Order, StatusView>()
            .refuses(&[C::WalletFrozen, C::WalletClosed]), orders::freeze)
        .line(post("/wallets/{id}/unfreeze", O::Unfreeze, "lifts a freeze")
            .orders().dry::<Order, StatusView>()
            .refuses(&[C::WalletNotFrozen, C::WalletClosed]), orders::unfreeze)
        .line(post("/wallets/{id}/close", O::Close, "ends an empty wallet for good")
            .dry::<Order, StatusView>()
            .refuses(&[C::WalletNotEmpty, C::WalletFrozen, C::WalletClosed]), orders::close)
        .line(put("/wallets/{id}/limits", O::Limit, "sets what a wallet may pay")
            .orders().dry::<SetLimits, TransactionView>()
            .refuses(&[C::InvalidAmount, C::WalletClosed]), orders::limit)
}

#[rustfmt::skip]
fn reserves(surface: Surface<'_>) -> Surface<'_> {
    surface
        .line(post("/wallets/{id}/holds", O::Authorize, "reserves money of a wallet")
            .dry::<Authorize, TransactionView>().status(201).refuses(TRANSFERRING),
            holds::authorize)
        .line(post("/wallets/{id}/holds/{holdId}/capture", O::Capture, "takes reserved money")
            .orders().dry::<CaptureHold, TransactionView>().refuses(CAPTURING), holds::capture)
        .line(post("/wallets/{id}/holds/{holdId}/void", O::Void, "gives reserved money back")
            .orders().dry::<Order, TransactionView>()
            .refuses(&[C::HoldNotFound, C::HoldNotOpen, C::HoldExpired]), holds::void)
}
