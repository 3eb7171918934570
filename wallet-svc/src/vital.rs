//! Tasks without which the process must not go on.
//!
//! A lane that panics has found that money would be made or lost; a probe that is gone leaves the
//! ledger in a mode that nobody ends. What nobody notices is worse than a restart.

use futures::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;

/// Runs `task`, and ends the process if it panics.
pub(crate) async fn or_abort(name: &'static str, task: impl Future<Output = ()>) {
    if AssertUnwindSafe(task).catch_unwind().await.is_err() {
        tracing::error!(task = name, "ends the process: its {name} died");
        std::process::abort();
    }
}
