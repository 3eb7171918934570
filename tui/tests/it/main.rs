//! The built dashboard in a real terminal: bytes through a pty, read by a terminal emulator.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod daemon;
mod pty;

use daemon::Daemon;
use pty::Pty;

#[test]
fn it_shows_what_the_daemon_streams_and_gives_the_terminal_back() {
    let daemon = Daemon::start();
    let mut pty = Pty::open(&daemon.url(), "good", &[]);
    pty.wait_for("live");
    pty.wait_for("612");
    pty.press("2");
    pty.wait_for("Topology");
    pty.press("?");
    pty.wait_for("quit at once");
    pty.press("q");
    let (status, bytes) = pty.ended();
    assert!(status.success(), "{status:?}");
    for given_back in ["\u{1b}[?1049l", "\u{1b}[?25h", "\u{1b}[?2004l", "\u{1b}[?2026l"] {
        assert!(bytes.contains(given_back), "{given_back:?} was not sent");
    }
}

#[test]
fn control_c_quits_with_a_daemon_that_never_answers() {
    let daemon = Daemon::hung();
    let mut pty = Pty::open(&daemon.url(), "good", &[]);
    pty.wait_for("connecting");
    pty.press("2");
    pty.wait_for("no environment has been heard of yet");
    pty.press("\u{3}");
    assert!(pty.ended().0.success());
}

#[test]
fn a_daemon_that_dies_is_said_and_one_that_returns_is_found() {
    let daemon = Daemon::start();
    let mut pty = Pty::open(&daemon.url(), "good", &[]);
    pty.wait_for("612");
    let address = daemon.stop();
    pty.wait_for("LOST");
    let daemon = Daemon::start_at(address);
    pty.wait_for("live");
    drop(daemon);
    pty.press("q");
    assert!(pty.ended().0.success());
}

#[test]
fn a_refused_token_is_said_and_not_tried_again() {
    let daemon = Daemon::start();
    let mut pty = Pty::open(&daemon.url(), "bad", &[]);
    pty.wait_for("the daemon does not know the token");
    assert_eq!(daemon.asked(), 1);
    pty.press("q");
    assert!(pty.ended().0.success());
}

#[test]
fn no_color_sends_no_colour_and_keeps_reverse() {
    let daemon = Daemon::start();
    let mut pty = Pty::open(&daemon.url(), "good", &[("NO_COLOR", "1")]);
    pty.wait_for("612");
    assert!(pty.any_cell(vt100::Cell::inverse), "the selection is not seen");
    assert!(!pty.any_cell(|cell| cell.fgcolor() != vt100::Color::Default));
    pty.press("q");
    let (_, bytes) = pty.ended();
    assert!(!bytes.contains("\u{1b}[;m"), "an empty colour resets bold and reverse");
}

#[test]
fn sigterm_and_a_vanished_terminal_end_it() {
    let daemon = Daemon::start();
    let mut pty = Pty::open(&daemon.url(), "good", &[]);
    pty.wait_for("612");
    pty.terminate();
    let (status, bytes) = pty.ended();
    assert!(status.success() && bytes.contains("\u{1b}[?1049l"));
    let mut pty = Pty::open(&daemon.url(), "good", &[]);
    pty.wait_for("612");
    pty.hang_up();
}
