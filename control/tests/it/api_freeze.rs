//! The freeze: nothing acts, except to give back what was taken.

use crate::api_app::TestApp;
use protocol::control::{FreezeView, RunView};
use reqwest::Method;
use serde_json::json;

async fn freeze(app: &TestApp, environment: Option<&str>) -> FreezeView {
    let body = json!({ "environment": environment, "reason": "bad day", "expires": "1h" });
    let response = app.post("ana", "/v1/freezes", &body).await;
    assert_eq!(response.status(), 201);
    response.json().await.unwrap()
}

async fn plan_blockers(app: &TestApp) -> String {
    app.plan().await.blockers.join("; ")
}

#[tokio::test]
async fn no_run_starts_while_frozen_and_it_ends_by_itself_or_by_hand() {
    let app = TestApp::start().await;
    let plan = app.plan().await;
    let one = freeze(&app, Some("local")).await;
    assert!(plan_blockers(&app).await.contains("ana froze it until"));
    let body = json!({ "plan_hash": plan.hash, "reason": "r" });
    assert_eq!(app.post("ana", "/v1/runs", &body).await.status(), 409);
    let path = format!("/v1/freezes/{}?reason=over", one.id);
    let lift = app.request("ana", Method::DELETE, &path).header("Idempotency-Key", "lift");
    assert_eq!(lift.send().await.unwrap().status(), 204);
    assert_eq!(plan_blockers(&app).await, "");
    let told: Vec<String> = app.events("").await.into_iter().map(|event| event.summary).collect();
    assert!(told.iter().any(|words| words.ends_with(&format!("on ending {}: over", one.id))));

    freeze(&app, None).await;
    assert!(plan_blockers(&app).await.contains("bad day"), "all environments are this one too");
    app.skip(3_601);
    assert_eq!(plan_blockers(&app).await, "", "forgotten, and over");
}

#[tokio::test]
async fn a_run_stops_before_its_next_act_and_an_abort_still_gives_back() {
    let app = TestApp::start_in_staging().await;
    let run = app.start_run().await;
    app.run_until(&run.id, |run| run.state == "awaiting_approval").await;
    freeze(&app, Some("local")).await;
    let because = json!({ "reason": "r" });
    app.post("bob", &format!("/v1/runs/{}:approve", run.id), &because).await;
    app.run_until(&run.id, |run| run.steps[3].state == "running").await;
    app.skip(61);
    let run = app.run_until(&run.id, |run| run.state == "paused").await;
    assert!(run.reason.contains("bad day"), "{}", run.reason);
    assert!(app.cluster.failovers.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_taken_before_the_freeze_is_given_back_during_it() {
    let app = TestApp::start().await;
    let run = app.start_run().await;
    let waits = |run: &RunView| {
        run.steps.iter().any(|step| step.id == "writer_up" && step.state == "waiting")
    };
    app.run_until(&run.id, waits).await;
    assert_eq!(app.app.holds.standing((app.app.clock)()).len(), 1);
    freeze(&app, None).await;
    app.post("ana", &format!("/v1/runs/{}:abort", run.id), &json!({ "reason": "r" })).await;
    let run = app.run_until(&run.id, |run| run.ended_at.is_some()).await;
    assert_eq!(run.state, "compensated");
    assert!(app.app.holds.standing((app.app.clock)()).is_empty());
}
