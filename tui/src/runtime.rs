//! The one loop: waits for keys, the stream, a second, or the terminal's end; updates; draws.
//!
//! It never waits for the network. At most one frame in 33 ms, except after a key; at most 64
//! messages before the next look at the keyboard; nothing is drawn when nothing has changed.

use crate::{
    model::Model,
    net::stream::Source,
    terminal::Screen,
    theme::Theme,
    update::{Effect, Message, update},
    view::{self, Scene},
};
use anyhow::Context;
use chrono::{DateTime, Utc};
use crossterm::event::{Event, EventStream, KeyEventKind};
use futures::StreamExt;
use std::{sync::Arc, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::task::TaskTracker;

const FRAME_FLOOR: Duration = Duration::from_millis(33);
const MESSAGES_A_TURN_MAX: usize = 64;
/// The stream's task waits when this many messages are unread.
const UNREAD_MAX: usize = 1_024;

/// Reads the wall clock; tests give another.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc>>;

/// Shows the dashboard until it is told to quit or the terminal goes away.
///
/// # Errors
///
/// The terminal cannot be taken over or written to.
pub async fn run(source: Source, theme: Theme, clock: Clock) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut screen = Screen::open()?;
    let (out, mut stream) = mpsc::channel(UNREAD_MAX);
    let hurry = Arc::clone(&source.hurry);
    let tracker = TaskTracker::new();
    let reader = tracker.spawn(source.follow(out));
    let mut keys = EventStream::new();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut model = Model::default();
    let (mut dirty, mut next_frame) = (true, Instant::now());
    let outcome = loop {
        if dirty && Instant::now() >= next_frame {
            let scene = Scene { model: &model, now: clock(), theme: &theme };
            if let Err(fault) = screen.draw(|f| view::draw(scene, f)) {
                break Err(fault).context("drawing");
            }
            (dirty, next_frame) = (false, Instant::now() + FRAME_FLOOR);
        }
        let messages = tokio::select! {
            biased;
            () = signals.received() => break Ok(()),
            event = keys.next() => match event {
                Some(Ok(event)) => key(event),
                // The terminal is gone; reading on would spin.
                Some(Err(_)) | None => break Ok(()),
            },
            Some(first) = stream.recv() => {
                let mut messages = vec![Message::Stream(first)];
                while messages.len() < MESSAGES_A_TURN_MAX
                    && let Ok(next) = stream.try_recv()
                {
                    messages.push(Message::Stream(next));
                }
                messages
            }
            () = sleep_until(next_frame), if dirty => Vec::new(),
            _ = second.tick() => vec![Message::Tick],
        };
        let mut quit = false;
        for message in messages {
            let from_key = matches!(message, Message::Key(_) | Message::Resized);
            match update(&mut model, message, clock()) {
                Effect::Nothing => continue,
                Effect::Redraw => dirty = true,
                Effect::Repaint => {
                    dirty = true;
                    screen.repaint().context("repainting")?;
                }
                Effect::Reconnect => hurry.notify_one(),
                Effect::Quit => quit = true,
            }
            if from_key {
                next_frame = Instant::now();
            }
        }
        if quit {
            break Ok(());
        }
    };
    reader.abort();
    outcome
}

/// The messages in a terminal event; a paste is not a key.
fn key(event: Event) -> Vec<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => vec![Message::Key(key)],
        Event::Resize(..) => vec![Message::Resized],
        _ => Vec::new(),
    }
}

/// The signals that end the dashboard. Catching SIGHUP also works where it was being ignored.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.hangup.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
