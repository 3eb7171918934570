//! Alerts over a real journal: one page an incident, whatever fails or restarts.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use protocol::control::{AlertState, AlertView, Matchers, Reading, RunView, StepView};
use tokio::sync::Notify;

use super::{Alerts, Ask, CallError, Deliver, Evaluate, Silence, Wanted};
use crate::app::Live;
use crate::aws::Change;
use crate::aws::sample::{Replies, SampleCloud};
use crate::config::read_environments;
use crate::driver::Pass;
use crate::fleet::samples::{fleet, second};
use crate::journal::Journal;

pub(super) struct World {
    pub(super) live: Arc<Live>,
    pub(super) cloud: Arc<SampleCloud>,
    pub(super) journal: Journal,
    pub(super) alerts: Arc<Alerts>,
}

impl World {
    pub(super) async fn open(path: &Path, cloud: Arc<SampleCloud>) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let wanted = read_environments(&[file]).unwrap().remove(0);
        let live = Arc::new(Live::new(wanted, second(0)));
        let journal = Journal::open(path, Arc::new(|| second(0))).await.unwrap();
        let shared: Arc<SampleCloud> = Arc::clone(&cloud);
        let outbox = Arc::new(Notify::new());
        let alerts = Alerts::recover(Arc::clone(&live), journal.clone(), shared, outbox);
        Self { alerts: Arc::new(alerts.await.unwrap()), live, cloud, journal }
    }

    /// Every rule's signal is fine, but for these, and the writer is up or down.
    async fn look(&self, now: DateTime<Utc>, writer: bool, but: &[(&str, Reading)]) {
        let mut seen = fleet(3, now);
        if let Some(database) = &mut seen.database {
            database.value.instances[0].writer = writer;
        }
        self.live.fleet.send_replace(seen);
        self.live.signals.send_modify(|signals| {
            for name in ["requests", "cpu_percent", "error_percent", "p95_ms", "outbox_pending"] {
                signals.readings.insert(name.to_owned(), Reading::Fresh { value: 1.0, at: now });
            }
            for (name, reading) in but {
                signals.readings.insert((*name).to_owned(), *reading);
            }
        });
        Evaluate(Arc::clone(&self.alerts)).pass(now).await.unwrap();
    }

    pub(super) async fn evaluate(&self, now: DateTime<Utc>, but: &[(&str, Reading)]) {
        self.look(now, true, but).await;
    }

    pub(super) async fn deliver(&self, now: DateTime<Utc>) {
        Deliver(Arc::clone(&self.alerts)).pass(now).await.unwrap();
    }

    async fn slow(&self, from: i64, to: i64) {
        for at in from..=to {
            let reading = Reading::Fresh { value: 182.0, at: second(at) };
            self.evaluate(second(at), &[("p95_ms", reading)]).await;
        }
    }

    /// Looks and delivers each second, while a share of the requests fails.
    pub(super) async fn errors(&self, from: i64, to: i64, writer: bool, percent: f64) {
        for at in from..=to {
            let reading = Reading::Fresh { value: percent, at: second(at) };
            self.look(second(at), writer, &[("error_percent", reading)]).await;
            self.deliver(second(at)).await;
        }
    }

    fn shown(&self) -> Vec<(String, AlertState, Vec<String>)> {
        let alerts = self.live.alerts.borrow();
        alerts.iter().map(|one| (one.rule.clone(), one.state, one.deliveries.clone())).collect()
    }

    pub(super) fn alert(&self, rule: &str) -> AlertView {
        self.live.alerts.borrow().iter().find(|one| one.rule == rule).unwrap().clone()
    }

    pub(super) fn published(&self) -> Vec<(String, String)> {
        let asked = self.cloud.asked.lock().unwrap();
        let published = asked.iter().map(|change| match change {
            Change::Publish { topic, subject, .. } => {
                (topic.rsplit(':').next().unwrap().to_owned(), subject.clone())
            }
            other => panic!("{other:?}"),
        });
        published.collect()
    }

    /// Subjects by topic, without the topics' common beginning.
    pub(super) fn pages(&self) -> Vec<String> {
        let published = self.published().into_iter();
        published
            .map(|(topic, subject)| format!("{}: {subject}", topic.replace("wallet-local-", "")))
            .collect()
    }
}

fn ask(reason: &str) -> Ask<'_> {
    Ask { by: "ann", reason, expected: None }
}

pub(super) fn cloud() -> Arc<SampleCloud> {
    Arc::new(SampleCloud::with_tasks(3))
}

