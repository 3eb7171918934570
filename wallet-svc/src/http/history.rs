//! What a wallet holds, held, and how it came to that.

use super::{
    Edge,
    caller::{Reader, owned, wallet_forbidden},
    error::Error,
    params::{IfNoneMatch, MinVersion, Page, Timestamp, TransactionId, WalletId},
    view,
};
use crate::{auth::Caller, store::Leg};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::wallet::{BalanceAtView, BalanceView, Code, StatementView, TransactionView};

/// A balance, or word that the client already has it.
pub struct Balance {
    view: BalanceView,
    known: bool,
}

/// Shows a balance that is at least as new as `minVersion`.
///
/// # Errors
///
/// The wallet is not there, not the caller's, or cannot be read (that fresh) now.
pub async fn balance(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    WalletId(id): WalletId,
    MinVersion(min_version): MinVersion,
    if_none_match: IfNoneMatch,
) -> Result<Balance, Error> {
    let found = edge.ledger.balance(id, min_version).await?;
    let balance = owned(&caller, found, |balance| &balance.wallet)?;
    let known = if_none_match.has(&super::entity_tag(balance.wallet.version));
    Ok(Balance { view: view::balance(&balance), known })
}

/// Shows the balance that a wallet had.
///
/// # Errors
///
/// The wallet is not there, not the caller's, or cannot be read now.
pub async fn balance_at(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    WalletId(id): WalletId,
    Timestamp(at): Timestamp,
) -> Result<Json<BalanceAtView>, Error> {
    let found = edge.ledger.balance_at(id, at.timestamp_micros()).await?;
    let balance = owned(&caller, found, |balance| &balance.wallet)?;
    Ok(Json(view::balance_at(at, &balance)))
}

/// Lists a wallet's entries, newest first.
///
/// # Errors
///
/// The wallet is not there, not the caller's, or cannot be read now.
pub async fn statement(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    WalletId(id): WalletId,
    Page { cursor, limit }: Page<i64>,
) -> Result<Json<StatementView>, Error> {
    let found = edge.ledger.statement(id, cursor, limit).await?;
    let page = owned(&caller, found, |page| &page.wallet)?;
    Ok(Json(view::statement(&page, caller.is_admin())))
}

/// Shows a transaction as the caller's side of it.
///
/// # Errors
///
/// The transaction is not there, has no side of the caller's, or cannot be read now.
pub async fn transaction(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    TransactionId(id): TransactionId,
) -> Result<Json<TransactionView>, Error> {
    let legs = edge.ledger.transaction(id).await?;
    Ok(Json(view::leg(own_leg(&caller, &legs)?)))
}

/// The first side that belongs to the caller; the paying one for who may see both.
fn own_leg<'a>(caller: &Caller, legs: &'a [Leg]) -> Result<&'a Leg, Error> {
    if legs.is_empty() {
        return Err(transaction_not_found());
    }
    legs.iter()
        .find(|leg| caller.is_admin() || *leg.wallet.user_id == *caller.user)
        .ok_or_else(wallet_forbidden)
}

/// The refusal of a transaction that is not there.
pub(super) fn transaction_not_found() -> Error {
    let message = "there is no transaction with this id";
    Error::field(Code::TransactionNotFound, "transactionId", message)
}

impl IntoResponse for Balance {
    fn into_response(self) -> Response {
        let tag = super::entity_tag(self.view.version);
        let headers =
            [(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
        if self.known {
            (StatusCode::NOT_MODIFIED, headers).into_response()
        } else {
            (headers, Json(self.view)).into_response()
        }
    }
}
