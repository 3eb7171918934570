//! Every screen at several sizes and in several states, as pictures; and no size or text that breaks it.

use super::*;
use crate::{
    model::{Connection, Environment},
    update::{Message, Stream, update},
};
use chrono::{TimeDelta, TimeZone};
use proptest::prelude::*;
use protocol::control::*;
use ratatui::{Terminal, backend::TestBackend};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 14, 7, 31).unwrap()
}

fn fresh(value: f64) -> Reading {
    Reading::Fresh { value, at: now() }
}

fn group(name: &str, roles: [&str; 3]) -> GroupView {
    let members = roles
        .iter()
        .enumerate()
        .map(|(index, role)| MemberView {
            id: format!("{name}-{}", index + 1),
            zone: format!("sa-east-1{}", ['a', 'b', 'c'][index]),
            role: (*role).to_owned(),
            status: "available".into(),
            lag_ms: (*role == "reader").then_some(12),
        })
        .collect();
    GroupView { name: name.into(), status: "available".into(), members, seen_at: Some(now()) }
}

pub(crate) fn environment(name: &str, tier: Tier) -> EnvironmentView {
    let history = (0..60_u32)
        .map(|index| {
            let wave = (f64::from(index) / 6.0).sin();
            // Two missing points make a gap.
            let some = |value: f64| (!(20..22).contains(&index)).then_some(value);
            TrafficPoint {
                at: now() - TimeDelta::seconds(i64::from(15 * (60 - index))),
                tps: some(400.0 + 200.0 * wave),
                p50_ms: some(8.0),
                p95_ms: some(60.0 + 30.0 * wave),
                p99_ms: some(110.0 + 30.0 * wave),
                error_percent: some(0.0),
                cpu_percent: some(55.0),
            }
        })
        .collect();
    let tasks = ["a", "b", "c", "a"]
        .iter()
        .enumerate()
        .map(|(index, zone)| TaskView {
            id: format!("0f3c9a7b2d{index:02}"),
            zone: format!("sa-east-1{zone}"),
            status: if index == 3 { "PENDING" } else { "RUNNING" }.into(),
            health: if index == 3 { "initial" } else { "healthy" }.into(),
            started_at: Some(now()),
        })
        .collect();
    EnvironmentView {
        name: name.into(),
        tier,
        mode: Mode::Act,
        at: now(),
        traffic: TrafficView {
            tps: fresh(612.0),
            p50_ms: fresh(7.94),
            p95_ms: fresh(118.2),
            p99_ms: fresh(241.0),
            error_percent: fresh(0.42),
            cpu_percent: fresh(71.0),
            memory_percent: fresh(12.0),
            requests_per_task: Reading::Stale { value: 153.0, at: now() },
            outbox_pending: Reading::Absent,
            canary_ms: Reading::Error,
        },
        history,
        service: ServiceView {
            name: "wallet-svc".into(),
            scaling: "own".into(),
            desired: 4,
            running: 3,
            pending: 1,
            capacity_min: 3,
            capacity_max: 9,
            healthy: Some(3),
            tasks,
            seen_at: Some(now()),
        },
        database: group("db", ["writer", "reader", "reader"]),
        cache: group("cache", ["primary", "replica", "replica"]),
        broker: group("broker", ["broker", "broker", "broker"]),
        alerts: vec![AlertView {
            id: "e1".into(),
            rule: "latency-p95".into(),
            severity: Severity::P1,
            state: AlertState::Firing,
            no_data: false,
            since: now() - TimeDelta::seconds(138),
            summary: "p95 118 ms > 100 ms for 60 s".into(),
            deliveries: vec!["sms: accepted".into(), "email: accepted".into()],
            runbook: Some("aurora-writer-failover".into()),
            owner: None,
        }],
        decision: Some(DecisionView {
            seq: 41,
            at: now() - TimeDelta::seconds(20),
            resource: "wallet-svc".into(),
            action: "scale_out".into(),
            from: 3,
            to: 4,
            reason: "3 -> 4: requests per task 153 of target 120".into(),
            losing: Vec::new(),
            cost_micros_per_hour: 24_000,
        }),
        runs: vec![RunView {
            id: "r1".into(),
            runbook: "aurora-writer-failover".into(),
            revision: 1,
            state: "running".into(),
            started_at: now(),
            ended_at: None,
            requested_by: "ana".into(),
            drill: true,
            steps: vec![
                StepView {
                    id: "promote".into(),
                    state: "done".into(),
                    detail: String::new(),
                    started_at: Some(now()),
                    ended_at: Some(now()),
                },
                StepView {
                    id: "writer_up".into(),
                    state: "waiting".into(),
                    detail: String::new(),
                    started_at: Some(now()),
                    ended_at: None,
                },
            ],
            rto_ms: Some(2_400),
            rto_resolution_ms: Some(500),
            reason: String::new(),
        }],
        cost: CostView {
            micros_per_hour: Some(2_554_999),
            components: vec![CostComponent {
                name: "database".into(),
                basis: "3 × r6g.2xlarge".into(),
                micros_per_hour: 2_400_000,
            }],
            prices: "2026-11".into(),
        },
    }
}

