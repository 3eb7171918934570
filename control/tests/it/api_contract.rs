//! What the description promises is what the API does: every operation is asked for, rightly and
//! wrongly, and every answer has a status and a shape that the description names.

use crate::api_app::TestApp;
use chrono::{DateTime, Utc};
use control::driver::{Pass, Schedule};
use jsonschema::Validator;
use protocol::control::RunView;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// The description, and which answers were seen.
struct Contract {
    app: TestApp,
    description: Value,
    seen: BTreeMap<String, BTreeSet<u16>>,
    requests: u32,
}

impl Contract {
    async fn start() -> Self {
        let app = TestApp::start_in_staging().await;
        let description = app.get("", "/v1/openapi.json").await.json().await.unwrap();
        Self { app, description, seen: BTreeMap::new(), requests: 0 }
    }

    /// The description's page of an operation, with its path and method.
    fn operation(&self, id: &str) -> (String, Method, Value) {
        let paths = self.description["paths"].as_object().unwrap();
        let all = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, page)| (path, method, page))
        });
        let mut found = all.filter(|(_, _, page)| page["operationId"] == id);
        let (path, method, page) = found.next().unwrap_or_else(|| panic!("no operation {id}"));
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        (path.clone(), method, page.clone())
    }

    /// The shape that an answer must have; `None` when it has no body or is plain text.
    fn shape(&self, page: &Value, status: u16, media_type: &str) -> Option<Validator> {
        let mut answer = page["responses"][status.to_string()].clone();
        assert!(answer.is_object(), "{}: {status} is not described", page["operationId"]);
        if answer["$ref"] == "#/components/responses/Problem" {
            answer = self.description["components"]["responses"]["Problem"].clone();
        }
        let schema = answer["content"].as_object()?.get(media_type)?["schema"].clone();
        let whole = json!({ "components": self.description["components"], "allOf": [schema] });
        Some(jsonschema::validator_for(&whole).unwrap())
    }

    /// Asks, and compares the answer with the description.
    async fn ask(&mut self, who: &str, id: &str, name: &str, body: Option<Value>) -> Value {
        let (path, method, page) = self.operation(id);
        let path = path.replace("{id}", name).replace("{name}", name);
        let query = if id.starts_with("delete_") { "?reason=done" } else { "" };
        let mut request = self.app.request(who, method, &format!("{path}{query}"));
        self.requests += 1;
        request = request.header("Idempotency-Key", format!("contract-{}", self.requests));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.compare(id, &page, request).await
    }

    async fn compare(&mut self, id: &str, page: &Value, request: RequestBuilder) -> Value {
        let response: Response = request.send().await.unwrap();
        let status = response.status().as_u16();
        self.seen.entry(id.to_owned()).or_default().insert(status);
        let media_type = response.headers().get("content-type");
        let media_type = media_type.map_or("", |value| value.to_str().unwrap()).to_owned();
        if media_type == "text/event-stream" {
            return Value::Null;
        }
        let shape = self.shape(page, status, &media_type);
        let text = response.text().await.unwrap();
        let Some(shape) = shape else { return Value::Null };
        if !media_type.ends_with("json") {
            return Value::Null;
        }
        let body: Value = serde_json::from_str(&text).unwrap();
        let faults: Vec<String> = shape
            .iter_errors(&body)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{id} {status}: {faults:#?}\n{body:#}");
        body
    }

    async fn start_run(&mut self) -> RunView {
        let asked = json!({ "environment": "local", "runbook": "aurora-writer-failover" });
        let plan = self.ask("ana", "post_runs_plan", "", Some(asked)).await;
        assert_eq!(plan["blockers"], json!([]));
        let start = json!({ "plan_hash": plan["hash"], "reason": "r" });
        let run = self.ask("ana", "post_runs", "", Some(start)).await;
        let run: RunView = serde_json::from_value(run).unwrap();
        self.app.run_until(&run.id, |run| run.state == "awaiting_approval").await
    }

    async fn order(&mut self, who: &str, verb: &str, run: &RunView, state: &str) {
        let because = json!({ "reason": "r" });
        self.ask(who, &format!("post_runs_id_{verb}"), &run.id, Some(because)).await;
        self.app.run_until(&run.id, |run| run.state == state).await;
    }
}

