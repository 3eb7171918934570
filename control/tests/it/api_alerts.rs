//! What people do about alerts, over the wire.

use crate::api_app::TestApp;
use control::alert::{Evaluate, rule::Verdict};
use control::driver::Pass;
use protocol::{
    control::{AlertState, AlertView, IncidentView, SilenceView},
    problem::Problem,
};
use reqwest::Method;
use serde_json::{Value, json};

/// A daemon that cannot settle an intent, and says so.
async fn with_alert() -> (TestApp, AlertView) {
    let app = TestApp::start().await;
    let live = &app.app.environments["local"];
    let now = (app.app.clock)();
    live.findings.report("intent-unresolved", Verdict::Holds, "intent 7 is lost", now);
    Evaluate(app.alerts.clone()).pass(now).await.unwrap();
    let alert = live.alerts.borrow()[0].clone();
    (app, alert)
}

async fn call(app: &TestApp, who: &str, alert: &AlertView, verb: &str) -> reqwest::Response {
    let path = format!("/v1/alerts/{}:{verb}", alert.id);
    app.post(who, &path, &json!({ "reason": "looking into it" })).await
}

#[tokio::test]
async fn whoever_asks_for_the_state_that_is_gets_it_and_for_one_that_cannot_be_a_conflict() {
    let (app, alert) = with_alert().await;
    let table = [
        ("ana", "unack", 200, "firing"),
        ("ana", "ack", 200, "acked"),
        ("ana", "ack", 200, "acked"),
        ("bob", "ack", 409, "acked"),
        ("bob", "unack", 200, "firing"),
        ("bob", "resolve", 409, "firing"),
        ("bob", "mute", 404, ""),
    ];
    for (who, verb, status, state) in table {
        let response = call(&app, who, &alert, verb).await;
        assert_eq!(response.status(), status, "{who} {verb}");
        let body: Value = response.json().await.unwrap();
        let shown = if status == 409 { &body["currentState"] } else { &body["state"] };
        assert!(status == 404 || shown == state, "{who} {verb}: {body}");
    }
    let stale = json!({ "reason": "I saw it so", "expected_state": "acked" });
    let stale = app.post("ana", &format!("/v1/alerts/{}:ack", alert.id), &stale).await;
    assert_eq!(stale.status(), 409, "it is firing by now");
    let acked = app.events("alert.acked").await;
    assert_eq!((acked.len(), acked[0].actor.as_str()), (1, "ana"), "asking again writes nothing");
    assert!(acked[0].summary.ends_with("(looking into it)"), "{}", acked[0].summary);

    let incident = app.get("eye", &format!("/v1/incidents/{}", alert.id)).await;
    let incident: IncidentView = incident.json().await.unwrap();
    assert_eq!(incident.cause.state, AlertState::Firing);
    let kinds: Vec<&str> = incident.timeline.iter().map(|event| event.kind.as_str()).collect();
    let want =
        ["alert.firing", "delivery.queued", "delivery.queued", "alert.acked", "alert.unacked"];
    assert_eq!(kinds, want);
    assert_eq!(app.get("eye", "/v1/incidents/local.none.1").await.status(), 404);
}

#[tokio::test]
async fn a_silence_says_what_it_matches_and_why_and_ends() {
    let app = TestApp::start().await;
    let ask = |change: fn(&mut Value)| {
        let mut body = json!({
            "environment": "local",
            "matchers": { "resource": "service" },
            "reason": "a partner's load test",
            "lasts": "2h",
        });
        change(&mut body);
        body
    };
    #[rustfmt::skip]
    type Spoil = fn(&mut Value);
    let table: [(Spoil, u16, &str); 7] = [
        (|body| body["environment"] = json!("moon"), 404, "NOT_FOUND"),
        (|body| body["matchers"] = json!({}), 400, "INVALID_REQUEST"),
        (|body| body["matchers"] = json!({ "tier": "x" }), 400, "INVALID_REQUEST"),
        (|body| body["reason"] = json!(" "), 400, "INVALID_REQUEST"),
        (|body| body["lasts"] = json!("2d"), 400, "INVALID_REQUEST"),
        (|body| body["starts_at"] = json!("1999-01-01T00:00:00Z"), 400, "INVALID_REQUEST"),
        (|body| body["starts_at"] = json!("2999-01-01T00:00:00Z"), 400, "INVALID_REQUEST"),
    ];
    for (change, status, code) in table {
        let body = ask(change);
        let response = app.post("ana", "/v1/silences", &body).await;
        assert_eq!(response.status(), status, "{body}");
        assert_eq!(response.json::<Problem>().await.unwrap().code, code, "{body}");
    }
    let made = app.post("ana", "/v1/silences", &ask(|_| ())).await;
    assert_eq!(made.status(), 201);
    let made: SilenceView = made.json().await.unwrap();
    assert_eq!((made.by.as_str(), (made.ends_at - made.starts_at).num_hours()), ("ana", 2));
    let all: Vec<SilenceView> = app.get("eye", "/v1/silences").await.json().await.unwrap();
    assert_eq!(all, std::slice::from_ref(&made));
    let path = format!("/v1/silences/{}?reason=the+test+is+over", made.id);
    for status in [204, 404] {
        let end = app.request("bob", Method::DELETE, &path);
        let ended = end.header("Idempotency-Key", status.to_string()).send().await.unwrap();
        assert_eq!(ended.status(), status);
    }
    let kinds: Vec<_> = app.events("silence.").await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["silence.made", "silence.ended"]);
}
