//! Bad input: every change with every kind of wrong body gets one shape of answer and changes
//! nothing.

use crate::api_app::TestApp;
use protocol::problem::{MEDIA_TYPE, Problem};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

/// Each change with a body that would be understood.
fn changes() -> Vec<(&'static str, Value)> {
    let because = json!({ "reason": "r" });
    let mut changes = vec![
        ("/v1/runs", json!({ "plan_hash": "00", "reason": "r" })),
        (
            "/v1/holds",
            json!({ "environment": "local", "direction": "in", "reason": "r", "expires": "5m" }),
        ),
        (
            "/v1/drills/aurora-failover-gameday:arm",
            json!({ "environment": "local", "reason": "r" }),
        ),
        ("/v1/alerts/none:ack", because.clone()),
        ("/v1/alerts/none:unack", because.clone()),
        ("/v1/alerts/none:resolve", because.clone()),
    ];
    let verbs = ["approve", "reject", "pause", "resume", "retry", "skip", "abort"];
    let runs = verbs.map(|verb| match verb {
        "approve" => "/v1/runs/none:approve",
        "reject" => "/v1/runs/none:reject",
        "pause" => "/v1/runs/none:pause",
        "resume" => "/v1/runs/none:resume",
        "retry" => "/v1/runs/none:retry",
        "skip" => "/v1/runs/none:skip",
        _ => "/v1/runs/none:abort",
    });
    changes.extend(runs.map(|path| (path, because.clone())));
    changes
}

/// The body with one thing wrong, each in another way: `(what, body, status)`.
fn spoilt(path: &str, good: &Value) -> Vec<(String, String, u16)> {
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let mut bodies = vec![
        ("nothing".to_owned(), String::new(), 400),
        ("half of it".to_owned(), good.to_string()[..5].to_owned(), 400),
        ("a list".to_owned(), "[1, 2]".to_owned(), 400),
        ("a number".to_owned(), "7".to_owned(), 400),
        ("not UTF-8".to_owned(), "\u{0}\u{1}".to_owned(), 400),
        ("an unknown field".to_owned(), with("forever", json!(true)), 400),
        ("an empty reason".to_owned(), with("reason", json!("")), 400),
        ("a blank reason".to_owned(), with("reason", json!(" \t ")), 400),
        ("a reason of two lines".to_owned(), with("reason", json!("a\nb")), 400),
        ("a reason too long".to_owned(), with("reason", json!("x".repeat(301))), 400),
        ("a reason that is a number".to_owned(), with("reason", json!(7)), 400),
        ("a huge body".to_owned(), with("reason", json!("x".repeat(70_000))), 413),
        ("deep nesting".to_owned(), "[".repeat(10_000), 400),
    ];
    for field in good.as_object().unwrap().keys() {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        // A freeze without an environment is one of all.
        if !(path == "/v1/freezes" && field == "environment") {
            bodies.push((format!("no `{field}`"), body.to_string(), 400));
            bodies.push((format!("`{field}` null"), with(field, Value::Null), 400));
        }
        bodies.push((format!("`{field}` an object"), with(field, json!({})), 400));
    }
    if good["tasks"].is_number() {
        let bad = [json!(0), json!(-4), json!(4.5), json!(10_000), json!("4"), json!(1e30)];
        let spoilt = bad.map(|tasks| (format!("tasks {tasks}"), with("tasks", tasks), 400));
        bodies.extend(spoilt);
    }
    if good["expires"].is_string() {
        let bad = ["", "5", "0s", "-5m", "4h1m", "8d", "1e9s", "2026-11-25T10:00:00Z", "tomorrow"];
        let spoilt =
            bad.map(|text| (format!("expires {text:?}"), with("expires", json!(text)), 400));
        bodies.extend(spoilt);
    }
    bodies
}

#[tokio::test]
async fn every_change_refuses_every_wrong_body_in_one_shape_and_changes_nothing() {
    let app = TestApp::start().await;
    let before = app.app.journal.newest();
    let mut tried = 0;
    for (path, good) in changes() {
        for (what, body, status) in spoilt(path, &good) {
            let request = app.request("root", Method::POST, path).header("Idempotency-Key", "k");
            let request = request.header(CONTENT_TYPE, "application/json").body(body);
            let response = request.send().await.unwrap();
            let what = format!("{path} with {what}");
            assert_eq!(response.status(), status, "{what}");
            assert_eq!(response.headers()["content-type"], MEDIA_TYPE, "{what}");
            let problem: Problem = response.json().await.unwrap();
            assert_eq!(problem.status, status, "{what}");
            let code = if status == 413 { "BODY_TOO_LARGE" } else { "INVALID_REQUEST" };
            assert_eq!(problem.code, code, "{what}");
            assert!(!problem.detail.is_empty() && problem.detail.len() < 2_000, "{what}");
            tried += 1;
            // Within what one caller may ask.
            app.skip(1);
        }
    }
    assert!(tried > 150, "{tried}");
    assert_eq!(app.app.journal.newest(), before, "nothing changed");
    assert!(app.cluster.failovers.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_change_asks_for_a_key_and_for_json() {
    let app = TestApp::start().await;
    let before = app.app.journal.newest();
    for (path, good) in changes() {
        let ask = || app.request("root", Method::POST, path).body(good.to_string());
        let keyed = |key: &str| ask().header("Idempotency-Key", key);
        let long = "k".repeat(101);
        #[rustfmt::skip]
        let table = [
            (ask().header(CONTENT_TYPE, "application/json"),         400, "Idempotency-Key"),
            (keyed("").header(CONTENT_TYPE, "application/json"),     400, "Idempotency-Key"),
            (keyed(&long).header(CONTENT_TYPE, "application/json"),  400, "Idempotency-Key"),
            (keyed("k").header(CONTENT_TYPE, "text/plain"),          415, ""),
            (keyed("k"),                                             415, ""),
        ];
        for (request, status, field) in table {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{path} {field}");
            let problem: Problem = response.json().await.unwrap();
            let named = problem.errors.first().map_or("", |error| error.field.as_str());
            assert_eq!(named, field, "{path}");
        }
    }
    assert_eq!(app.app.journal.newest(), before, "nothing changed");
}
