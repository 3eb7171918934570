//! What can be looked at: pages that can be turned, and only by those for whom it is there.

use crate::api_app::TestApp;
use control::journal::Entry;
use protocol::{
    control::{
        AuditPage, CheckView, DecisionPage, DrillHistory, Reading, ResourceView, RunbookView,
        SignalView, Snapshot, VerdictView,
    },
    problem::Problem,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;

async fn get<T: DeserializeOwned>(app: &TestApp, who: &str, path: &str) -> T {
    let response = app.get(who, path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

/// A decision as the capacity loop writes it down.
fn decision(environment: &str, to: u32) -> Entry {
    let data = json!({
        "action": "scale_out", "from": 3, "to": to, "reason": "cpu 80.0%", "losing": [],
        "inputs": ["cpu 80.0%"], "cost_micros_per_hour": 100,
    });
    Entry::control(format!("{environment}/service/wallet-svc"), "decision", "cpu 80.0%", data)
}

#[tokio::test]
async fn decisions_are_turned_over_page_by_page_newest_first_each_once() {
    let app = TestApp::start().await;
    for to in 1..=450 {
        let note = Entry::control("local/test", "note", "in between", json!({}));
        app.app.journal.append_all(vec![decision("local", to), note]).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut path = "/v1/decisions?resource=local/service/wallet-svc".to_owned();
    for _ in 0..10 {
        let page: DecisionPage = get(&app, "eye", &path).await;
        assert!(page.decisions.len() <= 200);
        seen.extend(page.decisions.iter().map(|one| (one.seq, one.to)));
        let Some(before) = page.next_before_seq else { break };
        path = format!("/v1/decisions?resource=local/service/wallet-svc&before_seq={before}");
    }
    let want: Vec<(u64, u32)> = (1..=450).rev().map(|to| (u64::from(to) * 2 - 1, to)).collect();
    assert_eq!(seen, want);
    let none: DecisionPage = get(&app, "eye", "/v1/decisions?resource=local/database/x").await;
    assert_eq!((none.decisions.len(), none.next_before_seq), (0, None));
    let later = "/v1/decisions?since=2100-01-01T00:00:00Z";
    assert!(get::<DecisionPage>(&app, "eye", later).await.decisions.is_empty());
}

#[tokio::test]
async fn a_token_of_another_environment_sees_none_of_this_one() {
    let app = TestApp::start().await;
    app.app.journal.append(decision("local", 4)).await.unwrap();
    let hold = json!({ "environment": "local", "direction": "in", "reason": "r", "expires": "5m" });
    app.post("ana", "/v1/holds", &hold).await;
    let run = app.start_run().await;
    // `far` may do everything, in an environment that is not here.
    let snapshot: Snapshot = get(&app, "far", "/v1/environments").await;
    assert_eq!((snapshot.environments.len(), snapshot.journal.len()), (0, 0));
    assert!(get::<DecisionPage>(&app, "far", "/v1/decisions").await.decisions.is_empty());
    assert!(get::<AuditPage>(&app, "far", "/v1/audit").await.events.is_empty());
    for path in ["/v1/holds", "/v1/runs", "/v1/resources", "/v1/signals", "/v1/cost"] {
        let all: Vec<serde_json::Value> = get(&app, "far", path).await;
        assert!(all.is_empty(), "{path}: {all:?}");
    }
    let run_path = format!("/v1/runs/{}", run.id);
    for path in ["/v1/environments/local/overview", "/v1/resources/local.service", &run_path] {
        assert_eq!(app.get("far", path).await.status(), 404, "{path}");
    }
    let before = app.app.journal.newest();
    let because = json!({ "reason": "r" });
    assert_eq!(app.post("far", &format!("{run_path}:abort"), &because).await.status(), 404);
    assert_eq!(app.post("far", "/v1/holds", &hold).await.status(), 404);
    assert!(app.events("").await.iter().all(|event| event.seq <= before || event.actor != "far"));
}

#[tokio::test]
async fn resources_and_signals_say_what_is_not_known() {
    let app = TestApp::start().await;
    let resources: Vec<ResourceView> = get(&app, "eye", "/v1/resources").await;
    let ids: Vec<&str> = resources.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["local.service", "local.database", "local.cache", "local.broker"]);
    assert!(resources.iter().all(|one| one.seen_at.is_none() && one.observed.is_none()));
    assert!(resources.iter().all(|one| one.status == "unknown" && one.drift.is_empty()));
    app.app.journal.append(decision("local", 4)).await.unwrap();
    let service: ResourceView = get(&app, "eye", "/v1/resources/local.service").await;
    assert_eq!((service.decisions.len(), service.decisions[0].to), (1, 4));
    let signals: Vec<SignalView> = get(&app, "eye", "/v1/signals?name=cpu_percent").await;
    assert_eq!((signals.len(), signals[0].age_s), (1, None));
    assert_eq!(signals[0].source, "AWS/ECS/CPUUtilization Average 20s");
    assert_eq!(signals[0].points, []);
    let now = (app.app.clock)();
    let (fresh, absent) = (Reading::Fresh { value: 61.0, at: now }, Reading::Absent);
    for reading in [fresh, absent] {
        let readings = BTreeMap::from([("cpu_percent".to_owned(), reading)]);
        app.app.environments["local"].recent.send_modify(|recent| recent.note(&readings, now));
    }
    let path = "/v1/signals?name=cpu_percent&since=2000-01-01T00:00:00Z";
    let signals: Vec<SignalView> = get(&app, "eye", path).await;
    let points: Vec<Reading> = signals[0].points.iter().map(|one| one.reading).collect();
    assert_eq!(points, [fresh, absent]);
}

#[tokio::test]
async fn runbooks_are_read_by_revision_and_checked_before_they_are_files() {
    let app = TestApp::start().await;
    let path = "/v1/runbooks/aurora-writer-failover";
    let book: RunbookView = get(&app, "eye", path).await;
    let same: RunbookView = get(&app, "eye", &format!("{path}@{}", book.revision)).await;
    assert_eq!(same, book);
    assert_eq!(app.get("eye", &format!("{path}@999")).await.status(), 404);
    for text in [&book.text, include_str!("../../../runbooks/drills/aurora-failover-gameday.yaml")]
    {
        let response = app.post("eye", "/v1/runbooks:check", &json!({ "text": text })).await;
        assert_eq!(response.json::<CheckView>().await.unwrap().faults, []);
    }
    let broken = book.text.replace("deadline: 15m", "deadlin: 15m").replace("owner: platform", "");
    let response = app.post("eye", "/v1/runbooks:check", &json!({ "text": broken })).await;
    let view: CheckView = response.json().await.unwrap();
    assert!(view.faults.len() >= 2, "{view:?}");
    assert!(view.faults.iter().any(|fault| fault.message.contains("did you mean `deadline`?")));
    let history: DrillHistory =
        get(&app, "eye", "/v1/drills/aurora-failover-gameday/history").await;
    assert_eq!((history.runs.len(), history.rto_trend_ms), (0, None));
}

#[tokio::test]
async fn the_journal_is_proved_and_paged_over_the_api() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.app.journal.append_all(vec![decision("local", 4); 400]).await.unwrap();
    }
    let verdict: VerdictView = get(&app, "ana", "/v1/audit:verify").await;
    assert_eq!((verdict.intact, verdict.events, verdict.broken), (true, 1_200, None));
    let mut seen = Vec::new();
    let mut from = Some(0);
    while let Some(seq) = from {
        let page: AuditPage = get(&app, "eye", &format!("/v1/audit?from_seq={seq}")).await;
        seen.extend(page.events.iter().map(|event| event.seq));
        from = page.next_seq;
    }
    assert_eq!(seen, (1..=1_200).collect::<Vec<u64>>());
    let wrong = app.get("eye", "/v1/decisions?since=yesterday").await;
    assert_eq!(wrong.json::<Problem>().await.unwrap().code, "INVALID_REQUEST");
}
