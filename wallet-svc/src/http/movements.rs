//! `POST …/deposit`, `…/withdraw`, `…/transfer`: move money once, however often it is asked.

use super::{
    Edge,
    body::{Body, Movement, Transfer},
    caller::Writer,
    error::Error,
    params::{Deadline, WalletId},
    view,
};
use crate::{
    ledger::command::{Command, Done, Outcome, Transaction},
    store::SubmitError,
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

/// The answer to a movement.
pub struct Moved {
    transaction: Transaction,
    replayed: bool,
}

/// Puts money into a wallet. The same key with the same body gets the same answer.
///
/// # Errors
///
/// A refusal of the ledger, or why it is not known whether there is one.
pub async fn deposit(
    State(edge): State<Edge>,
    caller: Writer,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    Body(Movement { key, payment }): Body<Movement>,
) -> Result<Moved, Error> {
    let command = Command::deposit(id, caller.actor(), &key, payment);
    moved(&edge, edge.ledger.submit(command, deadline).await)
}

/// Takes money out of a wallet. The same key with the same body gets the same answer.
///
/// # Errors
///
/// As [`deposit`].
pub async fn withdraw(
    State(edge): State<Edge>,
    caller: Writer,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    Body(Movement { key, payment }): Body<Movement>,
) -> Result<Moved, Error> {
    let command = Command::withdraw(id, caller.actor(), &key, payment);
    moved(&edge, edge.ledger.submit(command, deadline).await)
}

/// Moves money to another wallet. Only the paying one must be the caller's.
///
/// # Errors
///
/// As [`deposit`].
pub async fn transfer(
    State(edge): State<Edge>,
    caller: Writer,
    WalletId(id): WalletId,
    Deadline(deadline): Deadline,
    Body(Transfer { to, movement }): Body<Transfer>,
) -> Result<Moved, Error> {
    let Movement { key, payment } = movement;
    let command = Command::transfer(id, to, caller.actor(), &key, payment);
    moved(&edge, edge.ledger.submit(command, deadline).await)
}

/// The answer to a movement, which is counted unless it was answered before.
pub(super) fn moved(edge: &Edge, outcome: Result<Outcome, SubmitError>) -> Result<Moved, Error> {
    let Outcome { result, replayed } = outcome?;
    let Done::Transaction(transaction) = result? else {
        unreachable!("a movement is done as a transaction")
    };
    if !replayed {
        edge.metrics.moved(&transaction);
    }
    Ok(Moved { transaction, replayed })
}

impl IntoResponse for Moved {
    fn into_response(self) -> Response {
        let location = format!("/api/v1/transactions/{}", self.transaction.id);
        let tag = super::entity_tag(self.transaction.version);
        let headers = [(header::LOCATION, location), (header::ETAG, tag)];
        let body = Json(view::transaction(&self.transaction));
        (headers, super::replay_mark(self.replayed), body).into_response()
    }
}
