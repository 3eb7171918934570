//! The table of routes: each line makes the route, its guard and its page in the API's
//! description at once, so that none of the three can be without the others.
//!
//! A verb hangs on what it is done to, as in `POST /v1/runs/{id}:approve`. The router knows only
//! whole segments, so a verb becomes a segment of its own before a request is routed.

use super::{
    Api,
    access::{Gate, guard},
    error,
};
use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::{Method, Uri, uri::PathAndQuery},
    middleware::from_fn_with_state,
    routing::{MethodFilter, on},
};
use protocol::control::Role;
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Makes the schema of one type, into the generator's definitions.
type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What an operation answers when it succeeds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Json(Describe),
    /// Text of this media type.
    Text(&'static str),
    Nothing,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// As clients see it: `/v1/runs/{id}:approve`.
    pub(super) path: &'static str,
    /// `None` is open to everybody.
    pub(super) role: Option<Role>,
    /// The query's parameters.
    pub(super) asks: Option<Describe>,
    pub(super) takes: Option<Describe>,
    pub(super) status: u16,
    pub(super) says: Says,
    /// A status that is no success and still has a body of its own.
    pub(super) or: Option<(u16, Describe)>,
    /// Changes something: it names its request and is done once.
    pub(super) changes: bool,
    /// Goes on until the client leaves.
    pub(super) endless: bool,
}

impl Operation {
    fn new(method: Method, path: &'static str, changes: bool) -> Self {
        let (asks, takes, says) = (None, None, Says::Nothing);
        let (role, status, endless) = (None, 200, false);
        Self { method, path, role, asks, takes, status, says, or: None, changes, endless }
    }

    pub(super) fn asks<T: JsonSchema>(self) -> Self {
        Self { asks: Some(describe::<T>), ..self }
    }

    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        Self { takes: Some(describe::<T>), ..self }
    }

    pub(super) fn says<T: JsonSchema>(self) -> Self {
        Self { says: Says::Json(describe::<T>), ..self }
    }

    pub(super) fn says_text(self, media_type: &'static str) -> Self {
        Self { says: Says::Text(media_type), ..self }
    }

    pub(super) fn or<T: JsonSchema>(self, status: u16) -> Self {
        Self { or: Some((status, describe::<T>)), ..self }
    }

    pub(super) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn endless(self) -> Self {
        Self { endless: true, ..self }
    }

    /// Names it in the description: `post_runs_id_approve`.
    pub(super) fn id(&self) -> String {
        let path = self.path.trim_start_matches("/v1");
        let mut words = vec![self.method.as_str().to_lowercase()];
        let part = path.split(|c: char| !c.is_ascii_alphanumeric());
        words.extend(part.filter(|word| !word.is_empty()).map(str::to_owned));
        words.join("_")
    }

    /// The path as the router takes it.
    fn routed(&self) -> String {
        if self.method == Method::POST { self.path.replace(':', "/:") } else { self.path.into() }
    }
}

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Looks at something.
pub(super) fn get(path: &'static str) -> Operation {
    Operation::new(Method::GET, path, false)
}

/// Works something out from a body, and changes nothing.
pub(super) fn ask(path: &'static str) -> Operation {
    Operation::new(Method::POST, path, false)
}

/// Changes something.
pub(super) fn post(path: &'static str) -> Operation {
    Operation::new(Method::POST, path, true)
}

/// Ends something.
pub(super) fn delete(path: &'static str) -> Operation {
    Operation::new(Method::DELETE, path, true)
}

/// The table while it is being made.
pub(super) struct Surface {
    api: Api,
    router: Router<Api>,
    operations: Vec<Operation>,
}

impl Surface {
    pub(super) fn new(api: &Api) -> Self {
        // A verb's segment begins with a colon, which older routers gave a meaning.
        let router = Router::new().without_v07_checks();
        Self { api: api.clone(), router, operations: Vec::new() }
    }

    /// A line for everybody, with or without a token.
    pub(super) fn open<H: Handler<T, Api>, T: 'static>(self, line: Operation, handler: H) -> Self {
        self.route(line, handler)
    }

    /// A line for viewers and above.
    pub(super) fn viewer<H, T>(self, line: Operation, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.route(Operation { role: Some(Role::Viewer), ..line }, handler)
    }

    /// A line for operators and above.
    pub(super) fn operator<H, T>(self, line: Operation, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.route(Operation { role: Some(Role::Operator), ..line }, handler)
    }

    /// A line for approvers and above.
    pub(super) fn approver<H, T>(self, line: Operation, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.route(Operation { role: Some(Role::Approver), ..line }, handler)
    }

    fn route<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(operation.method.clone())
            .expect("the table has only methods that the router knows");
        let mut route = on(filter, handler);
        if let Some(role) = operation.role {
            let asked = format!("{} {}", operation.method, operation.path);
            let Operation { changes, endless, .. } = operation;
            let gate = Gate { api: self.api.clone(), role, asked, changes, endless };
            route = route.route_layer(from_fn_with_state(gate, guard));
        }
        self.router = self.router.route(&operation.routed(), route);
        self.operations.push(operation);
        self
    }

    /// The router of all lines, and the lines.
    pub(super) fn finish(self) -> (Router<Api>, Vec<Operation>) {
        let router = self.router.fallback(error::no_route);
        (router.method_not_allowed_fallback(error::no_method), self.operations)
    }
}

/// Makes the verb of a path a segment of its own: `/v1/runs/7:approve` is routed as
/// `/v1/runs/7/:approve`. A path that has such a segment already fits no route.
pub(super) fn split_verb(mut request: Request) -> Request {
    if request.method() != Method::POST {
        return request;
    }
    let path = request.uri().path();
    let Some(colon) = path.rfind(':').filter(|colon| Some(*colon) > path.rfind('/')) else {
        return request;
    };
    let (noun, verb) = path.split_at(colon);
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{noun}/{verb}{query}")).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn a_verb_is_routed_as_a_segment_of_its_own() {
        #[rustfmt::skip]
        let table = [
            ("POST", "/v1/runs/7:approve",          "/v1/runs/7/:approve"),
            ("POST", "/v1/runs:plan?a=b:c",         "/v1/runs/:plan?a=b:c"),
            ("POST", "/v1/alerts/local/1:2:ack",    "/v1/alerts/local/1:2/:ack"),
            ("POST", "/v1/runs/7/:approve",         "/v1/runs/7//:approve"),
            ("POST", "/v1/a:b/runs",                "/v1/a:b/runs"),
            ("GET",  "/v1/audit:verify",            "/v1/audit:verify"),
        ];
        for (method, path, want) in table {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(split_verb(request).uri().to_string(), want, "{method} {path}");
        }
    }
}