/// What can be looked at without having been made, by operation and name.
const LOOKS: [(&str, &str); 25] = [
    ("get_environments", ""),
    ("get_environments_name_overview", "local"),
    ("get_resources", ""),
    ("get_resources_id", "local.database"),
    ("get_signals", ""),
    ("get_policies", ""),
    ("get_cost", ""),
    ("get_decisions", ""),
    ("get_alerts", ""),
    ("get_silences", ""),
    ("get_runbooks", ""),
    ("get_runbooks_name", "aurora-writer-failover"),
    ("get_runs", ""),
    ("get_drills", ""),
    ("get_drills_name_history", "aurora-failover-gameday"),
    ("get_holds", ""),
    ("get_floors", ""),
    ("get_freezes", ""),
    ("get_audit", ""),
    ("get_audit_verify", ""),
    ("get_stream", ""),
    ("get_openapi_json", ""),
    ("get_healthz", ""),
    ("get_readyz", ""),
    ("get_metrics", ""),
];

/// These succeed where alerts fire, which is told by their own tests.
const OF_ALERTS: [&str; 4] =
    ["post_alerts_id_ack", "post_alerts_id_unack", "post_alerts_id_resolve", "get_incidents_id"];

#[tokio::test]
async fn every_answer_is_one_that_the_description_promises() {
    let mut contract = Contract::start().await;

    let run = contract.start_run().await;
    contract.order("bob", "reject", &run, "rejected").await;

    let run = contract.start_run().await;
    contract.order("bob", "approve", &run, "running").await;
    contract.order("ana", "pause", &run, "paused").await;
    contract.order("ana", "resume", &run, "running").await;
    contract.ask("eye", "get_runs_id", &run.id, None).await;
    contract.order("ana", "abort", &run, "compensated").await;

    contract.app.cluster.refuses.store(true, Ordering::Relaxed);
    let run = contract.start_run().await;
    contract.order("bob", "approve", &run, "paused").await;
    contract.order("ana", "retry", &run, "paused").await;
    contract.order("bob", "skip", &run, "running").await;
    contract.order("ana", "abort", &run, "compensated").await;

    let arm = json!({ "environment": "local", "reason": "r" });
    contract.ask("ana", "post_drills_name_arm", "aurora-failover-gameday", Some(arm)).await;
    let hold = json!({ "environment": "local", "direction": "in", "reason": "r", "expires": "5m" });
    let hold = contract.ask("ana", "post_holds", "", Some(hold)).await;
    contract.ask("ana", "delete_holds_id", hold["id"].as_str().unwrap(), None).await;
    let floor = json!({ "environment": "local", "tasks": 4, "reason": "r", "expires": "5m" });
    let floor = contract.ask("ana", "post_floors", "", Some(floor)).await;
    contract.ask("ana", "delete_floors_id", floor["id"].as_str().unwrap(), None).await;
    let freeze = json!({ "reason": "r", "expires": "5m" });
    let freeze = contract.ask("ana", "post_freezes", "", Some(freeze)).await;
    contract.ask("ana", "delete_freezes_id", freeze["id"].as_str().unwrap(), None).await;
    let now = (contract.app.app.clock)();
    let load = (0..=12).map(|n| (now - chrono::TimeDelta::minutes(5) * n, 500.0)).rev().collect();
    contract.app.app.environments["local"].load.send_replace(Arc::new(load));
    let variant = include_str!("../../policies/wallet.yaml");
    let span = now - chrono::TimeDelta::hours(1);
    let replay = json!({ "from": span, "to": now, "variant": variant });
    contract.ask("ana", "post_policies_id_replay", "local.scaling", Some(replay)).await;
    let text = json!({ "text": "kind: Runbook\nname: x\n" });
    let checked = contract.ask("eye", "post_runbooks_check", "", Some(text)).await;
    assert!(checked["faults"].as_array().unwrap().len() > 3, "{checked}");

    for (id, name) in LOOKS {
        contract.ask("root", id, name, None).await;
    }
    let matchers = json!({ "rule": "errors-high" });
    let silence =
        json!({ "environment": "local", "matchers": matchers, "reason": "r", "lasts": "5m" });
    let silence = contract.ask("ana", "post_silences", "", Some(silence)).await;
    contract.ask("ana", "delete_silences_id", silence["id"].as_str().unwrap(), None).await;

    let wanted = |page: &Value| -> BTreeSet<u16> {
        let statuses = page["responses"].as_object().unwrap().keys();
        statuses.map(|status| status.parse().unwrap()).filter(|status| *status < 300).collect()
    };
    let ids: Vec<String> = operations(&contract.description);
    for id in &ids {
        let (_, _, page) = contract.operation(id);
        let good = wanted(&page);
        let seen = contract.seen.get(id).cloned().unwrap_or_default();
        let known_elsewhere = OF_ALERTS.contains(&id.as_str());
        assert!(known_elsewhere || !seen.is_disjoint(&good), "{id} never succeeded: {seen:?}");
    }
}

