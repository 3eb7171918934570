//! The on-call commands against a served API: the real command line, what it prints, and what it
//! says when the daemon refuses.

use crate::api_app::TestApp;
use axum::{Json, Router, http::StatusCode};
use clap::Parser;
use control::{
    alert::{Evaluate, rule::Verdict},
    driver::Pass,
    error::chain,
    listen,
    oncall::{OnCall, oncall},
};
use protocol::control::{AlertView, HealthView, RunView};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(Parser)]
struct Control {
    #[command(subcommand)]
    command: OnCall,
}

/// Somebody's shell.
struct Shell {
    url: String,
    tokens: TempDir,
}

impl Shell {
    fn at(url: &str) -> Self {
        Self { url: url.to_owned(), tokens: tempfile::tempdir().unwrap() }
    }

    /// Runs a command line as one of the holders; what it prints, or what it says instead.
    async fn run(&self, who: &str, line: &str) -> Result<String, String> {
        let token = self.tokens.path().join(who);
        std::fs::write(&token, format!("{who}-secret\n")).unwrap();
        // An underscore stands for a space within an argument.
        let words = line.split(' ').map(|word| word.replace('_', " "));
        let words = std::iter::once("control".to_owned()).chain(words);
        let token = token.display().to_string();
        let daemon =
            ["--url", self.url.as_str(), "--token-file", token.as_str()].map(str::to_owned);
        let parsed = Control::try_parse_from(words.chain(daemon));
        let command = parsed.map_err(|error| error.to_string())?.command;
        let mut out = Vec::new();
        oncall(&command, &mut out).await.map_err(|error| chain(&error))?;
        Ok(String::from_utf8(out).unwrap())
    }