pub(crate) fn model() -> Model {
    let mut model = Model::default();
    let journal = vec![JournalEvent {
        seq: 41,
        at: now(),
        actor: "control".into(),
        subject: "production/service/wallet-svc".into(),
        kind: "decision".into(),
        summary: "scale_out 3 -> 4".into(),
    }];
    let snapshot = Snapshot {
        seq: 41,
        at: now(),
        role: Role::Operator,
        environments: vec![
            environment("local", Tier::Local),
            environment("production", Tier::Production),
        ],
        journal,
    };
    update(&mut model, Message::Stream(Stream::Snapshot(Box::new(snapshot))), now());
    model
}

fn picture(model: &Model, width: u16, height: u16, at: DateTime<Utc>) -> String {
    let theme = Theme::new(true, false);
    let scene = Scene { model, now: at, theme: &theme };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|f| draw(scene, f)).unwrap();
    terminal.backend().to_string()
}

/// A state, and what makes it.
type State = (&'static str, fn() -> Model, i64);

const STATES: &[State] = &[
    ("empty", Model::default, 0),
    ("normal", model, 0),
    ("stale", model, 48),
    (
        "lost",
        || {
            let mut model = model();
            let lost = Stream::Lost {
                reason: "Connection refused (os error 111)".into(),
                attempt: 4,
                retry_in: TimeDelta::seconds(6),
            };
            update(&mut model, Message::Stream(lost), now() + TimeDelta::seconds(3));
            model
        },
        3,
    ),
];

#[test]
fn every_screen_in_every_state_has_its_picture() {
    for (state, make, age) in STATES {
        for (screen, name) in [
            (Screen::Overview, "overview"),
            (Screen::Environment, "environment"),
            (Screen::Alerts, "alerts"),
            (Screen::Journal, "journal"),
        ] {
            for (width, height) in [(120, 36), (80, 24), (40, 10)] {
                let model = Model { screen, ..make() };
                let shown = picture(&model, width, height, now() + TimeDelta::seconds(*age));
                insta::assert_snapshot!(format!("{name}_{state}_{width}x{height}"), shown);
            }
        }
    }
}

#[test]
fn the_help_page_shows_every_key() {
    let model = Model { help: true, ..model() };
    let shown = picture(&model, 80, 24, now());
    for binding in crate::keys::BINDINGS {
        assert!(shown.contains(binding.name) && shown.contains(binding.help), "{}", binding.name);
    }
}

#[test]
fn a_stale_environment_shows_its_age_and_no_old_figure() {
    let shown = picture(&model(), 80, 24, now() + TimeDelta::seconds(48));
    assert!(shown.contains("STALE 48s"), "{shown}");
    assert!(!shown.contains("612"), "{shown}");
}

#[test]
fn without_colour_nothing_is_coloured_and_the_selection_is_still_seen() {
    let theme = Theme::new(false, true);
    let model = model();
    let scene = Scene { model: &model, now: now(), theme: &theme };
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|f| draw(scene, f)).unwrap();
    let cells = terminal.backend().buffer().content();
    let plain = ratatui::style::Color::Reset;
    assert!(cells.iter().all(|cell| cell.fg == plain && cell.bg == plain));
    let reversed = ratatui::style::Modifier::REVERSED;
    assert!(cells.iter().any(|cell| cell.modifier.contains(reversed)));
}

const ESCAPE: char = '\u{1b}';
const HOSTILE: &[&str] = &["İİİ", "e\u{313}", "👩‍👩‍👧", "مرحبا", "漢字", "\u{1b}]0;x\u{7}", "\n\t", ""];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_size_and_no_text_breaks_a_screen(
        width in 1_u16..200,
        height in 1_u16..60,
        screen in prop::sample::select(vec![
            Screen::Overview, Screen::Environment, Screen::Alerts, Screen::Journal,
        ]),
        text in prop::sample::select(HOSTILE.to_vec()),
        repeat in prop::sample::select(vec![1_usize, 7, 1_000]),
        scroll in 0_u16..300,
    ) {
        let text = text.repeat(repeat);
        let mut model = Model { screen, scroll, ..model() };
        for Environment { view, .. } in &mut model.environments {
            view.name.clone_from(&text);
            view.alerts[0].summary.clone_from(&text);
            view.runs[0].runbook.clone_from(&text);
            view.service.tasks[0].id.clone_from(&text);
            view.database.members[0].id.clone_from(&text);
            view.decision.as_mut().unwrap().reason.clone_from(&text);
        }
        model.connection = Connection::Refused { reason: text };
        let shown = picture(&model, width, height, now());
        prop_assert!(!shown.contains(ESCAPE));
    }
}
