//! Lets in who may come in, and writes down who may not.
//!
//! In this order, cheapest first: the address's allowance, who it is, that one's allowance, the
//! role. What the role may do in which environment is asked by the handlers, which know it.

use super::{Api, error::Error, identity::Identities, limit::Denial, once, tokens::Tokens};
use crate::{app::Live, current::Current, journal::Entry, listen::Peer};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use protocol::control::{Role, Tier};
use serde_json::json;
use std::sync::Arc;

/// Why somebody may act in production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A token alone.
    Token,
    /// A token that the tokens file calls `break_glass`.
    BreakGlass,
    /// The identity provider says that a second factor was asked for.
    SecondFactor,
}

/// Who asks. Only requests that came through [`guard`] have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    pub role: Role,
    pub proof: Proof,
    /// The only environments that there are for this caller; `None` is all of them.
    pub environments: Option<Arc<[String]>>,
}

impl Caller {
    /// True when the environment exists for this caller.
    #[must_use]
    pub fn sees(&self, environment: &str) -> bool {
        let listed = |names: &Arc<[String]>| names.iter().any(|name| name == environment);
        self.environments.as_ref().is_none_or(listed)
    }

    /// True when a journal event is of an environment that the caller sees. What belongs to none
    /// is for callers who see all, what belongs to all for everybody.
    #[must_use]
    pub fn sees_subject(&self, subject: &str) -> bool {
        let environment = subject.split('/').next().unwrap_or_default();
        environment == "all" || self.sees(environment)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}

impl Api {
    /// An environment, to look at.
    ///
    /// # Errors
    ///
    /// When there is none with this name for the caller.
    pub(super) fn environment(&self, caller: &Caller, name: &str) -> Result<&Arc<Live>, Error> {
        let live = self.app.environments.get(name).filter(|_| caller.sees(name));
        live.ok_or_else(|| Error::NotFound { what: "environment", name: name.to_owned() })
    }

    /// Those that there are for the caller, or the one that was asked for.
    ///
    /// # Errors
    ///
    /// When there is none with this name for the caller.
    pub(super) fn environments(
        &self,
        caller: &Caller,
        only: Option<&String>,
    ) -> Result<Vec<(&String, &Arc<Live>)>, Error> {
        if let Some(name) = only {
            self.environment(caller, name)?;
        }
        let all = self.app.environments.iter();
        let wanted = |name: &String| caller.sees(name) && only.is_none_or(|only| only == name);
        Ok(all.filter(|(name, _)| wanted(name)).collect())
    }

    /// An environment, to change something in: production asks for a second factor.
    ///
    /// # Errors
    ///
    /// When there is none with this name for the caller, or it asks for more proof.
    pub(super) fn acting(&self, caller: &Caller, name: &str) -> Result<&Arc<Live>, Error> {
        let live = self.environment(caller, name)?;
        if live.wanted().tier == Tier::Production && caller.proof == Proof::Token {
            return Err(Error::SecondFactor { environment: name.to_owned() });
        }
        Ok(live)
    }
}

/// Whom we believe to be who they say. A reload replaces both.
#[derive(Debug, Default)]
pub struct Trust {
    pub tokens: Current<Tokens>,
    pub identities: Current<Option<Identities>>,
}

impl Trust {
    /// Whoever holds this token. The file comes first: its tokens also work on the night on which
    /// the identity provider does not.
    ///
    /// # Errors
    ///
    /// Why the token proves nothing.
    async fn recognise(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, Error> {
        let (tokens, identities) = (self.tokens.get(), self.identities.get());
        match (tokens.caller(token, now), identities.as_ref()) {
            // A JWT is three texts with dots between them; our own tokens have none.
            (Err(Error::Unauthenticated), Some(identities)) if token.contains('.') => {
                identities.recognise(token, now).await
            }
            (known, _) => known,
        }
    }
}

/// What a route's guard needs to know.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) api: Api,
    pub(super) role: Role,
    /// The method and the path of the route: `POST /v1/holds`.
    pub(super) asked: String,
    pub(super) changes: bool,
    pub(super) endless: bool,
}

/// Lets in whoever has at least the gate's role.
pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let api = gate.api.clone();
    let address = request.extensions().get::<Peer>().map(|peer| peer.0);
    let now = (api.app.clock)();
    if let Err(after) = api.limits.take_address(address, now) {
        api.app.metrics.requests_limited.inc();
        return Error::TooMany { after }.into_response();
    }
    let known = recognise(&api, request.headers()).await;
    let name = known.as_ref().map_or("anonymous", |caller| caller.name.as_str()).to_owned();
    if let Err(after) = api.limits.take_name(&name, now) {
        api.app.metrics.requests_limited.inc();
        return Error::TooMany { after }.into_response();
    }
    let asked = gate.asked.clone();
    let answer = match known {
        Err(error) => error.into_response(),
        Ok(caller) if caller.role < gate.role => Error::Role { need: gate.role }.into_response(),
        Ok(caller) => admit(gate, caller, request, next).await,
    };
    let status = answer.status();
    if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
        api.app.metrics.requests_denied.inc();
        let denial = Denial { name, asked, status: status.as_u16() };
        if let Some(entry) = api.limits.deny(&denial, address, now) {
            write_down(&api, entry).await;
        }
    }
    answer
}

/// Passes the request on, for as long as its kind may take.
async fn admit(gate: Gate, caller: Caller, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(caller.clone());
    if gate.endless {
        return next.run(request).await;
    }
    let answer = async {
        if !gate.changes {
            return next.run(request).await;
        }
        if caller.proof == Proof::BreakGlass {
            let summary = format!("{} breaks the glass: {}", caller.name, gate.asked);
            let data = json!({ "asked": gate.asked });
            let entry = Entry::by(&caller.name, "control/api", "access.break_glass", summary, data);
            if let Err(error) = gate.api.app.journal.append(entry).await {
                return Error::from(error).into_response();
            }
        }
        let done = once::answer(&gate.api, caller, gate.asked.clone(), request, next).await;
        done.unwrap_or_else(IntoResponse::into_response)
    };
    match tokio::time::timeout(super::ANSWER_MAX, answer).await {
        Ok(answer) => answer,
        Err(_) => Error::TimedOut.into_response(),
    }
}

async fn recognise(api: &Api, headers: &HeaderMap) -> Result<Caller, Error> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(Error::Unauthenticated)?;
    api.trust.recognise(token, (api.app.clock)()).await
}

/// A denial that cannot be recorded is still a denial.
pub(super) async fn write_down(api: &Api, entry: Entry) {
    if let Err(error) = api.app.journal.append(entry).await {
        tracing::error!(error = &error as &dyn std::error::Error, "a denial is not recorded");
    }
}
