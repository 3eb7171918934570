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

/// The stream's first message as the daemon sends it: one environment in trouble.
const SNAPSHOT: &str = include_str!("../../tests/it/snapshot.json");

/// Fifteen minutes with a wave in them, and two missing points.
fn history() -> Vec<TrafficPoint> {
    let point = |index: u32| {
        let wave = (f64::from(index) / 6.0).sin();
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
    };
    (0..60).map(point).collect()
}

pub(crate) fn environment(name: &str, tier: Tier) -> EnvironmentView {
    let snapshot: Snapshot = serde_json::from_str(SNAPSHOT).unwrap();
    let known = snapshot.environments.into_iter().next().unwrap();
    EnvironmentView { name: name.into(), tier, history: history(), ..known }
}

pub(crate) fn model() -> Model {
    let mut model = Model::default();
    let known: Snapshot = serde_json::from_str(SNAPSHOT).unwrap();
    let environments =
        vec![environment("local", Tier::Local), environment("production", Tier::Production)];
    let snapshot = Snapshot { environments, ..known };
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
            (Screen::Capacity, "capacity"),
            (Screen::Cost, "cost"),
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
            Screen::Capacity, Screen::Cost,
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
