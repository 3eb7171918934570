//! The API's description: `OpenAPI` 3.1, made from the table of routes and from the types that
//! clients write and read. Pure; nothing of it is written twice, so nothing of it can be out of
//! date. Each answer names the codes that it may carry as `x-codes`.

use super::{error::status_of, surface::Line};
use crate::auth::Scope;
use axum::http::Method;
use protocol::{
    problem::{MEDIA_TYPE, Problem},
    wallet::Code,
};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where the routes begin.
pub(super) const PREFIX: &str = "/api/v1";

/// The whole description.
pub(super) fn document(lines: &[Line]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for line in lines {
        let page = page(line, &mut schemas);
        let path = paths.entry(format!("{PREFIX}{}", line.path)).or_insert_with(|| json!({}));
        path[line.method.as_str().to_lowercase()] = page;
    }
    let problem = schemas.written.subschema_for::<Problem>();
    let mut definitions = schemas.read.take_definitions(true);
    definitions.extend(schemas.written.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "wallet",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Holds other people's money and moves it exactly once.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {
                "Problem": {
                    "description": "RFC 9457 problem details; clients match on `code`",
                    "content": { MEDIA_TYPE: { "schema": problem } },
                },
            },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

/// What clients write and what they read is described apart: a member with a default may be left
/// out of a request, and is always in an answer.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = "/components/schemas".into());
        Self {
            read: settings.clone().for_deserialize().into_generator(),
            written: settings.for_serialize().into_generator(),
        }
    }
}

fn page(line: &Line, schemas: &mut Schemas) -> Value {
    let mut page = json!({
        "summary": line.summary,
        "operationId": format!("{}_{}", line.method.as_str().to_lowercase(), name(line)),
        "parameters": parameters(line),
        "responses": responses(line, schemas),
        "security": [{ "bearer": [line.scope.name()] }],
    });
    if let Some(takes) = line.takes {
        let content = json!({ "application/json": { "schema": takes(&mut schemas.read) } });
        page["requestBody"] = json!({ "required": true, "content": content });
    }
    page
}

/// `wallets_id_holds` of `/wallets/{id}/holds`.
fn name(line: &Line) -> String {
    let words = line.path.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn parameters(line: &Line) -> Vec<Value> {
    let in_path = line.path.split('{').skip(1).filter_map(|part| {
        let (name, _) = part.split_once('}')?;
        let schema = match name {
            "userId" => json!({ "type": "string", "pattern": "^[A-Za-z0-9_@.-]{1,100}$" }),
            _ => json!({ "type": "string", "format": "uuid" }),
        };
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let in_query = line.asks.iter().map(|name| query(name));
    let mut parameters: Vec<Value> = in_path.chain(in_query).collect();
    if line.method != Method::GET {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": { "type": "string", "minLength": 1, "maxLength": 100 },
            "description": "names the request: asked again under it, it is done once; required \
                unless `referenceId` stands in for it or a wallet is opened",
        }));
    }
    parameters
}

/// Every parameter that some query has.
fn query(name: &str) -> Value {
    let (required, schema, description) = match name {
        "minVersion" => (
            false,
            json!({ "type": "integer", "minimum": 0 }),
            "the least version of the wallet that the caller already knows of",
        ),
        "timestamp" => (
            true,
            json!({ "type": "string" }),
            "an instant that is not in the future; UTC when it names no zone",
        ),
        "cursor" => (false, json!({ "type": "string" }), "the `nextCursor` of an earlier page"),
        "limit" => (
            false,
            json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }),
            "entries on a page",
        ),
        "dryRun" => (
            false,
            json!({ "type": "boolean", "default": false }),
            "true: decide and answer, and write nothing",
        ),
        _ => unreachable!("the table asks for nothing else"),
    };
    json!({
        "name": name, "in": "query", "required": required, "schema": schema,
        "description": description,
    })
}

fn responses(line: &Line, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    let mut good = json!({ "description": "what was asked for" });
    if let Some(says) = line.says {
        let schema = says(&mut schemas.written);
        good["content"] = json!({ "application/json": { "schema": schema } });
    }
    if line.asks.contains(&"dryRun") && line.status != 200 {
        responses.insert("200".to_owned(), good.clone());
    }
    responses.insert(line.status.to_string(), good);
    if line.asks.contains(&"minVersion") {
        let known = json!({ "description": "the caller has it: `If-None-Match` named it" });
        responses.insert("304".to_owned(), known);
    }
    let mut problems: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes(line) {
        problems.entry(status_of(code).as_u16()).or_default().push(code);
    }
    for (status, codes) in problems {
        let mut problem = json!({ "$ref": "#/components/responses/Problem" });
        problem["x-codes"] = json!(codes);
        responses.insert(status.to_string(), problem);
    }
    Value::Object(responses)
}

/// What a line may be refused for: by everybody, by its kind, by its own rules.
fn codes(line: &Line) -> Vec<Code> {
    const ALL: &[Code] = &[
        Code::Unauthenticated,
        Code::InsufficientScope,
        Code::Overloaded,
        Code::Timeout,
        Code::Internal,
    ];
    const WRITES: &[Code] = &[
        Code::InvalidRequest,
        Code::IdempotencyKeyRequired,
        Code::IdempotencyKeyReused,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::ReadOnlyMode,
        Code::OutcomeUnknown,
    ];
    const NAMED: &[Code] = &[Code::InvalidRequest];
    const OWNED: &[Code] = &[Code::WalletForbidden];
    const OF_WALLET: &[Code] = &[Code::WalletNotFound];
    let writes = line.method != Method::GET;
    let reads = !writes || line.asks.contains(&"dryRun");
    let named = line.path.contains('{') || !line.asks.is_empty();
    let rows: [(bool, &[Code]); 7] = [
        (true, ALL),
        (writes, WRITES),
        (reads, &[Code::Unavailable]),
        (named, NAMED),
        (line.scope != Scope::Admin, OWNED),
        (line.path.starts_with("/wallets/"), OF_WALLET),
        (true, line.refuses),
    ];
    let applying = rows.iter().filter(|(applies, _)| *applies);
    let mut codes: Vec<Code> = applying.flat_map(|(_, more)| more.iter().copied()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
