//! Where a process can be made to die: before each write to the journal, and before and after
//! each call to AWS. Between two of these points nothing happens that outlives the process.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// Counts the points that were passed, and kills at one of them.
#[derive(Debug, Default)]
pub struct Mortality {
    passed: AtomicU32,
    /// 0: nobody dies.
    dies_at: AtomicU32,
    died: Notify,
}

/// What a task that dies while it writes unwinds with.
#[derive(Clone, Copy, Debug)]
pub struct Killed;

impl Mortality {
    /// How many points were passed so far.
    #[must_use]
    pub fn passed(&self) -> u32 {
        self.passed.load(Ordering::SeqCst)
    }

    /// Chooses the point to die at, counted from the start; 0 is none.
    pub fn die_at(&self, point: u32) {
        self.dies_at.store(point, Ordering::SeqCst);
    }

    fn pass(&self) -> bool {
        let point = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        point == self.dies_at.load(Ordering::SeqCst)
    }

    /// Passes a point, or never returns.
    pub async fn point(&self) {
        if self.pass() {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Passes a point where nothing can be awaited: whoever dies here unwinds with [`Killed`], and
    /// without a message, since it is no bug.
    pub fn point_in_write(&self) {
        if self.pass() {
            resume_unwind(Box::new(Killed));
        }
    }

    /// Waits until somebody died at a call.
    pub async fn died(&self) {
        self.died.notified().await;
    }
}
