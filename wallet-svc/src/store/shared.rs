//! What all tasks of the store share: addresses, the mode, and counters.

use super::Mode;
use crate::cache::Cache;
use crate::ledger::fee::Schedules;
use sqlx::mysql::MySqlConnectOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Counters. They only grow.
#[derive(Debug, Default)]
pub(super) struct Meters {
    pub(super) batches: AtomicU64,
    pub(super) commands: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) connects: AtomicU64,
    pub(super) unknown_outcomes: AtomicU64,
    pub(super) bisections: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) published: AtomicU64,
}

/// Markers not yet published, and the age of the oldest in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) pending: u64,
    pub(super) oldest_us: u64,
}

/// Shared by lanes, readers, the probe and the relay.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) writer: MySqlConnectOptions,
    pub(super) reader: Option<MySqlConnectOptions>,
    pub(super) cache: Option<Cache>,
    pub(super) fees: Arc<Schedules>,
    pub(super) meters: Meters,
    mode: watch::Sender<Mode>,
    backlog: watch::Sender<Option<Backlog>>,
    epoch: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        writer: MySqlConnectOptions,
        reader: Option<MySqlConnectOptions>,
        cache: Option<Cache>,
        fees: Arc<Schedules>,
    ) -> Self {
        Self {
            writer,
            reader,
            cache,
            fees,
            meters: Meters::default(),
            mode: watch::Sender::new(Mode::Unreachable),
            backlog: watch::Sender::new(None),
            epoch: AtomicU64::new(0),
        }
    }

    pub(super) fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    pub(super) fn watch_mode(&self) -> watch::Receiver<Mode> {
        self.mode.subscribe()
    }

    /// Whoever leaves [`Mode::Writable`] makes all lanes open new connections: the name of the
    /// writer may lead elsewhere by then.
    pub(super) fn set_mode(&self, mode: Mode) {
        let before = self.mode.send_replace(mode);
        if before == mode {
            return;
        }
        if before == Mode::Writable {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        tracing::info!(from = ?before, to = ?mode, "the ledger went from {before:?} to {mode:?}");
    }

    /// Grows with each loss of the writer.
    pub(super) fn writer_epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(super) fn backlog(&self) -> Option<Backlog> {
        *self.backlog.borrow()
    }

    pub(super) fn set_backlog(&self, backlog: Option<Backlog>) {
        self.backlog.send_replace(backlog);
    }
}
