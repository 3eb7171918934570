//! Lets in who may come in, and writes down who may not.

use super::{Api, error::Error};
use crate::journal::Entry;
use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use protocol::control::Role;
use serde_json::json;

/// Who asks. Only requests that came through [`guard`] have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    pub role: Role,
}

impl Caller {
    /// Asks for a higher role than the route does.
    ///
    /// # Errors
    ///
    /// When the caller does not have it.
    pub fn need(&self, role: Role) -> Result<(), Error> {
        if self.role >= role { Ok(()) } else { Err(Error::Forbidden { need: role }) }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}

/// What a route's guard needs to know.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) api: Api,
    pub(super) role: Role,
}

/// Lets in whoever has at least the gate's role.
pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let caller = holder(&gate.api, request.headers());
    admit(&gate.api, gate.role, caller, request, next).await
}

async fn admit(
    api: &Api,
    role: Role,
    caller: Option<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let name = caller.as_ref().map_or("anonymous", |caller| caller.name.as_str()).to_owned();
    let path = request.extensions().get::<MatchedPath>();
    let path =
        path.map_or_else(|| request.uri().path().to_owned(), |path| path.as_str().to_owned());
    let asked = format!("{} {path}", request.method());
    if let Err(after) = api.limits.take(&name, (api.app.clock)()) {
        return Error::TooMany { after }.into_response();
    }
    let answer = match caller {
        None => Error::Unauthenticated.into_response(),
        Some(caller) if caller.role < role => Error::Forbidden { need: role }.into_response(),
        Some(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
    };
    if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status()) {
        note(api, &name, &asked, answer.status()).await;
    }
    answer
}

fn holder(api: &Api, headers: &HeaderMap) -> Option<Caller> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = value.strip_prefix("Bearer ")?;
    let known = api.tokens.holder(token)?;
    Some(Caller { name: known.name.clone(), role: known.role })
}

/// A denial is an event; a flood of denials is one event.
async fn note(api: &Api, name: &str, asked: &str, status: StatusCode) {
    if !api.limits.denial_is_news(&format!("{name} {asked}"), (api.app.clock)()) {
        return;
    }
    let summary = format!("{asked} denied to {name}: {}", status.as_u16());
    let data = json!({ "asked": asked, "status": status.as_u16() });
    let entry = Entry::by(name, "control/api", "access.denied", summary, data);
    if let Err(error) = api.app.journal.append(entry).await {
        tracing::error!(error = &error as &dyn std::error::Error, "a denial is not recorded");
    }
}
