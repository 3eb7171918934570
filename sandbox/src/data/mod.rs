//! The region's data stores as real servers: private processes on free loopback ports, each with
//! its own data folder. Knows nothing of AWS: names, states and events belong to `aws`.

pub mod kafka;
pub mod mariadb;
pub mod redis;

use crate::child::{ChildError, Exit};
use crate::poll::TimedOut;
use crate::program::MissingProgram;
use std::io;
use std::path::PathBuf;

/// Why a server did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Missing(#[from] MissingProgram),
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error("preparing the data folder {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("finding a free port")]
    Port(#[source] io::Error),
    #[error("{server} ended with {exit} before it answered; its last words: {words}")]
    Ended { server: &'static str, exit: Exit, words: String },
    #[error("starting {server}")]
    Late { server: &'static str, source: TimedOut },
}

/// The end of a log, for an error text.
pub(crate) fn last_words(log: &std::path::Path) -> String {
    /// Enough for the reason, short enough for one line of an error.
    const LINES_MAX: usize = 12;
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join(" | ")
}

/// A secret of the URL-safe alphabet, so that no quoting rule ever matters.
pub(crate) fn password() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}
