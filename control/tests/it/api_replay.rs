//! What another policy would have done, asked over the wire: bounded, one at a time, and without
//! a trace.

use crate::api_app::TestApp;
use chrono::{DateTime, TimeDelta, Utc};
use protocol::{
    control::{CapacityFrom, Reading, ReplayView},
    problem::{FieldError, Problem},
};
use serde_json::{Value, json};
use std::sync::Arc;

const PATH: &str = "/v1/policies/local.scaling/replay";
const VARIANT: &str = include_str!("../../policies/wallet.yaml");

/// Days that rise from 100 to 900 requests a second and fall again, until now.
fn know(app: &TestApp, days: i32) -> (DateTime<Utc>, DateTime<Utc>) {
    let to = (app.app.clock)();
    let from = to - TimeDelta::days(days.into());
    let wave = |n: i32| 500.0 - 400.0 * (std::f64::consts::TAU * f64::from(n) / 288.0).cos();
    let load = (0..=days * 288).map(|n| (from + TimeDelta::minutes(5) * n, wave(n))).collect();
    app.app.environments["local"].load.send_replace(Arc::new(load));
    (from, to)
}

fn asked((from, to): (DateTime<Utc>, DateTime<Utc>)) -> Value {
    json!({ "from": from, "to": to, "variant": VARIANT })
}

#[tokio::test]
async fn the_policy_in_force_the_variant_and_awss_own_are_played_side_by_side() {
    let app = TestApp::start().await;
    let span = know(&app, 1);
    let before = app.app.journal.newest();
    let response = app.post("ana", PATH, &asked(span)).await;
    assert_eq!(response.status(), 200);
    let played: ReplayView = response.json().await.unwrap();
    let names: Vec<&str> = played.played.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["running", "variant", "aws-target-tracking"]);
    assert_eq!(
        (played.policy.as_str(), played.capacity_from),
        ("local.scaling", CapacityFrom::Targets)
    );
    assert!(played.known_percent > 99.0, "{played:?}");
    assert!(played.played.iter().all(|one| one.task_hours > 24.0 && one.cost_micros.is_none()));
    assert_eq!(app.app.journal.newest(), before, "nothing happens");

    let now = (app.app.clock)();
    app.app.environments["local"].signals.send_modify(|signals| {
        for (name, value) in [("requests_per_task", 90.0), ("cpu_percent", 45.0)] {
            signals.readings.insert(name.to_owned(), Reading::Fresh { value, at: now });
        }
    });
    let measured: ReplayView = app.post("ana", PATH, &asked(span)).await.json().await.unwrap();
    assert_eq!(measured.capacity_from, CapacityFrom::Measured);
    assert!((measured.capacity_per_task - 200.0).abs() < 1e-9, "{measured:?}");
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_with_its_reason() {
    let app = TestApp::start().await;
    let (from, to) = know(&app, 1);
    let good = asked((from, to));
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let longer = json!(from - TimeDelta::weeks(4));
    let unheard = asked((from - TimeDelta::days(9), to - TimeDelta::days(8)));
    #[rustfmt::skip]
    let table = [
        ("ana", PATH, with("to", json!(from)), 400, "INVALID_REQUEST"),
        ("ana", PATH, with("from", longer), 400, "INVALID_REQUEST"),
        ("ana", PATH, with("capacity_per_task", json!(0)), 400, "INVALID_REQUEST"),
        ("ana", PATH, with("forever", json!(true)), 400, "INVALID_REQUEST"),
        ("ana", PATH, with("variant", json!("kind: Policy\nname: x\n")), 400, "INVALID_POLICY"),
        ("ana", PATH, unheard, 409, "LOAD_UNKNOWN"),
        ("ana", "/v1/policies/none.scaling/replay", good.clone(), 404, "NOT_FOUND"),
        ("ana", "/v1/policies/local/replay", good.clone(), 404, "NOT_FOUND"),
        ("far", PATH, good.clone(), 404, "NOT_FOUND"),
        ("eye", PATH, good.clone(), 403, "INSUFFICIENT_ROLE"),
    ];
    for (who, path, body, status, code) in table {
        let response = app.post(who, path, &body).await;
        let got = response.status().as_u16();
        let problem: Problem = response.json().await.unwrap();
        assert_eq!((got, problem.code.as_str()), (status, code), "{who} {path}: {problem:?}");
        let missing = |error: &FieldError| {
            (error.field.as_str(), error.message.as_str()) == ("variant:1", "`scaling` is missing")
        };
        assert!(code != "INVALID_POLICY" || problem.errors.iter().any(missing), "{problem:?}");
    }
}

#[tokio::test]
async fn one_is_played_at_a_time() {
    let app = TestApp::start().await;
    let body = asked(know(&app, 3));
    let (one, other) = tokio::join!(app.post("ana", PATH, &body), app.post("bob", PATH, &body));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let refused = if one.status() == 409 { one } else { other };
    let problem: Problem = refused.json().await.unwrap();
    assert_eq!((problem.code.as_str(), problem.retryable), ("REPLAY_RUNS", true));
    assert_eq!(app.post("bob", PATH, &body).await.status(), 200, "the turn is free again");
}
