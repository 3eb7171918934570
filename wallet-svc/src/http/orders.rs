//! `POST …/freeze`, `…/unfreeze`, `…/close`, `…/reversal`: what is ordered, with its reason.

use super::{
    Edge,
    body::{Body, Reason},
    caller::{Administrator, Writer, name_of},
    error::Error,
    history::transaction_not_found,
    movements::{Moved, moved},
    params::{Deadline, TransactionId, WalletId},
    view,
};
use crate::ledger::{
    command::{Command, Done, Order},
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
use tokio::time::Instant;

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
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Turned, Error> {
    let order = Order { reason: reason.clone(), by: Some(name_of(&caller)) };
    turn(&edge, Command::freeze(id, &key, order), deadline, (Status::Frozen, &reason)).await
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
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Turned, Error> {
    let order = Order { reason: reason.clone(), by: Some(name_of(&caller)) };
    turn(&edge, Command::unfreeze(id, &key, order), deadline, (Status::Active, &reason)).await
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
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Turned, Error> {
    let by = caller.0.is_admin().then(|| name_of(&caller.0));
    let order = Order { reason: reason.clone(), by };
    let command = Command::close(id, caller.actor(), &key, order);
    turn(&edge, command, deadline, (Status::Closed, &reason)).await
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
    Body(Reason { key, reason }): Body<Reason>,
) -> Result<Moved, Error> {
    let legs = edge.ledger.transaction(transaction_id).await?;
    if legs.is_empty() {
        return Err(transaction_not_found());
    }
    let undone = legs.iter().map(|leg| leg.undone()).collect();
    let order = Order { reason, by: Some(name_of(&caller)) };
    let command = Command::reverse(&key, Reversal { transaction_id, undone, order });
    moved(&edge, edge.ledger.submit(command, deadline).await)
}

async fn turn(
    edge: &Edge,
    command: Command,
    deadline: Instant,
    (status, reason): (Status, &str),
) -> Result<Turned, Error> {
    let outcome = edge.ledger.submit(command, deadline).await?;
    let Done::Transaction(done) = outcome.result? else {
        unreachable!("an order is done as a transaction")
    };
    Ok(Turned { view: view::status(&done, status, reason), replayed: outcome.replayed })
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        let location = format!("/api/v1/transactions/{}", self.view.transaction_id);
        let tag = super::entity_tag(self.view.version);
        let headers = [(header::LOCATION, location), (header::ETAG, tag)];
        (headers, super::replay_mark(self.replayed), Json(self.view)).into_response()
    }
}