#[tokio::test]
async fn an_episode_is_paged_once_through_the_topic_of_its_severity_and_then_resolved() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.slow(0, 70).await;
    world.deliver(second(70)).await;
    world.deliver(second(71)).await;
    let topic = "wallet-local-p2".to_owned();
    assert_eq!(world.published(), [(topic.clone(), "P2 firing: latency-high".to_owned())]);
    let firing = (
        "latency-high".to_owned(),
        AlertState::Firing,
        vec!["email: accepted as accepted".to_owned()],
    );
    assert_eq!(world.shown(), [firing]);
    assert_eq!(world.live.alerts.borrow()[0].summary, "p95 182 ms > 100 ms for 60 s");

    for at in 71..=140 {
        world.evaluate(second(at), &[]).await;
    }
    world.deliver(second(141)).await;
    assert_eq!(world.shown()[0].1, AlertState::Resolved);
    assert_eq!(world.published()[1], (topic, "P2 resolved: latency-high".to_owned()));
}

#[tokio::test]
async fn a_restart_neither_forgets_an_episode_nor_pages_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = cloud();
    let world = World::open(&path, Arc::clone(&cloud)).await;
    world.slow(0, 60).await;
    world.deliver(second(60)).await;
    let id = world.live.alerts.borrow()[0].id.clone();
    world.alerts.bring(&id, Wanted::Acked, ask("mine"), second(61)).await.unwrap();
    drop(world);

    let world = World::open(&path, cloud).await;
    world.slow(62, 140).await;
    world.deliver(second(140)).await;
    assert_eq!(world.published().len(), 1);
    let shown = world.live.alerts.borrow()[0].clone();
    assert_eq!(
        (shown.id, shown.state, shown.owner),
        (id, AlertState::Acked, Some("ann".to_owned()))
    );
}

#[tokio::test]
async fn a_page_that_the_channel_refuses_stays_in_the_outbox_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = cloud();
    *cloud.replies.lock().unwrap() = Replies::Refused;
    let world = World::open(&path, Arc::clone(&cloud)).await;
    world.slow(0, 60).await;
    world.deliver(second(60)).await;
    assert_eq!(world.shown()[0].2, ["email: queued"]);
    drop(world);

    *cloud.replies.lock().unwrap() = Replies::Accepted;
    let world = World::open(&path, cloud).await;
    world.deliver(second(90)).await;
    assert_eq!(world.published().len(), 2);
    let ids: Vec<String> = {
        let asked = world.cloud.asked.lock().unwrap();
        let id = |change: &Change| match change {
            Change::Publish { id, .. } => id.clone(),
            other => panic!("{other:?}"),
        };
        asked.iter().map(id).collect()
    };
    assert_eq!(ids[0], ids[1], "a receiver can drop the double");
    let kinds: Vec<String> =
        world.journal.since(0, 100).await.unwrap().into_iter().map(|event| event.kind).collect();
    let want = [
        "alert.firing",
        "delivery.queued",
        "delivery.sending",
        "delivery.queued",
        "delivery.sending",
        "delivery.accepted",
    ];
    assert_eq!(kinds, want);
}

/// Publishing stops: what depends on the signal keeps its state and says so, and the missing of
/// data is an alert of its own.
#[tokio::test]
async fn data_that_stops_resolves_nothing_and_is_an_alert_itself() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.slow(0, 60).await;
    for at in 61..=400 {
        let gone = [("p95_ms", Reading::Absent), ("requests", Reading::Absent)];
        world.evaluate(second(at), &gone).await;
    }
    let shown = world.shown();
    let states: Vec<_> = shown.iter().map(|(rule, state, _)| (rule.as_str(), *state)).collect();
    assert_eq!(
        states,
        [("no-traffic-data", AlertState::Firing), ("latency-high", AlertState::Firing)]
    );
    assert!(world.live.alerts.borrow()[1].no_data);
}

#[tokio::test]
async fn only_a_firing_alert_can_be_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.slow(0, 30).await;
    let id = world.live.alerts.borrow()[0].id.clone();
    let acked = world.alerts.bring(&id, Wanted::Acked, ask("mine"), second(31)).await;
    let error = acked.unwrap_err();
    assert!(matches!(error, CallError::NotNow { .. }), "{error}");
    assert_eq!(error.to_string(), format!("alert {id} is pending, so it cannot be acknowledged"));
    assert!(world.published().is_empty(), "pending pages nobody");
}

