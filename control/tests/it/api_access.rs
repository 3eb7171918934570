//! Who may do what, what everybody else is told, and what the journal says of them.

use crate::api_app::{HOLDERS, TestApp};
use control::{
    api::Denials,
    driver::{Pass, Schedule},
    journal::Event,
};
use protocol::{
    control::HealthView,
    problem::{MEDIA_TYPE, Problem},
};
use reqwest::Method;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

/// Every route, and the least role that it takes.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET",    "/v1/environments",                 "viewer"),
    ("GET",    "/v1/environments/{name}/overview", "viewer"),
    ("GET",    "/v1/resources",                    "viewer"),
    ("GET",    "/v1/resources/{id}",               "viewer"),
    ("GET",    "/v1/signals",                      "viewer"),
    ("GET",    "/v1/policies",                     "viewer"),
    ("POST",   "/v1/policies/{id}/replay",         "operator"),
    ("GET",    "/v1/cost",                         "viewer"),
    ("GET",    "/v1/decisions",                    "viewer"),
    ("GET",    "/v1/alerts",                       "viewer"),
    ("POST",   "/v1/alerts/{id}:ack",              "operator"),
    ("POST",   "/v1/alerts/{id}:unack",            "operator"),
    ("POST",   "/v1/alerts/{id}:resolve",          "operator"),
    ("GET",    "/v1/incidents/{id}",               "viewer"),
    ("GET",    "/v1/silences",                     "viewer"),
    ("POST",   "/v1/silences",                     "operator"),
    ("DELETE", "/v1/silences/{id}",                "operator"),
    ("GET",    "/v1/runbooks",                     "viewer"),
    ("GET",    "/v1/runbooks/{name}",              "viewer"),
    ("POST",   "/v1/runbooks:check",               "viewer"),
    ("GET",    "/v1/runs",                         "viewer"),
    ("GET",    "/v1/runs/{id}",                    "viewer"),
    ("POST",   "/v1/runs:plan",                    "operator"),
    ("POST",   "/v1/runs",                         "operator"),
    ("POST",   "/v1/runs/{id}:approve",            "approver"),
    ("POST",   "/v1/runs/{id}:reject",             "approver"),
    ("POST",   "/v1/runs/{id}:pause",              "operator"),
    ("POST",   "/v1/runs/{id}:resume",             "operator"),
    ("POST",   "/v1/runs/{id}:retry",              "operator"),
    ("POST",   "/v1/runs/{id}:skip",               "approver"),
    ("POST",   "/v1/runs/{id}:abort",              "operator"),
    ("GET",    "/v1/drills",                       "viewer"),
    ("POST",   "/v1/drills/{name}:arm",            "operator"),
    ("GET",    "/v1/drills/{name}/history",        "viewer"),
    ("GET",    "/v1/holds",                        "viewer"),
    ("POST",   "/v1/holds",                        "operator"),
    ("DELETE", "/v1/holds/{id}",                   "operator"),
    ("GET",    "/v1/floors",                       "viewer"),
    ("POST",   "/v1/floors",                       "operator"),
    ("DELETE", "/v1/floors/{id}",                  "operator"),
    ("GET",    "/v1/freezes",                      "viewer"),
    ("POST",   "/v1/freezes",                      "operator"),
    ("DELETE", "/v1/freezes/{id}",                 "operator"),
    ("GET",    "/v1/audit",                        "viewer"),
    ("GET",    "/v1/audit:verify",                 "operator"),
    ("GET",    "/v1/stream",                       "viewer"),
];

const ROLES: [&str; 4] = ["viewer", "operator", "approver", "admin"];

fn rank(role: &str) -> usize {
    ROLES.iter().position(|one| *one == role).unwrap()
}

