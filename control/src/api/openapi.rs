//! The API's description: `OpenAPI` 3.1, made from the table of routes and from the types that are
//! read and written. Pure; nothing of it is written by hand, so nothing of it can be out of date.

use super::{
    summaries::SUMMARIES,
    surface::{Operation, Says},
};
use protocol::problem::{MEDIA_TYPE, Problem};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The whole description.
pub(super) fn document(operations: &[Operation]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations {
        let page = page(operation, &mut schemas);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = page;
    }
    let problem = schemas.written.subschema_for::<Problem>();
    let mut definitions = schemas.read.take_definitions(true);
    definitions.extend(schemas.written.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "control",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The control plane of the wallet: looks, decides, acts, and says why.",
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
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// What is read and what is written are described apart: a member with a default may be left out
/// of a request, and is always in an answer.
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

fn page(operation: &Operation, schemas: &mut Schemas) -> Value {
    let id = operation.id();
    let summary = SUMMARIES.iter().find(|(of, _)| *of == id).map(|(_, summary)| *summary);
    let mut page = json!({
        "summary": summary,
        "operationId": id,
        "parameters": parameters(operation, schemas),
        "responses": responses(operation, schemas),
    });
    if let Some(role) = operation.role {
        page["security"] = json!([{ "bearer": [] }]);
        page["x-role"] = json!(role);
    }
    if let Some(takes) = operation.takes {
        let schema = takes(&mut schemas.read);
        let content = json!({ "application/json": { "schema": schema } });
        page["requestBody"] = json!({ "required": true, "content": content });
    }
    page
}

fn parameters(operation: &Operation, schemas: &mut Schemas) -> Vec<Value> {
    let text = json!({ "type": "string" });
    let in_path = operation.path.split('{').skip(1).filter_map(|part| {
        let (name, _) = part.split_once('}')?;
        Some(json!({ "name": name, "in": "path", "required": true, "schema": text }))
    });
    let mut parameters: Vec<Value> = in_path.collect();
    if operation.changes {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "schema": { "type": "string", "minLength": 1, "maxLength": 100 },
            "description": "names the request: asking again under it does it once",
        }));
    }
    if let Some(asks) = operation.asks {
        parameters.extend(query(asks(&mut schemas.read).to_value(), &mut schemas.read));
    }
    parameters
}

/// A query's parameters are the members of the type that it is read into.
fn query(schema: Value, generator: &mut SchemaGenerator) -> Vec<Value> {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let name = name.expect("a query is read into a type with a name").to_owned();
    let definition = generator.definitions_mut().remove(&name).unwrap_or_default();
    let Some(members) = definition["properties"].as_object().cloned() else { return vec![] };
    let required = |name: &String| {
        let required = definition["required"].as_array();
        required.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let parameter = |(name, schema): (String, Value)| {
        let required = required(&name);
        json!({ "name": name, "in": "query", "required": required, "schema": schema })
    };
    members.into_iter().map(parameter).collect()
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let content = match operation.says {
        Says::Json(describe) => {
            json!({ "application/json": { "schema": describe(&mut schemas.written) } })
        }
        Says::Text(media_type) => json!({ media_type: { "schema": { "type": "string" } } }),
        Says::Nothing => json!({}),
    };
    let mut good = json!({ "description": "what was asked for" });
    if !matches!(operation.says, Says::Nothing) {
        good["content"] = content;
    }
    let mut responses = Map::from_iter([(operation.status.to_string(), good)]);
    if let Some((status, describe)) = operation.or {
        let schema = describe(&mut schemas.written);
        let content = json!({ "application/json": { "schema": schema } });
        let bad = json!({ "description": "what is so instead", "content": content });
        responses.insert(status.to_string(), bad);
    }
    for status in problems(operation) {
        let problem = json!({ "$ref": "#/components/responses/Problem" });
        responses.insert(status.to_string(), problem);
    }
    Value::Object(responses)
}

/// The statuses that an operation may refuse or fail with.
fn problems(operation: &Operation) -> Vec<u16> {
    if operation.role.is_none() {
        return vec![];
    }
    let (takes, asks) = (operation.takes.is_some(), operation.asks.is_some());
    let changes = operation.changes;
    let named = operation.path.contains('{');
    let rows: [(bool, &[u16]); 6] = [
        (true, &[401, 403, 429, 500, 503, 504]),
        (takes || asks || changes, &[400]),
        (takes || asks || named, &[404]),
        (takes, &[413, 415]),
        (changes || takes, &[409]),
        (changes, &[413, 422]),
    ];
    let applying = rows.iter().filter(|(applies, _)| *applies);
    let mut statuses: Vec<u16> = applying.flat_map(|(_, more)| more.iter().copied()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}
