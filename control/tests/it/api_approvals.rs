//! Approvals over the API: by somebody else, for one plan, for a while, and through a restart.

use crate::api_app::{Setup, TestApp};
use protocol::{control::RunView, problem::Problem};
use serde_json::{Value, json};

fn because() -> Value {
    json!({ "reason": "looks right" })
}

async fn asking(app: &TestApp) -> RunView {
    let run = app.start_run().await;
    let run = app.run_until(&run.id, |run| run.state == "awaiting_approval").await;
    let asks = run.asks.as_ref().unwrap();
    assert_eq!((asks.step.as_str(), asks.need, asks.by.len()), ("approve", 1, 0));
    run
}

async fn order(app: &TestApp, who: &str, run: &RunView, verb: &str, body: &Value) -> (u16, Value) {
    let response = app.post(who, &format!("/v1/runs/{}:{verb}", run.id), body).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

fn failovers(app: &TestApp) -> usize {
    app.cluster.failovers.lock().unwrap().len()
}

#[tokio::test]
async fn an_approval_is_for_the_world_as_it_was_planned() {
    let app = TestApp::start_in_staging().await;
    let run = asking(&app).await;
    *app.cluster.writer.lock().unwrap() = Some("wallet-local-3".to_owned());
    let (status, problem) = order(&app, "bob", &run, "approve", &because()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("NOT_NOW")));
    assert!(problem["detail"].as_str().unwrap().contains("for another plan"), "{problem}");
    assert_eq!(problem["currentState"], "awaiting_approval");
    assert!(app.events("run.approved").await.is_empty());
    assert_eq!(failovers(&app), 0);
}

#[tokio::test]
async fn who_asked_for_a_run_cannot_approve_it() {
    let app = TestApp::start_in_staging().await;
    let plan = app.plan().await;
    let body = json!({ "plan_hash": plan.hash, "reason": "r" });
    let run: RunView = app.post("bob", "/v1/runs", &body).await.json().await.unwrap();
    let run = app.run_until(&run.id, |run| run.state == "awaiting_approval").await;
    let (status, problem) = order(&app, "bob", &run, "approve", &because()).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(failovers(&app), 0);
    assert_eq!(order(&app, "eva", &run, "approve", &because()).await.0, 200);
    app.run_until(&run.id, |run| run.steps[4].state == "done").await;
    assert_eq!(app.events("run.approved").await[0].actor, "eva");
}

#[tokio::test]
async fn an_approval_that_nobody_gave_expires_also_across_a_restart() {
    let app = TestApp::start_with(Setup::new("tier: staging")).await;
    let run = asking(&app).await;
    let app = app.restart().await;
    let still = app.run_until(&run.id, |run| run.asks.is_some()).await;
    assert_eq!(still.asks, run.asks, "the same end as before");
    app.skip(4 * 60);
    assert_eq!(app.run(&run.id).await.state, "awaiting_approval");
    app.skip(61);
    let over = app.run_until(&run.id, |run| run.ended_at.is_some()).await;
    assert_eq!(over.state, "expired");
    let (status, problem) = order(&app, "bob", &run, "approve", &because()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("RUN_ENDED")));
    assert_eq!(problem["currentState"], "expired");
    assert_eq!(failovers(&app), 0);
}

#[tokio::test]
async fn an_approval_given_before_a_restart_counts_after_it() {
    let app = TestApp::start_in_staging().await;
    let run = asking(&app).await;
    assert_eq!(order(&app, "bob", &run, "approve", &because()).await.0, 200);
    let app = app.restart().await;
    let run = app.run_until(&run.id, |run| run.steps[4].state == "done").await;
    assert_eq!(run.steps[2].detail, "approved by bob");
    assert_eq!(failovers(&app), 1);
}

#[tokio::test]
async fn a_no_ends_the_run_and_names_who_said_it() {
    let app = TestApp::start_in_staging().await;
    let run = asking(&app).await;
    assert_eq!(order(&app, "ana", &run, "reject", &because()).await.0, 403, "not an approver");
    assert_eq!(order(&app, "bob", &run, "reject", &because()).await.0, 200);
    let over = app.run_until(&run.id, |run| run.ended_at.is_some()).await;
    assert_eq!(
        (over.state.as_str(), over.reason.as_str()),
        ("rejected", "rejected by bob: looks right")
    );
    assert_eq!(app.events("run.approval_rejected").await[0].actor, "bob");
    assert_eq!(failovers(&app), 0);
}

#[tokio::test]
async fn an_order_for_another_state_than_expected_changes_nothing() {
    let app = TestApp::start_in_staging().await;
    let run = asking(&app).await;
    let before = app.app.journal.newest();
    let body = json!({ "reason": "r", "expected_state": "running" });
    let (status, problem) = order(&app, "ana", &run, "abort", &body).await;
    let problem: Problem = serde_json::from_value(problem).unwrap();
    assert_eq!((status, problem.code.as_str()), (409, "STATE_MOVED"));
    assert_eq!(problem.current_state.as_deref(), Some("awaiting_approval"));
    assert_eq!(app.app.journal.newest(), before);
    let body = json!({ "reason": "r", "expected_state": "awaiting_approval" });
    assert_eq!(order(&app, "ana", &run, "abort", &body).await.0, 200);
}

#[tokio::test]
async fn a_step_that_failed_is_retried_or_skipped_by_those_who_may() {
    let app = TestApp::start_in_staging().await;
    let refuse = |refuses| {
        app.cluster.refuses.store(refuses, std::sync::atomic::Ordering::Relaxed);
    };
    refuse(true);
    let run = asking(&app).await;
    let (status, problem) = order(&app, "ana", &run, "retry", &because()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("NOT_NOW")), "nothing failed yet");
    order(&app, "bob", &run, "approve", &because()).await;
    let paused = app.run_until(&run.id, |run| run.state == "paused").await;
    assert!(paused.reason.starts_with("promote:"), "{}", paused.reason);
    assert_eq!(order(&app, "ana", &run, "skip", &because()).await.0, 403, "not an approver");
    refuse(false);
    assert_eq!(order(&app, "ana", &run, "retry", &because()).await.0, 200);
    app.run_until(&run.id, |run| run.steps[4].state == "done").await;
    assert_eq!(failovers(&app), 1);

    order(&app, "ana", &run, "abort", &because()).await;
    app.run_until(&run.id, |run| run.ended_at.is_some()).await;
    refuse(true);
    let run = asking(&app).await;
    order(&app, "bob", &run, "approve", &because()).await;
    app.run_until(&run.id, |run| run.state == "paused").await;
    assert_eq!(order(&app, "bob", &run, "skip", &because()).await.0, 200);
    let on = app.run_until(&run.id, |run| run.steps[5].state == "waiting").await;
    assert_eq!(
        (on.steps[4].state.as_str(), on.steps[4].detail.as_str()),
        ("skipped", "skipped by bob: looks right")
    );
    assert_eq!(failovers(&app), 1, "it was not sent again");
}
