//! `POST …/freeze`, `…/unfreeze`, `…/close`, `…/reversal` and `PUT …/limits`: what is ordered, and
//! why.

use super::{
    Edge,
    body::{Body, NewLimits, Reason},
    caller::{Administrator, Writer, name_of},
    error::Error,
    history::transaction_not_found,
    movements::{Moved, carry_out, decide},
    params::{Deadline, DryRun, TransactionId, WalletId},
    view,
};
use crate::ledger::{
    command::{Command, Done, Limiting, Order, Outcome},
    reversal::Reversal,
    wallet::Status,
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use protocol::wallet::StatusView;

/// The answer to an order.
pub struct Turned {
    view: StatusView,
    replayed: bool,
}

/// Stops all movement of a wallet.
///
/// # Errors
///
/// A refusal of the ledger, or why it is not known whether there is one.
pub async fn freeze(
    State(edge): State<Edge>,
    Administrator(caller): Administrator,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Turned, Error> {
    let order = Order { reason: reason.clone(), by: Some(name_of(&caller)) };
    let outcome = decide(&edge, Command::freeze(id, &key, order), deadline, dry_run).await?;
    turned(outcome, Status::Frozen, &reason, dry_run)
}

/// Lifts a freeze.
///
/// # Errors
///
/// As [`freeze`].
pub async fn unfreeze(
    State(edge): State<Edge>,
    Administrator(caller): Administrator,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Turned, Error> {
    let order = Order { reason: reason.clone(), by: Some(name_of(&caller)) };
    let outcome = decide(&edge, Command::unfreeze(id, &key, order), deadline, dry_run).await?;
    turned(outcome, Status::Active, &reason, dry_run)
}

/// Ends an empty wallet for good. Its user may, too.
///
/// # Errors
///
/// As [`freeze`].
pub async fn close(
    State(edge): State<Edge>,
    caller: Writer,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Turned, Error> {
    let by = caller.0.is_admin().then(|| name_of(&caller.0));
    let order = Order { reason: reason.clone(), by };
    let command = Command::close(id, caller.actor(), &key, order);
    let outcome = decide(&edge, command, deadline, dry_run).await?;
    turned(outcome, Status::Closed, &reason, dry_run)
}

/// Sets what a wallet may pay a day and how often a minute.
///
/// # Errors
///
/// As [`freeze`].
pub async fn limit(
    State(edge): State<Edge>,
    Administrator(caller): Administrator,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(NewLimits { key, day_out, minute_count, note }): Body<NewLimits>,
) -> Result<Moved, Error> {
    let limiting = Limiting { day_out, minute_count, note, by: Some(name_of(&caller)) };
    carry_out(&edge, Command::limit(id, &key, limiting), deadline, dry_run).await
}

/// Undoes a transaction, once.
///
/// # Errors
///
/// There is no such transaction, it could not be read, or as [`freeze`].
pub async fn reverse(
    State(edge): State<Edge>,
    Administrator(caller): Administrator,
    TransactionId(transaction_id): TransactionId,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Moved, Error> {
    let legs = edge.ledger.transaction(transaction_id).await?;
    if legs.is_empty() {
        return Err(transaction_not_found());
    }
    let undone = legs.iter().map(|leg| leg.undone()).collect();
    let order = Order { reason, by: Some(name_of(&caller)) };
    let command = Command::reverse(&key, Reversal { transaction_id, undone, order });
    carry_out(&edge, command, deadline, dry_run).await
}

fn turned(
    outcome: Outcome,
    status: Status,
    reason: &str,
    DryRun(dry_run): DryRun,
) -> Result<Turned, Error> {
    let Done::Transaction(done) = outcome.result? else {
        unreachable!("an order is done as a transaction")
    };
    let (replayed, view) = (outcome.replayed, view::status(&done, status, reason));
    let invented = dry_run && !replayed;
    let view = if invented { view::dry_status(view) } else { view };
    Ok(Turned { view, replayed })
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        if self.view.dry_run {
            return Json(self.view).into_response();
        }
        let location = format!("/api/v1/transactions/{}", self.view.transaction_id);
        let tag = super::entity_tag(self.view.version);
        let headers = [(header::LOCATION, location), (header::ETAG, tag)];
        (headers, super::replay_mark(self.replayed), Json(self.view)).into_response()
    }
}
