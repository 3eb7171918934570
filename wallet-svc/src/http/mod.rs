//! HTTP at the edge: parse, ask the ledger once, answer.
//!
//! Extractors refuse what is wrong before a handler runs, so handlers have nothing to decide.
//! The table of routes is in [`routes`]; what all requests share is in [`envelope`]; every failure
//! is told by [`error`].

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
mod openapi;
pub mod orders;
pub mod params;
mod refusal;
mod routes;
pub mod status;
mod surface;
mod view;
pub mod wallets;

use crate::{
    auth::Authenticator, clock::Clock, config::Limits, health::Health, metrics::Metrics,
    store::Ledger, traffic::Traffic,
};
use access_log::AccessLog;
use axum::{Json, Router, routing::get};
use envelope::RequestIds;
use serde_json::Value;
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

/// The API's description, as `/api/v1/openapi.json` serves it.
#[must_use]
pub fn description() -> Value {
    openapi::document(&routes::surface(None).lines())
}

/// Every route of the service.
pub fn router(edge: Edge) -> Router {
    let description = description();
    let described = get(move || {
        let description = description.clone();
        async move { Json(description) }
    });
    let api = routes::surface(Some(&edge)).router().route("/openapi.json", described);
    Router::new()
        .nest(openapi::PREFIX, api)
        .fallback_service(envelope::unmatched(&edge))
        .route("/healthz", get(status::alive))
        .route("/readyz", get(status::ready))
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
