//! The table of routes: each line makes a route and its page in the API's description at once, so
//! that neither can be without the other.

use super::{Edge, envelope};
use crate::{auth::Scope, traffic::Operation};
use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter, on},
};
use protocol::wallet::Code;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::collections::BTreeMap;

/// Makes the schema of one type, into the generator's definitions.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// Path, operation and summary.
type Named = (&'static str, Operation, &'static str);

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) method: Method,
    /// Below `/api/v1`.
    pub(super) path: &'static str,
    pub(super) operation: Operation,
    pub(super) summary: &'static str,
    pub(super) scope: Scope,
    /// The query's parameters, by name; see `openapi.rs`.
    pub(super) asks: &'static [&'static str],
    pub(super) takes: Option<Describe>,
    pub(super) says: Option<Describe>,
    /// Of the answer to a success.
    pub(super) status: u16,
    /// What it may be refused for, beside what every route of its kind may.
    pub(super) refuses: &'static [Code],
}

impl Line {
    fn new(method: Method, scope: Scope, (path, operation, summary): Named) -> Self {
        let (asks, takes, says, refuses) = (&[] as &[_], None, None, &[] as &[_]);
        let status = 200;
        Self { method, path, operation, summary, scope, asks, takes, says, status, refuses }
    }

    pub(super) fn asks(self, asks: &'static [&'static str]) -> Self {
        Self { asks, ..self }
    }

    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        Self { takes: Some(describe::<T>), ..self }
    }

    pub(super) fn says<T: JsonSchema>(self) -> Self {
        Self { says: Some(describe::<T>), ..self }
    }

    pub(super) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn refuses(self, refuses: &'static [Code]) -> Self {
        Self { refuses, ..self }
    }

    /// Takes and says, and can be asked without being done.
    pub(super) fn dry<T: JsonSchema, S: JsonSchema>(self) -> Self {
        self.asks(&["dryRun"]).takes::<T>().says::<S>()
    }

    /// Only for administrators.
    pub(super) fn orders(self) -> Self {
        Self { scope: Scope::Admin, ..self }
    }
}

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Looks at something.
pub(super) fn get(path: &'static str, operation: Operation, summary: &'static str) -> Line {
    Line::new(Method::GET, Scope::Read, (path, operation, summary))
}

/// Changes the ledger.
pub(super) fn post(path: &'static str, operation: Operation, summary: &'static str) -> Line {
    Line::new(Method::POST, Scope::Write, (path, operation, summary))
}

/// Sets something of the ledger.
pub(super) fn put(path: &'static str, operation: Operation, summary: &'static str) -> Line {
    Line::new(Method::PUT, Scope::Write, (path, operation, summary))
}

/// The table while it is being made.
pub(super) struct Surface<'a> {
    /// `None` when only the description is wanted.
    edge: Option<&'a Edge>,
    routes: BTreeMap<&'static str, (Operation, MethodRouter<Edge>)>,
    lines: Vec<Line>,
}

impl<'a> Surface<'a> {
    pub(super) fn new(edge: Option<&'a Edge>) -> Self {
        Self { edge, routes: BTreeMap::new(), lines: Vec::new() }
    }

    pub(super) fn line<H, T>(mut self, line: Line, handler: H) -> Self
    where
        H: Handler<T, Edge>,
        T: 'static,
    {
        if let Some(edge) = self.edge {
            let filter = MethodFilter::try_from(line.method.clone())
                .expect("the table has only methods that the router knows");
            let one = envelope::surround(edge, Some(line.operation), on(filter, handler));
            let (operation, others) = self
                .routes
                .remove(line.path)
                .unwrap_or_else(|| (line.operation, MethodRouter::new()));
            self.routes.insert(line.path, (operation, others.merge(one)));
        }
        self.lines.push(line);
        self
    }

    /// The router of all lines.
    pub(super) fn router(self) -> Router<Edge> {
        let Some(edge) = self.edge else { return Router::new() };
        self.routes.into_iter().fold(Router::new(), |router, (path, (operation, methods))| {
            router.route(path, methods.fallback_service(envelope::no_method(edge, operation)))
        })
    }

    /// The lines, in the table's order.
    pub(super) fn lines(self) -> Vec<Line> {
        self.lines
    }
}