/// One incident: the writer is gone, so writes fail, so latency rises. One page goes out.
#[tokio::test]
async fn symptoms_are_listed_under_their_cause_and_page_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.errors(0, 120, false, 40.0).await;
    assert_eq!(
        world.pages(),
        ["p1-sms: P1 firing: aurora-writer-down", "p1: P1 firing: aurora-writer-down"]
    );
    let (cause, symptom) = (world.alert("aurora-writer-down"), world.alert("errors-high"));
    assert_eq!(symptom.state, AlertState::Firing);
    assert_eq!(
        (symptom.told.level, symptom.told.quiet.as_deref()),
        (0, Some("symptom of aurora-writer-down"))
    );
    assert_eq!(symptom.told.cause.as_ref(), Some(&cause.id));
    assert_eq!(cause.told.symptoms, std::slice::from_ref(&symptom.id));

    let incident = world.alerts.incident(&symptom.id).await.unwrap();
    assert_eq!((incident.cause.id, incident.symptoms.len()), (cause.id, 1));
    let kinds: Vec<&str> = incident.timeline.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds[0], "alert.firing");
    assert!(kinds.contains(&"delivery.accepted") && !incident.cut, "{kinds:?}");
}

#[tokio::test]
async fn a_symptom_that_outlives_its_cause_by_the_bound_is_paged() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.errors(0, 100, false, 40.0).await;
    // The writer is back and 10 s later its alert has ended; errors go on.
    world.errors(101, 290, true, 40.0).await;
    assert!(
        world.pages().iter().all(|page| page.contains("aurora-writer-down")),
        "{:?}",
        world.pages()
    );
    world.errors(291, 293, true, 40.0).await;
    assert_eq!(world.pages().last().unwrap(), "p1: P1 firing: errors-high");
    assert_eq!(world.alert("errors-high").told.level, 1);
}

/// A symptom may be noticed before what explains it; it waits for it as long as that is pending.
#[tokio::test]
async fn a_cause_that_is_only_pending_keeps_its_symptom_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.errors(0, 27, true, 40.0).await;
    // Down a moment before errors fire, and up again before anybody is told of it.
    world.errors(28, 31, false, 40.0).await;
    assert_eq!(world.pages(), [] as [&str; 0]);
    world.errors(32, 33, true, 40.0).await;
    assert_eq!(world.pages(), ["p1-sms: P1 firing: errors-high", "p1: P1 firing: errors-high"]);
}

#[tokio::test]
async fn what_nobody_takes_on_goes_to_the_next_in_line_and_an_acknowledgement_ends() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.errors(0, 30, true, 40.0).await;
    let alert = world.alert("errors-high");
    assert_eq!((alert.told.level, alert.told.next_at), (1, Some(second(330))));
    world.errors(31, 329, true, 40.0).await;
    assert_eq!(world.pages().len(), 2, "patience is five minutes");
    world.errors(330, 331, true, 40.0).await;
    let second_in_line = "P1 firing: errors-high (level 2, nobody has it)";
    assert_eq!(
        world.pages()[2..],
        [format!("second-sms: {second_in_line}"), format!("second: {second_in_line}")]
    );

    let by = ask("looking into it");
    let acked = world.alerts.bring(&alert.id, Wanted::Acked, by, second(340)).await.unwrap();
    assert_eq!(acked.told.next_at, Some(second(340 + 3_600)));
    world.errors(3_930, 3_939, true, 40.0).await;
    assert_eq!(world.pages().len(), 4, "somebody has it, for an hour");
    world.errors(3_940, 3_941, true, 40.0).await;
    assert_eq!(world.pages()[4], "third-sms: P1 firing: errors-high (level 3, nobody has it)");
    assert_eq!(world.alert("errors-high").state, AlertState::Firing);
    // The last in line is told again, once in a quarter of an hour.
    world.errors(4_835, 4_841, true, 40.0).await;
    assert_eq!(world.pages().len(), 8);
}

#[tokio::test]
async fn a_silence_keeps_quiet_until_it_ends_and_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = cloud();
    let world = World::open(&path, Arc::clone(&cloud)).await;
    let silence = Silence {
        id: "local.silence.1".to_owned(),
        environment: "local".to_owned(),
        matchers: Matchers { rule: Some("errors-*".to_owned()), ..Matchers::default() },
        reason: "a partner's test".to_owned(),
        by: "ann".to_owned(),
        starts_at: second(0),
        ends_at: second(100),
    };
    world.alerts.silence(silence, second(0)).await.unwrap();
    world.errors(0, 60, true, 40.0).await;
    drop(world);
    let world = World::open(&path, cloud).await;
    world.errors(61, 99, true, 40.0).await;
    assert_eq!(world.pages(), [] as [&str; 0], "a restart forgets no silence");
    let alert = world.alert("errors-high");
    let quiet = "silenced by local.silence.1: a partner's test";
    assert_eq!((alert.state, alert.told.quiet.as_deref()), (AlertState::Firing, Some(quiet)));
    world.errors(100, 101, true, 40.0).await;
    assert_eq!(world.pages()[0], "p1-sms: P1 firing: errors-high");
    world.errors(102, 170, true, 0.0).await;
    assert_eq!(world.alert("errors-high").state, AlertState::Resolved);
}