#[tokio::test]
async fn each_role_may_do_what_its_row_says_and_denials_are_in_the_journal() {
    let app = TestApp::start().await;
    let mut denied = 0;
    for (method, path, least) in ROUTES {
        let path = &path.replace("{id}", "none").replace("{name}", "none");
        for (who, role) in HOLDERS.iter().chain([&("", "nobody"), &("mallory", "nobody")]) {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let response = app.request(who, method.clone(), path).send().await.unwrap();
            let what = format!("{method} {path} as {who} ({role})");
            let status = response.status().as_u16();
            let want = match *role {
                "nobody" => Some((401, "UNAUTHENTICATED")),
                role if rank(role) < rank(least) => Some((403, "INSUFFICIENT_ROLE")),
                _ => None,
            };
            match want {
                Some((want, code)) => {
                    assert_eq!(status, want, "{what}");
                    assert_eq!(response.headers()["content-type"], MEDIA_TYPE, "{what}");
                    let problem: Problem = response.json().await.unwrap();
                    assert_eq!((problem.code.as_str(), problem.status), (code, want), "{what}");
                    denied += 1;
                }
                None => assert!(status != 401 && status != 403, "{what}: {status}"),
            }
        }
    }
    let now = (app.app.clock)();
    Denials(app.api.clone()).pass(now).await.unwrap();
    let denials = app.events("access.denied").await;
    let counted = |event: &Event| event.data["count"].as_u64().unwrap();
    assert_eq!(denials.iter().map(counted).sum::<u64>(), denied, "alone or in a sum, each once");
    assert!(denials.len() < 40, "and still no flood: {}", denials.len());
    assert!(denials.iter().any(|event| event.actor == "anonymous"
        && event.summary == "GET /v1/environments denied to anonymous: 401"));
    assert!(denials.iter().all(|event| !event.summary.contains("secret")));
}

#[tokio::test]
async fn the_description_asks_for_the_roles_of_the_table_and_for_no_other_routes() {
    let app = TestApp::start().await;
    let description: serde_json::Value =
        app.get("", "/v1/openapi.json").await.json().await.unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(role) = operation["x-role"].as_str() else { continue };
            described.insert((method.to_uppercase(), path.clone(), role.to_owned()));
        }
    }
    let owned = |text: &str| text.to_owned();
    let table = ROUTES.iter().map(|(method, path, role)| (owned(method), owned(path), owned(role)));
    assert_eq!(described, table.collect());
}

#[tokio::test]
async fn every_wrong_request_gets_one_shape_with_a_stable_code() {
    let app = TestApp::start().await;
    let hold = json!({ "environment": "local", "direction": "in", "reason": "r", "expires": "5m" });
    let with = |field: &str, value: serde_json::Value| {
        let mut body = hold.clone();
        body[field] = value;
        body.to_string()
    };
    let run = json!({ "plan_hash": "00", "reason": "r" }).to_string();
    let reason = json!({ "reason": "r" }).to_string();
    let huge = format!("{{\"environment\": \"{}\"}}", "x".repeat(70_000));
    #[rustfmt::skip]
    let table = [
        ("GET",  "/nowhere",                  "",                             404, "ROUTE_NOT_FOUND"),
        ("POST", "/v1/environments",          "",                             405, "METHOD_NOT_ALLOWED"),
        ("POST", "/v1/runs/none/:pause",      reason.as_str(),                404, "ROUTE_NOT_FOUND"),
        ("GET",  "/v1/environments/x/overview", "",                           404, "NOT_FOUND"),
        ("GET",  "/v1/audit?from_seq=x",      "",                             400, "INVALID_REQUEST"),
        ("GET",  "/v1/audit?from=1",          "",                             400, "INVALID_REQUEST"),
        ("GET",  "/v1/runs/none",             "",                             404, "NOT_FOUND"),
        ("POST", "/v1/holds",                 "{",                            400, "INVALID_REQUEST"),
        ("POST", "/v1/holds",                 huge.as_str(),                  413, "BODY_TOO_LARGE"),
        ("POST", "/v1/holds",                 &with("forever", true.into()),  400, "INVALID_REQUEST"),
        ("POST", "/v1/holds",                 &with("direction", "up".into()), 400, "INVALID_REQUEST"),
        ("POST", "/v1/holds",                 &with("expires", "5".into()),   400, "INVALID_REQUEST"),
        ("POST", "/v1/holds",                 &with("expires", "5h".into()),  400, "INVALID_REQUEST"),
        ("POST", "/v1/holds",                 &with("environment", "moon".into()), 404, "NOT_FOUND"),
        ("POST", "/v1/runs",                  run.as_str(),                   409, "PLAN_UNKNOWN"),
        ("POST", "/v1/runs",                  "{\"plan_hash\": \"00\", \"reason\": \" \"}", 400, "INVALID_REQUEST"),
        ("POST", "/v1/runs/none:pause",       reason.as_str(),                404, "NOT_FOUND"),
        ("POST", "/v1/runs/none:dance",       reason.as_str(),                404, "ROUTE_NOT_FOUND"),
        ("POST", "/v1/runs/none",             reason.as_str(),                405, "METHOD_NOT_ALLOWED"),
        ("POST", "/v1/alerts/none:ack",       reason.as_str(),                404, "NOT_FOUND"),
    ];
    let before = app.app.journal.newest();
    for (method, path, body, status, code) in table {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = app.request("ana", method.clone(), path).header("Idempotency-Key", "k");
        let request = request.header("Content-Type", "application/json").body(body.to_owned());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {body:.80}");
        assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
        let problem: Problem = response.json().await.unwrap();
        assert_eq!(problem.code, code, "{method} {path} {body:.80}");
        assert!(!problem.detail.is_empty());
    }
    assert_eq!(app.app.journal.newest(), before, "a wrong request changes nothing");
}

