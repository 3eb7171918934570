//! HTTP at the edge: parse, ask the ledger once, answer.
//!
//! Extractors refuse what is wrong before a handler runs, so handlers have nothing to decide.
//! Everything else that all requests share is in [`envelope`]; every failure is told by [`error`].

pub mod access_log;
pub mod batches;
pub mod body;
pub mod caller;
pub mod envelope;
pub mod error;
mod fields;
pub mod history;
pub mod holds;
mod many;
pub mod movements;
pub mod orders;
pub mod params;
mod refusal;
pub mod status;
mod view;
pub mod wallets;

use crate::{
    auth::Authenticator, clock::Clock, config::Limits, health::Health, metrics::Metrics,
    store::Ledger, traffic::Operation, traffic::Traffic,
};
use access_log::AccessLog;
use axum::{
    Router,
    routing::{get, post, put},
};
use envelope::RequestIds;
use std::{ops::Deref, sync::Arc};
use tokio::sync::Semaphore;

/// What every handler can reach. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Edge(Arc<Reachable>);

/// The parts behind an [`Edge`].
#[derive(Debug)]
pub struct Reachable {
    pub ledger: Ledger,
    pub auth: Authenticator,
    pub health: Arc<Health>,
    pub metrics: Arc<Metrics>,
    pub traffic: Arc<Traffic>,
    pub clock: Clock,
    pub limits: Limits,
    pub task_id: String,
    pub has_cache: bool,
    pub access_log: AccessLog,
    /// One for each request that may be in work.
    pub permits: Semaphore,
    pub request_ids: RequestIds,
}

impl Edge {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: Reachable) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Edge {
    type Target = Reachable;

    fn deref(&self) -> &Reachable {
        &self.0
    }
}

/// Every route of the service, one line each.
#[rustfmt::skip]
pub fn router(edge: Edge) -> Router {
    use Operation as O;
    let op = |operation, handlers| envelope::around(&edge, operation, handlers);
    let holds = envelope::around_both(
        &edge,
        (O::Holds, get(holds::list)),
        (O::Authorize, post(holds::authorize)),
    );
    let api = Router::new()
        .route("/wallets",                         op(O::CreateWallet, post(wallets::create)))
        .route("/wallets/{id}",                    op(O::Wallet,       get(wallets::read)))
        .route("/wallets/{id}/balance",            op(O::Balance,      get(history::balance)))
        .route("/wallets/{id}/balance/historical", op(O::BalanceAt,    get(history::balance_at)))
        .route("/wallets/{id}/balance/history",    op(O::BalanceAt,    get(history::balance_at)))
        .route("/wallets/{id}/statement",          op(O::Statement,    get(history::statement)))
        .route("/wallets/{id}/deposit",            op(O::Deposit,      post(movements::deposit)))
        .route("/wallets/{id}/withdraw",           op(O::Withdraw,     post(movements::withdraw)))
        .route("/wallets/{id}/transfer",           op(O::Transfer,     post(movements::transfer)))
        .route("/wallets/{id}/freeze",             op(O::Freeze,       post(orders::freeze)))
        .route("/wallets/{id}/unfreeze",           op(O::Unfreeze,     post(orders::unfreeze)))
        .route("/wallets/{id}/close",              op(O::Close,        post(orders::close)))
        .route("/wallets/{id}/limits",             op(O::Limit,        put(orders::limit)))
        .route("/wallets/{id}/holds",                  holds)
        .route("/wallets/{id}/holds/{holdId}",         op(O::Hold,     get(holds::read)))
        .route("/wallets/{id}/holds/{holdId}/capture", op(O::Capture,  post(holds::capture)))
        .route("/wallets/{id}/holds/{holdId}/void",    op(O::Void,     post(holds::void)))
        .route("/users/{userId}/wallets",          op(O::UserWallets,  get(wallets::of_user)))
        .route("/transactions",                    op(O::Post,         post(batches::post)))
        .route("/batches",                         op(O::Batch,        post(batches::create)))
        .route("/transactions/{id}/reversal",      op(O::Reverse,      post(orders::reverse)))
        .route("/transactions/{id}",               op(O::Transaction,  get(history::transaction)));
    Router::new()
        .nest("/api/v1", api)
        .fallback_service(envelope::unmatched(&edge))
        .route("/healthz", get(status::alive))
        .route("/readyz",  get(status::ready))
        .route("/metrics", get(status::metrics))
        .with_state(edge)
}

/// The entity tag of a wallet's version.
fn entity_tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The header that tells a repeated answer from a first one.
fn replay_mark(replayed: bool) -> Option<[(&'static str, &'static str); 1]> {
    replayed.then_some([("idempotency-replayed", "true")])
}