fn run(step: &str, started: i64) -> RunView {
    RunView {
        id: "run-1".to_owned(),
        environment: "local".to_owned(),
        plan_hash: String::new(),
        asks: None,
        lock: String::new(),
        runbook: "aurora-writer-failover".to_owned(),
        revision: 1,
        state: "running".to_owned(),
        started_at: second(started),
        ended_at: None,
        requested_by: "ann".to_owned(),
        drill: true,
        steps: vec![StepView {
            id: step.to_owned(),
            state: "running".to_owned(),
            detail: String::new(),
            started_at: Some(second(started)),
            ended_at: None,
        }],
        rto_ms: None,
        rto_resolution_ms: None,
        reason: String::new(),
    }
}

#[tokio::test]
async fn a_drill_keeps_only_the_symptoms_of_its_step_quiet_and_only_for_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.live.runs.send_replace(vec![run("promote", 0)]);
    world.errors(0, 180, true, 40.0).await;
    assert_eq!(world.pages(), [] as [&str; 0]);
    let quiet = world.alert("errors-high").told.quiet;
    assert_eq!(quiet.as_deref(), Some("expected in step promote of run-1"));
    world.errors(181, 182, true, 40.0).await;
    assert_eq!(world.pages().len(), 2, "three minutes are what the step may take");

    let other = tempfile::tempdir().unwrap();
    let world = World::open(&other.path().join("j.db"), cloud()).await;
    world.live.runs.send_replace(vec![run("verify", 0)]);
    world.errors(0, 31, true, 40.0).await;
    assert_eq!(world.pages().len(), 2, "another step predicts nothing");
}

#[tokio::test]
async fn what_is_not_urgent_comes_in_one_message_with_what_came_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    for at in 0..=1_000 {
        let now = second(at);
        let behind = ("outbox_pending", Reading::Fresh { value: 2e4, at: now });
        let blind = ("cpu_percent", Reading::Absent);
        world.evaluate(now, &[behind, blind]).await;
        world.deliver(now).await;
    }
    assert_eq!(world.pages(), ["p3: P3 digest of local"]);
    let message = match &world.cloud.asked.lock().unwrap()[0] {
        Change::Publish { message, .. } => message.clone(),
        other => panic!("{other:?}"),
    };
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(lines[0].starts_with("00:01:00 firing outbox-behind: outbox pending 20000 > 10000"));
    assert!(lines[1].starts_with("00:02:00 firing no-cpu-data"), "{message}");
    assert_eq!(world.alert("outbox-behind").deliveries, ["email: accepted as accepted"]);
}

#[tokio::test]
async fn a_person_can_end_what_is_no_longer_known_to_hold_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.slow(0, 60).await;
    let id = world.alert("latency-high").id;
    let by = ask("it is gone");
    let error = world.alerts.bring(&id, Wanted::Resolved, by, second(61)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("alert {id} is firing, and holding, so it cannot be resolved")
    );
    world.evaluate(second(62), &[("p95_ms", Reading::Absent)]).await;
    for _ in 0..2 {
        let view = world.alerts.bring(&id, Wanted::Resolved, by, second(63)).await.unwrap();
        assert_eq!(view.state, AlertState::Resolved);
    }
    world.deliver(second(64)).await;
    assert_eq!(world.pages(), ["p2: P2 firing: latency-high", "p2: P2 resolved: latency-high"]);
    let events = world.journal.since(0, 100).await.unwrap();
    let ended: Vec<_> = events.iter().filter(|event| event.kind == "alert.resolved").collect();
    assert_eq!((ended.len(), ended[0].actor.as_str()), (1, "ann"), "asking twice is once");
}

#[tokio::test]
async fn another_part_hands_in_what_it_found_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    let report = |verdict, at| {
        let text = "intent 7 of run-1 cannot be settled";
        world.live.findings.report("intent-unresolved", verdict, text, second(at));
    };
    report(super::rule::Verdict::Holds, 0);
    world.evaluate(second(0), &[]).await;
    world.deliver(second(0)).await;
    assert_eq!(world.pages()[0], "p1-sms: P1 firing: intent-unresolved");
    // The part falls silent: its last word is old, and ends nothing.
    world.evaluate(second(2_000), &[]).await;
    assert!(world.alert("intent-unresolved").no_data);
    report(super::rule::Verdict::Clear, 2_001);
    for at in 2_001..=2_121 {
        world.evaluate(second(at), &[]).await;
    }
    assert_eq!(world.alert("intent-unresolved").state, AlertState::Resolved);
}
