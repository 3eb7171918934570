//! Folds one message into the model and says what is to be done about it. Pure.

use crate::{
    keys::{self, Action},
    model::{Connection, JOURNAL_MAX, Model, Screen},
};
use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::KeyEvent;
use protocol::control::{EnvironmentView, JournalEvent, Snapshot};

/// Lines that a page of words is scrolled by at most.
const PAGE_LINES_MAX: usize = 200;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Message {
    Key(KeyEvent),
    Resized,
    /// A second went by.
    Tick,
    Stream(Stream),
}

/// What came from, or became of, the daemon's stream.
#[derive(Clone, Debug)]
pub enum Stream {
    Snapshot(Box<Snapshot>),
    Environment(Box<EnvironmentView>),
    Journal(JournalEvent),
    Heartbeat,
    /// The stream ended; the next attempt comes after `retry_in`.
    Lost {
        reason: String,
        attempt: u32,
        retry_in: TimeDelta,
    },
    Refused {
        reason: String,
    },
}

/// What the runtime does after an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that can be seen has changed.
    Nothing,
    Redraw,
    /// Clear the terminal and draw everything anew.
    Repaint,
    /// Do not wait for the next attempt.
    Reconnect,
    Quit,
}

/// Applies `message` at `now`.
pub fn update(model: &mut Model, message: Message, now: DateTime<Utc>) -> Effect {
    match message {
        Message::Key(event) => match keys::action(event) {
            Some(action) => act(model, action),
            None => Effect::Nothing,
        },
        Message::Resized => Effect::Redraw,
        Message::Tick if model.ages(now) => Effect::Redraw,
        Message::Tick => Effect::Nothing,
        Message::Stream(event) => hear(model, event, now),
    }
}

fn act(model: &mut Model, action: Action) -> Effect {
    let open = |model: &mut Model, screen| {
        (model.screen, model.scroll, model.help) = (screen, 0, false);
    };
    match action {
        Action::Quit => return Effect::Quit,
        Action::Reconnect => return Effect::Reconnect,
        Action::Repaint => return Effect::Repaint,
        Action::Help => model.help = !model.help,
        Action::Back if model.help => model.help = false,
        Action::Back | Action::Overview => open(model, Screen::Overview),
        Action::Open | Action::Environment => open(model, Screen::Environment),
        Action::Alerts => open(model, Screen::Alerts),
        Action::Journal => open(model, Screen::Journal),
        Action::Capacity => open(model, Screen::Capacity),
        Action::Cost => open(model, Screen::Cost),
        Action::NextEnvironment => select(model, 1),
        Action::PreviousEnvironment => select(model, -1),
        Action::Next if model.screen == Screen::Overview => select(model, 1),
        Action::Previous if model.screen == Screen::Overview => select(model, -1),
        Action::Next => model.scroll = model.scroll.saturating_add(1).min(rows(model)),
        Action::Previous => model.scroll = model.scroll.saturating_sub(1),
    }
    Effect::Redraw
}

/// Moves the cursor by `step` environments, stopping at the ends.
fn select(model: &mut Model, step: isize) {
    let names = || model.environments.iter().map(|e| &e.view.name);
    let at = model.selected.as_ref().and_then(|name| names().position(|n| n == name));
    let last = model.environments.len().saturating_sub(1);
    let next = at.map_or(0, |at| at.saturating_add_signed(step).min(last));
    model.selected = names().nth(next).cloned();
}

/// The last line that the open list can be scrolled to.
fn rows(model: &Model) -> u16 {
    let rows = match model.screen {
        Screen::Alerts => model.alerts().len(),
        Screen::Journal => model.journal.len(),
        // They wrap to the width that only the view knows; a page of lines is more than enough.
        Screen::Capacity | Screen::Cost => PAGE_LINES_MAX,
        Screen::Overview | Screen::Environment => 0,
    };
    u16::try_from(rows.saturating_sub(1)).unwrap_or(u16::MAX)
}