#[tokio::test]
async fn what_comes_too_late_or_under_a_used_key_is_answered_as_promised() {
    let mut contract = Contract::start().await;
    let run = contract.start_run().await;
    contract.order("ana", "abort", &run, "aborted").await;
    let because = json!({ "reason": "r" });
    contract.ask("ana", "post_runs_id_abort", &run.id, Some(because.clone())).await;
    assert!(contract.seen["post_runs_id_abort"].contains(&409));

    let hold = json!({ "environment": "local", "direction": "in", "reason": "r", "expires": "5m" });
    assert_eq!(contract.app.post_as("ana", "/v1/holds", &hold, "used").await.status(), 201);
    let (_, method, page) = contract.operation("post_holds");
    let request = contract.app.request("ana", method, "/v1/holds").json(&because);
    contract.compare("post_holds", &page, request.header("Idempotency-Key", "used")).await;
    assert!(contract.seen["post_holds"].contains(&422));
}

/// A loop that is not done with its first pass.
struct Endless;

impl Pass for Endless {
    type Error = std::convert::Infallible;

    async fn pass(&mut self, _: DateTime<Utc>) -> Result<(), Self::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_process_that_is_not_ready_says_what_it_waits_for() {
    let mut contract = Contract::start().await;
    let hour = Duration::from_secs(3600);
    contract.app.app.driver.start(Schedule::every("local/endless", hour, hour), Endless);
    let ready = contract.ask("", "get_readyz", "", None).await;
    assert_eq!(ready["waiting_for"], json!(["endless"]));
    assert!(contract.seen["get_readyz"].contains(&503));
    contract.ask("", "get_healthz", "", None).await;
    assert!(contract.seen["get_healthz"].contains(&200), "it lives none the less");
}

#[tokio::test]
async fn every_wrong_request_gets_an_answer_that_the_description_promises() {
    let mut contract = Contract::start().await;
    let wrong: [Option<Value>; 4] =
        [None, Some(json!({})), Some(json!({ "reason": "", "forever": true })), Some(json!([1]))];
    let before = contract.app.app.journal.newest();
    for id in operations(&contract.description) {
        let (path, method, page) = contract.operation(&id);
        if page["x-role"].is_null() || id == "get_stream" {
            continue;
        }
        if page["requestBody"].is_object() {
            for body in wrong.clone() {
                contract.ask("root", &id, "none", body).await;
            }
            let path = path.replace("{id}", "none").replace("{name}", "none");
            let huge = "x".repeat(70_000);
            let request = contract.app.request("root", method, &path);
            let request = request.header("Idempotency-Key", "huge").body(huge);
            contract.compare(&id, &page, request).await;
        } else if path.contains('{') {
            contract.ask("root", &id, "none", None).await;
        }
        let bad = contract.seen.get(&id).into_iter().flatten().filter(|status| **status >= 400);
        let tried = path.contains('{') || page["requestBody"].is_object();
        assert!(!tried || bad.count() > 0, "{id} refuses nothing");
    }
    assert_eq!(contract.app.app.journal.newest(), before, "a wrong request changes nothing");
}

#[tokio::test]
async fn the_description_is_whole() {
    let contract = Contract::start().await;
    let ids = operations(&contract.description);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each id is there once");
    for id in &ids {
        let (_, _, page) = contract.operation(id);
        assert!(page["summary"].as_str().is_some_and(|words| !words.is_empty()), "{id}");
    }
    // Every reference leads somewhere.
    let text = contract.description.to_string();
    for part in text.split("\"#/components/").skip(1) {
        let path = part.split('"').next().unwrap();
        let target = contract.description.pointer(&format!("/components/{path}"));
        assert!(target.is_some(), "{path} is referred to and not there");
    }
}

fn operations(description: &Value) -> Vec<String> {
    let paths = description["paths"].as_object().unwrap();
    let pages = paths.values().flat_map(|methods| methods.as_object().unwrap().values());
    pages.map(|page| page["operationId"].as_str().unwrap().to_owned()).collect()
}
