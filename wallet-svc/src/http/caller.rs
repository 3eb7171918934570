//! Who asks: the bearer token of the `Authorization` header, and the scope that a route needs.
//!
//! These come before the other extractors of a handler, so that a stranger learns nothing about
//! wallets, nor about what is wrong with a body. Whether a wallet is the caller's own is decided
//! where the wallet is read: [`owned`] for reads, the ledger under lock for writes.

use super::{Edge, error::Error};
use crate::{
    auth::{AuthError, Caller, Scope},
    ledger::{
        command::{ACTOR_BYTES_MAX, Actor},
        wallet::Wallet,
    },
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use protocol::wallet::Code;
use std::sync::Arc;

/// A caller who may look at wallets.
pub struct Reader(pub Arc<Caller>);

/// A caller who may move money.
pub struct Writer(pub Arc<Caller>);

/// A caller who may act on everybody's wallets and give orders about them.
pub struct Administrator(pub Arc<Caller>);

impl FromRequestParts<Edge> for Reader {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Error> {
        caller(edge, &parts.headers, Scope::Read).await.map(Self)
    }
}

impl FromRequestParts<Edge> for Writer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Error> {
        caller(edge, &parts.headers, Scope::Write).await.map(Self)
    }
}

impl FromRequestParts<Edge> for Administrator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Error> {
        caller(edge, &parts.headers, Scope::Admin).await.map(Self)
    }
}

impl Writer {
    /// The caller as the ledger knows actors.
    #[must_use]
    pub fn actor(&self) -> Actor {
        if self.0.is_admin() { Actor::Admin } else { Actor::User((*self.0.user).into()) }
    }
}

/// The caller's name as the ledger keeps it with an order.
#[must_use]
pub fn name_of(caller: &Caller) -> Box<str> {
    let end = caller.user.floor_char_boundary(ACTOR_BYTES_MAX);
    caller.user[..end].into()
}

async fn caller(edge: &Edge, headers: &HeaderMap, scope: Scope) -> Result<Arc<Caller>, Error> {
    let token = bearer(headers).map_err(unauthenticated)?;
    let caller = edge.auth.recognise(token).await.map_err(unauthenticated)?;
    if caller.may(scope) { Ok(caller) } else { Err(insufficient(scope)) }
}

fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    let value = headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
    let value = value.to_str().map_err(|_| AuthError::Malformed)?;
    let (scheme, token) = value.split_once(' ').ok_or(AuthError::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(AuthError::Missing) }
}

fn unauthenticated(error: AuthError) -> Error {
    let challenge = match error {
        // RFC 6750: no error code for who did not try.
        AuthError::Missing => "Bearer realm=\"wallet\"".to_owned(),
        _ => format!(
            "Bearer realm=\"wallet\", error=\"invalid_token\", error_description=\"{error}\""
        ),
    };
    let detail = format!("{error}; send `Authorization: Bearer` with a valid token");
    Error::new(Code::Unauthenticated, detail).challenged(challenge)
}

fn insufficient(scope: Scope) -> Error {
    let scope = scope.name();
    let challenge =
        format!("Bearer realm=\"wallet\", error=\"insufficient_scope\", scope=\"{scope}\"");
    let detail = format!("this needs a token with the scope {scope}");
    Error::new(Code::InsufficientScope, detail).challenged(challenge)
}

/// Refuses a user id that is not the caller's own.
///
/// # Errors
///
/// `WALLET_FORBIDDEN`, unless the caller may act on everybody's wallets.
pub fn own_user(caller: &Caller, user_id: &str) -> Result<(), Error> {
    if caller.is_admin() || *caller.user == *user_id {
        return Ok(());
    }
    Err(Error::new(Code::WalletForbidden, "the wallets of another user are not shown or opened"))
}

/// Refuses a wallet that is not the caller's own, and one that is not there.
///
/// # Errors
///
/// `WALLET_NOT_FOUND` and `WALLET_FORBIDDEN`.
pub fn owned<T>(caller: &Caller, found: Option<T>, wallet: fn(&T) -> &Wallet) -> Result<T, Error> {
    let found = found.ok_or_else(wallet_not_found)?;
    let own = caller.is_admin() || *wallet(&found).user_id == *caller.user;
    if own { Ok(found) } else { Err(wallet_forbidden()) }
}

/// The refusal of a wallet that is not there.
#[must_use]
pub fn wallet_not_found() -> Error {
    Error::field(Code::WalletNotFound, "walletId", "there is no wallet with this id")
}

/// The refusal of somebody else's wallet.
#[must_use]
pub fn wallet_forbidden() -> Error {
    let message = "this wallet belongs to another user than the token's";
    Error::field(Code::WalletForbidden, "walletId", message)
}
