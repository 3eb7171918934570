//! One table of keys: what is bound, what it does, and the words that help and footer show.
//!
//! Nothing here changes an environment: this dashboard reads. Ctrl-C always quits at once.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Quit,
    Back,
    Open,
    Overview,
    Environment,
    Alerts,
    Journal,
    Capacity,
    Cost,
    Next,
    Previous,
    NextEnvironment,
    PreviousEnvironment,
    Help,
    Reconnect,
    Repaint,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub code: KeyCode,
    pub modifiers: KeyModifiers,
    pub action: Action,
    /// The key as people write it.
    pub name: &'static str,
    pub help: &'static str,
    /// Whether the footer has room for it at 80 columns.
    pub footer: bool,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

/// A plain key.
const fn key(
    code: KeyCode,
    name: &'static str,
    action: Action,
    help: &'static str,
    footer: bool,
) -> Binding {
    Binding { code, modifiers: NONE, action, name, help, footer }
}

/// A key with Ctrl.
const fn ctrl(letter: char, name: &'static str, action: Action, help: &'static str) -> Binding {
    Binding { code: KeyCode::Char(letter), modifiers: CTRL, action, name, help, footer: false }
}

/// Every key, in the order of the help page.
pub const BINDINGS: &[Binding] = &[
    key(KeyCode::Char('1'), "1", Action::Overview, "overview", true),
    key(KeyCode::Char('2'), "2", Action::Environment, "environment", true),
    key(KeyCode::Char('3'), "3", Action::Alerts, "alerts", true),
    key(KeyCode::Char('4'), "4", Action::Journal, "journal", true),
    key(KeyCode::Char('5'), "5", Action::Capacity, "capacity", true),
    key(KeyCode::Char('6'), "6", Action::Cost, "cost", true),
    key(KeyCode::Enter, "Enter", Action::Open, "open", false),
    key(KeyCode::Esc, "Esc", Action::Back, "back", false),
    key(KeyCode::Char('j'), "j", Action::Next, "next row", false),
    key(KeyCode::Down, "Down", Action::Next, "next row", false),
    key(KeyCode::Char('k'), "k", Action::Previous, "previous row", false),
    key(KeyCode::Up, "Up", Action::Previous, "previous row", false),
    key(KeyCode::Char('}'), "}", Action::NextEnvironment, "next environment", false),
    key(KeyCode::Char('{'), "{", Action::PreviousEnvironment, "previous environment", false),
    key(KeyCode::Char('?'), "?", Action::Help, "help", true),
    key(KeyCode::Char('q'), "q", Action::Quit, "quit", true),
    ctrl('r', "Ctrl-R", Action::Reconnect, "reconnect now"),
    ctrl('l', "Ctrl-L", Action::Repaint, "repaint the screen"),
    ctrl('c', "Ctrl-C", Action::Quit, "quit at once"),
];

/// What `event` asks for; `None` when it is not bound.
#[must_use]
pub fn action(event: KeyEvent) -> Option<Action> {
    // Terminals report Shift for some symbols and not for others, so it is not looked at.
    let modifiers = event.modifiers - KeyModifiers::SHIFT;
    BINDINGS
        .iter()
        .find(|binding| binding.code == event.code && binding.modifiers == modifiers)
        .map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_bindings_share_a_key() {
        for (index, a) in BINDINGS.iter().enumerate() {
            for b in &BINDINGS[index + 1..] {
                assert!((a.code, a.modifiers) != (b.code, b.modifiers), "{}", a.name);
            }
        }
    }

    #[test]
    fn control_c_quits_and_an_unbound_key_does_nothing() {
        let event = KeyEvent::new(KeyCode::Char('c'), CTRL);
        assert_eq!(action(event), Some(Action::Quit));
        assert_eq!(action(KeyEvent::new(KeyCode::Char('c'), NONE)), None);
        assert_eq!(action(KeyEvent::new(KeyCode::Delete, NONE)), None);
    }
}