fn hear(model: &mut Model, event: Stream, now: DateTime<Utc>) -> Effect {
    let alive = !matches!(event, Stream::Lost { .. } | Stream::Refused { .. });
    let quiet = matches!(event, Stream::Heartbeat) && model.connection == Connection::Live;
    if alive {
        model.connection = Connection::Live;
        model.heard_at = Some(now);
    }
    match event {
        Stream::Snapshot(snapshot) => {
            model.role = Some(snapshot.role);
            let known = |name: &str| snapshot.environments.iter().any(|view| view.name == name);
            model.environments.retain(|environment| known(&environment.view.name));
            model.journal = snapshot.journal.into();
            snapshot.environments.into_iter().for_each(|view| model.put(view, now));
        }
        Stream::Environment(view) => model.put(*view, now),
        Stream::Journal(event) => {
            // A resumed stream may tell the last line again.
            if model.journal.back().is_none_or(|last| last.seq < event.seq) {
                model.journal.push_back(event);
            }
            while model.journal.len() > JOURNAL_MAX {
                model.journal.pop_front();
            }
        }
        Stream::Heartbeat => {}
        Stream::Lost { reason, attempt, retry_in } => {
            let since = match &model.connection {
                Connection::Lost { since, .. } => *since,
                _ => model.heard_at.unwrap_or(now),
            };
            let retry_at = now + retry_in;
            model.connection = Connection::Lost { since, attempt, retry_at, reason };
        }
        Stream::Refused { reason } => model.connection = Connection::Refused { reason },
    }
    model.keep_cursor();
    // A heartbeat on a quiet, healthy stream changes nothing that is shown.
    if quiet { Effect::Nothing } else { Effect::Redraw }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{environment, model};
    use crossterm::event::{KeyCode, KeyModifiers};
    use protocol::control::Tier;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn press(model: &mut Model, code: KeyCode) -> Effect {
        update(model, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)), at(0))
    }

    #[test]
    fn keys_open_screens_and_escape_leads_back() {
        let mut model = model();
        for (code, screen) in [
            (KeyCode::Enter, Screen::Environment),
            (KeyCode::Esc, Screen::Overview),
            (KeyCode::Char('3'), Screen::Alerts),
            (KeyCode::Char('4'), Screen::Journal),
            (KeyCode::Char('5'), Screen::Capacity),
            (KeyCode::Char('6'), Screen::Cost),
            (KeyCode::Char('1'), Screen::Overview),
        ] {
            assert_eq!(press(&mut model, code), Effect::Redraw);
            assert_eq!(model.screen, screen, "{code:?}");
        }
        press(&mut model, KeyCode::Char('?'));
        assert!(model.help);
        press(&mut model, KeyCode::Esc);
        assert!(!model.help && model.screen == Screen::Overview);
        assert_eq!(press(&mut model, KeyCode::Delete), Effect::Nothing);
        assert_eq!(press(&mut model, KeyCode::Char('q')), Effect::Quit);
    }

    #[test]
    fn the_cursor_stays_on_its_environment_when_others_come_and_go() {
        let mut model = model();
        press(&mut model, KeyCode::Char('j'));
        assert_eq!(model.selected.as_deref(), Some("local"));
        let staging = Box::new(environment("another", Tier::Staging));
        update(&mut model, Message::Stream(Stream::Environment(staging)), at(1));
        assert_eq!(model.selected.as_deref(), Some("local"));
        let order: Vec<_> = model.environments.iter().map(|e| e.view.name.as_str()).collect();
        assert_eq!(order, ["production", "another", "local"]);
        press(&mut model, KeyCode::Char('j'));
        assert_eq!(model.selected.as_deref(), Some("local"), "the last row is the end");
    }

    #[test]
    fn a_lost_stream_keeps_what_is_known_and_the_moment_it_was_lost() {
        let mut model = model();
        let lost = |attempt| {
            let retry_in = TimeDelta::seconds(1);
            Message::Stream(Stream::Lost { reason: "gone".into(), attempt, retry_in })
        };
        let heard = model.heard_at.unwrap();
        update(&mut model, lost(1), heard + TimeDelta::seconds(3));
        update(&mut model, lost(2), heard + TimeDelta::seconds(9));
        let Connection::Lost { since, attempt, .. } = &model.connection else { panic!() };
        assert_eq!((*since, *attempt), (heard, 2));
        assert_eq!(model.environments.len(), 2);
        let tick = update(&mut model, Message::Tick, heard + TimeDelta::seconds(10));
        assert_eq!(tick, Effect::Redraw, "ages are shown, so a second matters");
    }

    #[test]
    fn a_quiet_live_stream_draws_nothing() {
        let mut model = model();
        let heard = model.heard_at.unwrap();
        let beat = || Message::Stream(Stream::Heartbeat);
        assert_eq!(update(&mut model, beat(), heard), Effect::Nothing);
        assert_eq!(update(&mut model, Message::Tick, heard), Effect::Nothing);
    }

    #[test]
    fn the_journal_is_bounded_and_takes_each_event_once() {
        let mut model = model();
        let template = model.journal[0].clone();
        for seq in [41, 42, 42, 43] {
            let event = JournalEvent { seq, ..template.clone() };
            update(&mut model, Message::Stream(Stream::Journal(event)), at(0));
        }
        let seqs: Vec<_> = model.journal.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, [41, 42, 43]);
        for seq in 44..1_000 {
            let event = JournalEvent { seq, ..template.clone() };
            update(&mut model, Message::Stream(Stream::Journal(event)), at(0));
        }
        assert_eq!((model.journal.len(), model.journal[0].seq), (JOURNAL_MAX, 800));
    }
}
