//! `…/holds`: money reserved, captured, voided, and looked at.
//!
//! The wallet's user may reserve; only an administrator, such as the payee's backend, may capture
//! and void: a hold that its own user could lift would reserve nothing.

use super::{
    Edge,
    body::{Body, NewCapture, NewHold, Reason},
    caller::{Administrator, Reader, Writer, name_of, owned},
    error::Error,
    movements::{Moved, carry_out, decide},
    params::{Deadline, DryRun, HoldId, Page, WalletId},
    refusal::hold_not_found,
    view,
};
use crate::ledger::command::{Capture, Command, Done, Order, Transaction};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::wallet::{HoldView, HoldsView};
use uuid::Uuid;

/// The answer to an authorization.
pub struct Authorized {
    transaction: Transaction,
    lifetime_seconds: u32,
    replayed: bool,
    /// Only decided, and not done.
    invented: bool,
}

/// Reserves money of a wallet.
///
/// # Errors
///
/// A refusal of the ledger, or why it is not known whether there is one.
pub async fn authorize(
    State(edge): State<Edge>,
    caller: Writer,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(NewHold { key, authorization }): Body<NewHold>,
) -> Result<Authorized, Error> {
    let lifetime_seconds = authorization.lifetime_seconds;
    let command = Command::authorize(id, caller.actor(), &key, authorization);
    let outcome = decide(&edge, command, deadline, dry_run).await?;
    let Done::Transaction(transaction) = outcome.result? else {
        unreachable!("an authorization is done as a transaction")
    };
    let replayed = outcome.replayed;
    Ok(Authorized { transaction, lifetime_seconds, replayed, invented: dry_run.0 && !replayed })
}

/// Takes all or a part of what is reserved.
///
/// # Errors
///
/// The hold could not be read, or as [`authorize`].
pub async fn capture(
    State(edge): State<Edge>,
    Administrator(caller): Administrator,
    HoldId { wallet_id, hold_id }: HoldId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(NewCapture { key, amount, is_final, description }): Body<NewCapture>,
) -> Result<Moved, Error> {
    // Who receives never changes, so it may be read before the ledger locks that wallet, too. What
    // is not found is told by the ledger, after what comes before it.
    let found = edge.ledger.hold(wallet_id, hold_id).await?;
    let to = found.and_then(|found| found.holds.first().and_then(|hold| hold.to));
    let by = Some(name_of(&caller));
    let capture = Capture { hold_id, to, amount, is_final, description, by };
    let command = Command::capture(wallet_id, &key, capture);
    carry_out(&edge, command, deadline, dry_run).await
}

/// Gives back what is reserved.
///
/// # Errors
///
/// As [`authorize`].
pub async fn void(
    State(edge): State<Edge>,
    Administrator(caller): Administrator,
    HoldId { wallet_id, hold_id }: HoldId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Moved, Error> {
    let order = Order { reason, by: Some(name_of(&caller)) };
    let command = Command::void(wallet_id, &key, hold_id, order);
    carry_out(&edge, command, deadline, dry_run).await
}

/// Shows a hold as it stands.
///
/// # Errors
///
/// The wallet or the hold is not there, not the caller's, or cannot be read now.
pub async fn read(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    HoldId { wallet_id, hold_id }: HoldId,
) -> Result<Json<HoldView>, Error> {
    let found = edge.ledger.hold(wallet_id, hold_id).await?;
    let found = owned(&caller, found, |found| &found.wallet)?;
    let hold = found.holds.first().ok_or_else(hold_not_found)?;
    Ok(Json(view::hold(hold, found.wallet.currency, found.as_of_us)))
}

/// Lists a wallet's holds, newest first.
///
/// # Errors
///
/// The wallet is not there, not the caller's, or cannot be read now.
pub async fn list(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    WalletId(id): WalletId,
    Page { cursor, limit }: Page<Uuid>,
) -> Result<Json<HoldsView>, Error> {
    let found = edge.ledger.holds(id, cursor, limit).await?;
    let page = owned(&caller, found, |found| &found.wallet)?;
    Ok(Json(view::holds(&page)))
}

impl IntoResponse for Authorized {
    fn into_response(self) -> Response {
        let done = &self.transaction;
        let view = view::authorization(done, self.lifetime_seconds);
        if self.invented {
            return Json(view::dry(view)).into_response();
        }
        let location = format!("/api/v1/wallets/{}/holds/{}", done.wallet_id, done.id);
        let tag = super::entity_tag(done.version);
        let headers = [(header::LOCATION, location), (header::ETAG, tag)];
        let mark = super::replay_mark(self.replayed);
        (StatusCode::CREATED, headers, mark, Json(view)).into_response()
    }
}
