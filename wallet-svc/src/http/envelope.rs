//! What surrounds every request of the API: a name, a limit, a deadline, and a record of its end.
//!
//! One layer and not one per concern, because this is the hot path. In order: take a permit or
//! refuse, run the handler under the deadline and catch its panic, render an [`Error`] with the
//! request's id, count and log. A caller who hangs up is counted too, by the record's drop.

use super::{Edge, error::Error, params::Deadline};
use crate::{
    store::Mode,
    traffic::{Ending, Operation},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any},
};
use futures::FutureExt;
use protocol::wallet::Code;
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const DEGRADED: HeaderName = HeaderName::from_static("x-wallet-degraded");
/// Longer ids of callers are replaced by ours.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// The ledger's deadline is this much before ours, so that its exact answer comes first.
const LEDGER_HEAD_START: Duration = Duration::from_millis(50);

/// Gives names to requests that come without one: a random start and a count.
#[derive(Debug)]
pub struct RequestIds {
    process: String,
    count: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        let mut process = uuid::Uuid::new_v4().simple().to_string();
        process.truncate(12);
        Self { process, count: AtomicU64::new(0) }
    }
}

impl RequestIds {
    /// The caller's id if it is one, else a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        headers.get(REQUEST_ID).filter(|id| is_plain(id)).cloned().unwrap_or_else(|| {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            HeaderValue::try_from(format!("{}-{count:x}", self.process)).expect("hexadecimal")
        })
    }
}

/// Whether an id can be echoed and logged as it is.
fn is_plain(id: &HeaderValue) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:=".contains(b);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain)
}

/// An edge, and what a route is for; `None` where no route matched.
#[derive(Clone)]
struct Surrounding {
    edge: Edge,
    operation: Option<Operation>,
}

/// Answers a method that a path does not have.
pub(super) fn no_method(edge: &Edge, operation: Operation) -> MethodRouter {
    surround(edge, Some(operation), any(method_not_allowed)).with_state(edge.clone())
}

/// Answers what no route matched.
pub(super) fn unmatched(edge: &Edge) -> MethodRouter {
    surround(edge, None, any(route_not_found)).with_state(edge.clone())
}

/// Puts the envelope around handlers.
pub(super) fn surround(
    edge: &Edge,
    operation: Option<Operation>,
    handlers: MethodRouter<Edge>,
) -> MethodRouter<Edge> {
    handlers.layer(from_fn_with_state(Surrounding { edge: edge.clone(), operation }, pass))
}

async fn method_not_allowed() -> Error {
    Error::new(Code::MethodNotAllowed, "use one of the methods of the `Allow` header")
}

async fn route_not_found() -> Error {
    Error::new(Code::RouteNotFound, "no route has this path; see the service's documentation")
}

async fn pass(
    State(Surrounding { edge, operation }): State<Surrounding>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut record = Record::start(&edge, operation);
    let request_id = edge.request_ids.of(request.headers());
    let Ok(_permit) = edge.permits.try_acquire() else {
        edge.metrics.refused_requests.inc();
        return record.end(&request_id, Error::overloaded().into_response());
    };
    let due = record.started + edge.limits.request_timeout;
    request.extensions_mut().insert(Deadline(due - LEDGER_HEAD_START));
    let answer = timeout_at(due, AssertUnwindSafe(next.run(request)).catch_unwind()).await;
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => panicked(panic.as_ref()).into_response(),
        Err(_) => late(operation).into_response(),
    };
    record.end(&request_id, response)
}

fn late(operation: Option<Operation>) -> Error {
    if operation.is_some_and(Operation::writes) {
        Error::outcome_unknown()
    } else {
        Error::timeout()
    }
}

/// What a handler said when it panicked, for the log.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
struct Panicked(String);

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text");
    Error::internal(Panicked(text.to_owned()))
}

/// A request in work. Dropped before its end, the caller hung up.
struct Record<'a> {
    edge: &'a Edge,
    operation: Option<Operation>,
    started: Instant,
    ending: Ending,
}

impl<'a> Record<'a> {
    fn start(edge: &'a Edge, operation: Option<Operation>) -> Self {
        edge.metrics.requests_in_work.inc();
        Self { edge, operation, started: Instant::now(), ending: Ending::Abandoned }
    }

    /// Completes the answer, and logs it if it is worth it.
    fn end(&mut self, request_id: &HeaderValue, mut response: Response) -> Response {
        let edge = self.edge;
        let error = response.extensions_mut().remove::<Error>();
        // Request ids are plain ASCII, the caller's and ours.
        let id = request_id.to_str().unwrap_or_default();
        if let Some(error) = &error {
            response = error.render(id);
        }
        self.ending = Ending::of(response.status().as_u16());
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, request_id.clone());
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if edge.ledger.mode() != Mode::Writable {
            headers.insert(DEGRADED, HeaderValue::from_static("read-only"));
        }
        if edge.health.is_draining() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let name = self.operation.map_or("unmatched", Operation::name);
        let (status, latency) = (response.status().as_u16(), self.started.elapsed());
        edge.access_log.note(name, status, latency, id, error.as_ref());
        response
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let latency = self.started.elapsed();
        self.edge.metrics.requests_in_work.dec();
        self.edge.metrics.served(self.operation, self.ending, latency);
        if let Some(operation) = self.operation {
            self.edge.traffic.record(operation, self.ending, latency);
        }
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