    async fn says(&self, who: &str, line: &str) -> String {
        self.run(who, line).await.unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    async fn refuses(&self, who: &str, line: &str) -> String {
        self.run(who, line).await.err().unwrap_or_else(|| panic!("{line} was not refused"))
    }
}

async fn fire(app: &TestApp) -> AlertView {
    let live = &app.app.environments["local"];
    let now = (app.app.clock)();
    live.findings.report("intent-unresolved", Verdict::Holds, "intent 7 is lost", now);
    Evaluate(app.alerts.clone()).pass(now).await.unwrap();
    live.alerts.borrow()[0].clone()
}

#[tokio::test]
async fn an_alert_is_listed_and_taken_on() {
    let app = TestApp::start().await;
    let shell = Shell::at(&app.url);
    assert_eq!(shell.says("eye", "alerts").await, "", "nothing is wrong");
    let alert = fire(&app).await;
    let listed = shell.says("eye", "alerts --environment local").await;
    assert!(listed.starts_with(&format!("{}  P1 firing since ", alert.id)), "{listed}");
    assert!(listed.contains("intent-unresolved: intent 7 is lost"), "{listed}");
    assert_eq!(shell.says("eye", "alerts --environment other").await, "");
    let json: Value = serde_json::from_str(&shell.says("eye", "alerts --json").await).unwrap();
    assert_eq!(json[0]["id"], alert.id.as_str());

    let acked = shell.says("ana", &format!("ack {} --reason looking_into_it", alert.id)).await;
    assert!(acked.contains("acked") && acked.contains("ana has it"), "{acked}");
    let events = app.events("alert.acked").await;
    assert_eq!(events.len(), 1);
    assert!(events[0].summary.ends_with("(looking into it)"), "{}", events[0].summary);
}

#[tokio::test]
async fn a_refusal_says_what_was_wrong_and_the_way_out() {
    let app = TestApp::start().await;
    let shell = Shell::at(&app.url);
    let alert = fire(&app).await;
    let ack = format!("ack {} --reason r", alert.id);
    shell.says("ana", &ack).await;
    #[rustfmt::skip]
    let table = [
        ("eye", ack.as_str(), "this needs the role operator", "ask somebody who has that role"),
        ("mallory", "alerts", "a bearer token that this daemon knows", "--token-file"),
        ("ana", "ack local.none.1 --reason r", "no alert has the id local.none.1", "`control alerts`"),
        ("bob", ack.as_str(), "is acknowledged by ana", "it is acked"),
        ("ana", "hold --environment local --for 9h --reason r", "must be a duration from 1s to 4h", "(expires)"),
        ("ana", "floor --environment local --tasks 900 --for 1h --reason r", "must be from 3 to", "(tasks)"),
        ("ana", "hold --environment elsewhere --for 1h --reason r", "there is no environment `elsewhere`", ""),
        ("ana", "release hold-0 --reason r", "there is no hold `hold-0`", ""),
        ("ana", "freeze --for 1h --reason r", "--environment", ""),
        ("ana", "approve run-1 --plan abc --reason r", "at least 8 digits", ""),
    ];
    for (who, line, wrong, way) in table {
        let said = shell.refuses(who, line).await;
        assert!(said.contains(wrong) && said.contains(way), "{who} {line}: {said}");
    }
    let before = app.app.journal.newest();
    let gone = Shell::at("http://127.0.0.1:1").refuses("ana", "alerts").await;
    assert!(gone.contains("http://127.0.0.1:1 does not answer; `--url`"), "{gone}");
    assert_eq!(app.app.journal.newest(), before);
}

#[tokio::test]
async fn what_stands_is_taken_listed_and_ended() {
    let app = TestApp::start().await;
    let shell = Shell::at(&app.url);
    let hold = "hold --environment local --direction in --for 20m --reason a_sale --key mine";
    let taken = shell.says("ana", hold).await;
    assert!(taken.contains("local is not sized (in) until "), "{taken}");
    assert_eq!(shell.says("ana", hold).await, taken, "the same key is the same hold");
    assert_eq!(app.events("hold.taken").await.len(), 1);
    shell.says("ana", "floor --environment local --tasks 5 --for 2h --reason a_sale").await;
    shell.says("ana", "freeze --everywhere --for 1h --reason a_fire").await;
    let freezes: Value = app.get("eye", "/v1/freezes").await.json().await.unwrap();
    assert_eq!(freezes[0]["environment"], Value::Null, "everywhere");
    let standing = shell.says("eye", "standing").await;
    let words = ["local is not sized (in)", "local keeps 5 tasks", "everything is frozen"];
    for (line, words) in standing.lines().zip(words) {
        assert!(line.contains(words), "{standing}");
    }
    let ids: Vec<&str> = standing.lines().filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(ids.len(), 3, "{standing}");
    for id in ids {
        let ended = shell.says("ana", &format!("release {id} --reason it_is_over")).await;
        assert_eq!(ended, format!("{id}  ended\n"));
    }
    assert_eq!(shell.says("eye", "standing").await, "");
    let notes = app.events("note").await;
    assert!(notes.iter().all(|note| note.summary.ends_with("it is over")), "{notes:?}");
}

#[tokio::test]
async fn a_run_is_approved_by_the_plan_that_was_seen() {
    let app = TestApp::start_in_staging().await;
    let shell = Shell::at(&app.url);
    let run = app.start_run().await;
    let run = app.run_until(&run.id, |run| run.state == "awaiting_approval").await;
    let listed = shell.says("eye", "runs").await;
    let hash = &run.plan_hash[..12];
    let asks = format!("asks for approval of plan {hash}: 0 of 1 by ");
    assert!(listed.starts_with(&run.id) && listed.contains(&asks), "{listed}");

    let approve = |plan: &str| format!("approve {} --plan {plan} --reason looks_right", run.id);
    let other = shell.refuses("bob", &approve("0123456789ab")).await;
    assert!(other.contains("not the one that you saw; nothing was approved"), "{other}");
    let ana = shell.refuses("ana", &approve(hash)).await;
    assert!(ana.contains("this needs the role approver"), "{ana}");
    assert!(app.events("run.approved").await.is_empty());
    let json: Value =
        serde_json::from_str(&shell.says("bob", &format!("{} --json", approve(hash))).await)
            .unwrap();
    let approved: RunView = serde_json::from_value(json).unwrap();
    assert_eq!(approved.id, run.id);
    assert_eq!(app.events("run.approved").await[0].actor, "bob");
}

#[tokio::test]
async fn a_standby_names_who_leads() {
    let health =
        HealthView { standby: true, leader: Some("first/7/x".to_owned()), ..HealthView::default() };
    let answer = move || {
        let health = health.clone();
        async move { (StatusCode::SERVICE_UNAVAILABLE, Json(health)) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(listen::serve(listener, None, router, stop.clone()));
    let said = Shell::at(&url).refuses("ana", "alerts").await;
    assert!(said.contains("this daemon stands by, and first/7/x leads"), "{said}");
    stop.cancel();
}

/// A daemon that takes the request and dies.
#[tokio::test]
async fn a_lost_answer_says_that_it_may_have_been_done_and_how_to_ask_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dying = async {
        let (stream, _) = listener.accept().await.unwrap();
        stream.readable().await.unwrap();
        drop(stream);
    };
    let line = "hold --environment local --for 20m --reason r --key mine";
    let shell = Shell::at(&url);
    let (said, ()) = tokio::join!(shell.refuses("ana", line), dying);
    assert!(said.contains("it is not known whether it was done"), "{said}");
    assert!(said.contains("`--key mine`"), "{said}");
}
