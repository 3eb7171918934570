//! What the API's description promises is what the API does: every answer of every test is held
//! against it, by status, code and shape.

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

static DESCRIPTION: LazyLock<Value> = LazyLock::new(wallet_svc::http::description);

/// By operation, status and media type.
static SHAPES: Mutex<BTreeMap<(String, u16, String), Arc<Validator>>> = Mutex::new(BTreeMap::new());

/// Operations and statuses that this process has seen.
static SEEN: Mutex<BTreeSet<(String, u16)>> = Mutex::new(BTreeSet::new());

/// The page of the operation that a request asks for.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let fits = |template: &str| {
        let (mut want, mut got) = (template.split('/'), path.split('/'));
        loop {
            match (want.next(), got.next()) {
                (None, None) => return true,
                (Some(want), Some(got)) if want == got || want.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let (_, methods) = paths.iter().find(|(template, _)| fits(template))?;
    methods.get(method.as_str().to_lowercase())
}

/// Holds an answer against the description. What no operation is for is not in it.
pub(crate) fn check(method: &Method, path: &str, status: u16, media_type: &str, text: &str) {
    let Some(page) = operation(method, path) else { return };
    let id = page["operationId"].as_str().expect("a name").to_owned();
    let answer = &page["responses"][status.to_string()];
    assert!(answer.is_object(), "{id}: status {status} is not described: {text}");
    SEEN.lock().expect("no test panics with it").insert((id.clone(), status));
    if status == 304 {
        return;
    }
    let body: Value = serde_json::from_str(text).expect("every answer is JSON");
    let problem = answer["$ref"] == "#/components/responses/Problem";
    if problem {
        let codes = answer["x-codes"].as_array().expect("codes");
        assert!(codes.contains(&body["code"]), "{id} {status}: {} is not described", body["code"]);
    }
    let shape = shape(&id, status, media_type, answer, problem);
    let faults: Vec<String> = shape
        .iter_errors(&body)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{id} {status}: {faults:#?}\n{body:#}");
}

fn shape(id: &str, status: u16, media: &str, answer: &Value, problem: bool) -> Arc<Validator> {
    let key = (id.to_owned(), status, media.to_owned());
    let mut shapes = SHAPES.lock().expect("no test panics with it");
    let shape = shapes.entry(key).or_insert_with(|| {
        let components = &DESCRIPTION["components"];
        let content = if problem {
            &components["responses"]["Problem"]["content"]
        } else {
            &answer["content"]
        };
        let schema = &content[media]["schema"];
        assert!(schema.is_object(), "{id} {status}: {media} is not described");
        let whole = json!({ "components": components, "allOf": [schema] });
        Arc::new(jsonschema::validator_for(&whole).expect("a schema"))
    });
    Arc::clone(shape)
}

/// The operations that have not been seen to succeed.
pub(crate) fn unseen() -> Vec<String> {
    let seen = SEEN.lock().expect("no test panics with it");
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let pages = paths.values().flat_map(|methods| methods.as_object().expect("methods").values());
    let ids = pages.map(|page| page["operationId"].as_str().expect("a name").to_owned());
    ids.filter(|id| !seen.iter().any(|(of, status)| of == id && *status < 300)).collect()
}
