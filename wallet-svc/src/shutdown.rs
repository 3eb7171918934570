//! Signals to end: the first asks, the second does not wait.

use std::{io, process};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// As a shell reports a process ended by SIGTERM.
const EXIT_AT_ONCE: i32 = 143;

/// Watches for SIGTERM and SIGINT on a task of `tracker`. The first cancels the returned token; the
/// second exits the process at once.
///
/// # Errors
///
/// The handlers could not be installed.
pub fn on_signal(tracker: &TaskTracker) -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tracker.spawn(async move {
        any(&mut terminate, &mut interrupt).await;
        tracing::info!("asked to end: drains");
        asked.cancel();
        any(&mut terminate, &mut interrupt).await;
        tracing::warn!("asked twice: ends at once");
        process::exit(EXIT_AT_ONCE);
    });
    Ok(stop)
}

async fn any(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