#[tokio::test]
async fn a_start_without_an_idempotency_key_is_refused() {
    let app = TestApp::start().await;
    let body = json!({ "plan_hash": "00", "reason": "r" });
    let response = app.request("ana", Method::POST, "/v1/runs").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.errors[0].field, "Idempotency-Key");
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_back() {
    let app = TestApp::start().await;
    let mut refused = None;
    for _ in 0..400 {
        let response = app.get("eye", "/v1/holds").await;
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
    }
    let response = refused.expect("400 requests in a row are too many");
    assert!(response.headers().contains_key("retry-after"));
    let problem: Problem = response.json().await.unwrap();
    assert!(problem.retryable);
    assert_eq!(app.get("ana", "/v1/holds").await.status(), 200, "others are not affected");
    assert_eq!(app.get("", "/healthz").await.status(), 200);
}

#[tokio::test]
async fn probes_need_no_token_and_say_nothing_of_environments() {
    let app = TestApp::start().await;
    let alive: HealthView = app.get("", "/healthz").await.json().await.unwrap();
    assert_eq!((alive.leader.as_deref(), alive.epoch), (Some("alone"), Some(1)));
    let hour = Duration::from_secs(3600);
    let denials = Denials(app.api.clone());
    app.app.driver.start(Schedule::every("local/denials", hour, hour), denials);
    let mut ready = app.get("", "/readyz").await;
    for _ in 0..200 {
        if ready.status() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        ready = app.get("", "/readyz").await;
    }
    assert_eq!(ready.status(), 200);
    let text = ready.text().await.unwrap();
    assert!(!text.contains("local"), "{text}");
    let ready: HealthView = serde_json::from_str(&text).unwrap();
    assert!(ready.ready && ready.waiting_for.is_empty() && ready.loops > 0, "{text}");
    assert_eq!((ready.lease_age_ms, ready.reading_age_ms), (None, None), "unknown is not zero");
    assert_eq!(ready.lag.map(|lag| lag.name).as_deref(), Some("denials"));
    let metrics = app.get("", "/metrics").await.text().await.unwrap();
    for line in ["control_epoch 1", "control_lease_age_seconds NaN", "# EOF"] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert!(metrics.contains("control_loop_lag_seconds{loop=\"denials\"} "), "{metrics}");
    assert!(!metrics.contains("local"), "{metrics}");
}

#[tokio::test]
async fn a_hold_is_taken_seen_and_released_and_survives_a_restart() {
    let app = TestApp::start().await;
    let body = json!({ "environment": "local", "direction": "in", "reason": "r", "expires": "5m" });
    let response = app.post("ana", "/v1/holds", &body).await;
    assert_eq!(response.status(), 201);
    let hold: serde_json::Value = response.json().await.unwrap();
    let app = app.restart().await;
    let holds: Vec<serde_json::Value> = app.get("eye", "/v1/holds").await.json().await.unwrap();
    assert_eq!(holds, std::slice::from_ref(&hold));
    assert_eq!(hold["by"], "ana");
    let path = format!("/v1/holds/{}?reason=done", hold["id"].as_str().unwrap());
    let release = |key: &'static str| {
        app.request("ana", Method::DELETE, &path).header("Idempotency-Key", key).send()
    };
    assert_eq!(release("a").await.unwrap().status(), 204);
    assert_eq!(release("a").await.unwrap().status(), 204, "done once, told twice");
    assert_eq!(release("b").await.unwrap().status(), 404);
    let kinds: Vec<String> = app.events("hold.").await.into_iter().map(|e| e.kind).collect();
    assert_eq!(kinds, ["hold.taken", "hold.released"]);
}
