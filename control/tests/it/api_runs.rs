//! Runs through the API: plan, start, follow, approve, abort, restart.

use crate::api_app::TestApp;
use protocol::problem::Problem;
use serde_json::json;

#[tokio::test]
async fn a_plan_says_what_would_be_done_and_does_nothing() {
    let app = TestApp::start().await;
    let before = app.app.journal.newest();
    let plan = app.plan().await;
    assert_eq!(plan.blockers, [] as [String; 0]);
    let steps = plan.steps.join("\n");
    assert!(
        steps.contains(
            "promote: rds.failover_db_cluster (once) with cluster wallet-local, target \
             wallet-local-2"
        ),
        "{steps}"
    );
    assert!(steps.contains("approve: pre-authorised here"), "{steps}");
    assert_eq!(plan.hash, app.plan().await.hash, "the same world, the same hash");
    assert_eq!(app.app.journal.newest(), before);
    assert!(app.cluster.failovers.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_plan_for_a_world_that_moved_is_refused() {
    let app = TestApp::start().await;
    let plan = app.plan().await;
    *app.cluster.writer.lock().unwrap() = Some("wallet-local-3".to_owned());
    let body = json!({ "plan_hash": plan.hash, "reason": "r" });
    let response = app.post("ana", "/v1/runs", &body).await;
    assert_eq!(response.status(), 409);
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.code, "PLAN_STALE");
    assert_ne!(app.plan().await.hash, plan.hash);
    assert!(app.events("run.").await.is_empty());
}

#[tokio::test]
async fn the_same_key_starts_one_run_and_the_resource_is_locked() {
    let app = TestApp::start().await;
    let body = json!({ "plan_hash": app.plan().await.hash, "reason": "r" });
    let start = || app.post_as("ana", "/v1/runs", &body, "night-1");
    let first: protocol::control::RunView = start().await.json().await.unwrap();
    let run = app.run_until(&first.id, |run| run.state == "running").await;
    assert_eq!((run.requested_by.as_str(), run.drill), ("ana", false));

    let again = start().await;
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<protocol::control::RunView>().await.unwrap(), first);

    let blocked = app.plan().await.blockers.join("\n");
    assert!(blocked.contains(&format!("run {} owns wallet-local", run.id)), "{blocked}");
    assert_eq!(app.events("run.ordered").await.len(), 1);
}

#[tokio::test]
async fn a_run_without_a_probe_waits_can_be_paused_and_aborted_and_gives_back() {
    let app = TestApp::start().await;
    let run = app.start_run().await;
    let waits = |run: &protocol::control::RunView| {
        run.steps.iter().any(|step| step.id == "writer_up" && step.state == "waiting")
    };
    app.run_until(&run.id, waits).await;
    assert_eq!(*app.cluster.failovers.lock().unwrap(), ["wallet-local-2"]);
    assert_eq!(app.app.holds.standing((app.app.clock)()).len(), 1);

    let because = json!({ "reason": "look first" });
    let path = |verb: &str| format!("/v1/runs/{}:{verb}", run.id);
    let resumed = app.post("ana", &path("resume"), &because).await;
    assert_eq!(resumed.json::<Problem>().await.unwrap().code, "NOT_NOW");
    let paused = app.post("ana", &path("pause"), &because).await;
    assert_eq!(paused.json::<protocol::control::RunView>().await.unwrap().state, "paused");
    let aborted = app.post("ana", &path("abort"), &because).await;
    assert_eq!(aborted.status(), 200);
    let ended = app.run_until(&run.id, |run| run.ended_at.is_some()).await;
    assert_eq!((ended.state.as_str(), ended.reason.as_str()), ("compensated", "ana: look first"));
    assert!(app.app.holds.standing((app.app.clock)()).is_empty());
    let late = app.post("ana", &path("abort"), &because).await;
    assert_eq!(late.json::<Problem>().await.unwrap().code, "RUN_ENDED");
}

#[tokio::test]
async fn a_restarted_daemon_goes_on_and_sends_nothing_again() {
    let app = TestApp::start().await;
    let run = app.start_run().await;
    let waits = |run: &protocol::control::RunView| {
        run.steps.iter().any(|step| step.id == "writer_up" && step.state == "waiting")
    };
    let before = app.run_until(&run.id, waits).await;
    let app = app.restart().await;
    let after = app.run_until(&run.id, waits).await;
    assert_eq!(after.steps[4], before.steps[4], "what was done is as it was");
    assert_eq!(app.cluster.failovers.lock().unwrap().len(), 1);
    assert_eq!(app.events("run.recovered").await.len(), 1);
    let because = json!({ "reason": "enough" });
    app.post("ana", &format!("/v1/runs/{}:abort", run.id), &because).await;
    app.run_until(&run.id, |run| run.state == "compensated").await;
}

#[tokio::test]
async fn in_staging_somebody_else_must_approve() {
    let app = TestApp::start_in_staging().await;
    let run = app.start_run().await;
    app.run_until(&run.id, |run| run.state == "awaiting_approval").await;
    assert!(app.cluster.failovers.lock().unwrap().is_empty());
    let because = json!({ "reason": "looks right" });
    let path = format!("/v1/runs/{}:approve", run.id);
    assert_eq!(app.post("ana", &path, &because).await.status(), 403, "an operator cannot");
    let approved = app.post("bob", &path, &because).await;
    assert_eq!(approved.status(), 200);
    let sent = |run: &protocol::control::RunView| run.steps[4].state == "done";
    let run = app.run_until(&run.id, sent).await;
    assert_eq!(run.steps[2].detail, "approved by bob");
    let approval = &app.events("run.approved").await[0];
    assert_eq!(approval.actor, "bob");
    assert_eq!(*app.cluster.failovers.lock().unwrap(), ["wallet-local-2"]);
}

#[tokio::test]
async fn a_drill_is_armed_by_name_and_refused_where_it_has_no_business() {
    let app = TestApp::start().await;
    let body = json!({ "environment": "local", "reason": "game day" });
    let path = "/v1/drills/aurora-failover-gameday:arm";
    let response = app.post_as("ana", path, &body, "game-1").await;
    assert_eq!(response.status(), 201, "{:?}", response.text().await);
    let run: protocol::control::RunView = response.json().await.unwrap();
    assert_eq!((run.state.as_str(), run.drill), ("planned", true));
    // Without a probe nothing proves steady: it stays at its gate.
    let again: protocol::control::RunView =
        app.post_as("ana", path, &body, "game-1").await.json().await.unwrap();
    assert_eq!(again.id, run.id, "the same key is the same drill");
    let unknown = app.post("ana", "/v1/drills/fire:arm", &body).await;
    assert_eq!(unknown.status(), 404);
    let because = json!({ "reason": "enough" });
    app.post("ana", &format!("/v1/runs/{}:abort", run.id), &because).await;
    let run = app.run_until(&run.id, |run| run.ended_at.is_some()).await;
    assert_eq!(run.state, "aborted");
    assert!(app.cluster.failovers.lock().unwrap().is_empty());
}
