//! `POST …/deposit`, `…/withdraw`, `…/transfer`: move money once, however often it is asked.

use super::{
    Edge,
    body::{Body, Movement, Transfer},
    caller::{Reader, Writer},
    error::Error,
    params::{Deadline, DryRun, WalletId},
    view,
};
use crate::{
    fees,
    ledger::command::{Command, Done, Outcome, Transaction},
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use protocol::wallet::FeesView;
use tokio::time::Instant;

/// The answer to a movement.
pub struct Moved {
    transaction: Transaction,
    replayed: bool,
    /// Only decided, and not done.
    invented: bool,
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
    dry_run: DryRun,
    Body(Movement { key, payment }): Body<Movement>,
) -> Result<Moved, Error> {
    let command = Command::deposit(id, caller.actor(), &key, payment);
    carry_out(&edge, command, deadline, dry_run).await
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
    dry_run: DryRun,
    Body(Movement { key, payment }): Body<Movement>,
) -> Result<Moved, Error> {
    let command = Command::withdraw(id, caller.actor(), &key, payment);
    carry_out(&edge, command, deadline, dry_run).await
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
    dry_run: DryRun,
    Body(Transfer { to, movement }): Body<Transfer>,
) -> Result<Moved, Error> {
    let Movement { key, payment } = movement;
    let command = Command::transfer(id, to, caller.actor(), &key, payment);
    carry_out(&edge, command, deadline, dry_run).await
}

/// Shows what payments cost, by version.
///
/// # Errors
///
/// None; the reader must only be one.
pub async fn fees(State(edge): State<Edge>, _: Reader) -> Result<Json<FeesView>, Error> {
    Ok(Json(fees::view(edge.ledger.fees())))
}

/// Does what a command says and counts it, or only decides it.
pub(super) async fn carry_out(
    edge: &Edge,
    command: Command,
    deadline: Instant,
    dry_run: DryRun,
) -> Result<Moved, Error> {
    let Outcome { result, replayed } = decide(edge, command, deadline, dry_run).await?;
    let Done::Transaction(transaction) = result? else {
        unreachable!("a movement is done as a transaction")
    };
    let invented = dry_run.0 && !replayed;
    if !replayed && !invented {
        edge.metrics.moved(&transaction);
    }
    Ok(Moved { transaction, replayed, invented })
}

/// What becomes of a command, or would.
pub(super) async fn decide(
    edge: &Edge,
    command: Command,
    deadline: Instant,
    DryRun(dry_run): DryRun,
) -> Result<Outcome, Error> {
    if !dry_run {
        return Ok(edge.ledger.submit(command, deadline).await?);
    }
    let outcomes = edge.ledger.preview(&[std::slice::from_ref(&command)]).await?;
    Ok(outcomes.into_iter().next().expect("each command has an outcome"))
}

impl IntoResponse for Moved {
    fn into_response(self) -> Response {
        let view = view::transaction(&self.transaction);
        if self.invented {
            return Json(view::dry(view)).into_response();
        }
        let location = format!("/api/v1/transactions/{}", self.transaction.id);
        let tag = super::entity_tag(self.transaction.version);
        let headers = [(header::LOCATION, location), (header::ETAG, tag)];
        (headers, super::replay_mark(self.replayed), Json(view)).into_response()
    }
}
