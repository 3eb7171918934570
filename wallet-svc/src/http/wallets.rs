//! Opening wallets, and looking at them.

use super::{
    Edge,
    body::{Body, NewWallet},
    caller::{Reader, Writer, own_user, owned},
    error::Error,
    params::{Deadline, Page, UserId, WalletId},
    view,
};
use crate::ledger::{
    command::{Command, Done},
    wallet::Wallet,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::wallet::{WalletView, WalletsView};
use uuid::Uuid;

/// The answer to the opening of a wallet.
pub struct Opened {
    wallet: Wallet,
    replayed: bool,
}

/// Opens a wallet. With an idempotency key, once; without, each time another one.
///
/// # Errors
///
/// The user is not the caller, or the ledger could not do it.
pub async fn create(
    State(edge): State<Edge>,
    caller: Writer,
    Deadline(deadline): Deadline,
    Body(NewWallet { user_id, currency, key }): Body<NewWallet>,
) -> Result<Opened, Error> {
    own_user(&caller.0, &user_id)?;
    let key = key.unwrap_or_else(|| Uuid::new_v4().to_string());
    let outcome = edge.ledger.submit(Command::create_wallet(&user_id, &key, currency), deadline);
    let outcome = outcome.await?;
    match outcome.result? {
        Done::Wallet(wallet) => Ok(Opened { wallet, replayed: outcome.replayed }),
        Done::Transaction(_) => unreachable!("a wallet is opened as a wallet"),
    }
}

/// Shows a wallet as the ledger has it.
///
/// # Errors
///
/// The wallet is not there, not the caller's, or cannot be read now.
pub async fn read(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    WalletId(id): WalletId,
) -> Result<Json<WalletView>, Error> {
    let found = owned(&caller, edge.ledger.wallet(id).await?, |found| &found.wallet)?;
    Ok(Json(view::wallet(&found.wallet)))
}

/// Lists a user's wallets, ascending by id.
///
/// # Errors
///
/// The user is not the caller, or the wallets cannot be read now.
pub async fn of_user(
    State(edge): State<Edge>,
    Reader(caller): Reader,
    UserId(user_id): UserId,
    Page { cursor, limit }: Page<Uuid>,
) -> Result<Json<WalletsView>, Error> {
    own_user(&caller, &user_id)?;
    let page = edge.ledger.wallets_of_user(&user_id, cursor, limit).await?;
    Ok(Json(view::wallets(&page)))
}

impl IntoResponse for Opened {
    fn into_response(self) -> Response {
        let location = format!("/api/v1/wallets/{}", self.wallet.id);
        let tag = super::entity_tag(self.wallet.version);
        let headers = [(header::LOCATION, location), (header::ETAG, tag)];
        let body = Json(view::wallet(&self.wallet));
        let mark = super::replay_mark(self.replayed);
        (StatusCode::CREATED, headers, mark, body).into_response()
    }
}
