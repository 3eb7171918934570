//! The right to act, for a while: what its holder may do, and how it is renewed.
//!
//! No clock is compared with another one. The holder counts from before it asked for a renewal, the
//! standby from after it saw one, each on its own monotonic clock; so the holder stops before the
//! standby can begin, whatever anybody sets a wall clock to. The holder stops early enough for its
//! last call to end too. What a machine that was stopped whole believes is caught by the epoch: it
//! can write nothing, and what is not written down is not sent.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Journal;
use crate::aws::CHANGE_MAX;
use crate::error::chain;

/// How long a lease lasts without a sign of life.
pub const LEASE_TTL: Duration = Duration::from_secs(15);
/// With a call of 10 s, the holder may begin one within 5 s of a renewal: one renewal of these may
/// be lost or slow before anything waits.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// A renewal that takes longer is asked for again.
const RENEW_MAX: Duration = Duration::from_secs(3);
/// Giving the lease back is a courtesy to whoever comes next.
const RELEASE_MAX: Duration = Duration::from_secs(3);
/// From asking for a renewal until the last call that may begin.
const ACT_MAX: Duration = LEASE_TTL.saturating_sub(CHANGE_MAX);

/// How long its holder may still act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    /// Nobody else can have it: a simulation, or a test of something else.
    Endless,
    Until(Instant),
}

/// The lease as its holder sees it. A clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct Lease {
    term: watch::Sender<Term>,
}

impl Lease {
    /// A lease without an end, for a journal that nobody else opens.
    #[must_use]
    pub fn endless() -> Self {
        Self { term: watch::Sender::new(Term::Endless) }
    }

    /// A lease that was asked for at this instant, and given.
    pub(super) fn asked_at(asked_at: Instant) -> Self {
        Self { term: watch::Sender::new(Term::Until(asked_at + ACT_MAX)) }
    }

    fn renewed(&self, asked_at: Instant) {
        self.term.send_replace(Term::Until(asked_at + ACT_MAX));
    }

    /// True while a call that begins now ends before anybody else may act. Asked immediately
    /// before each.
    #[must_use]
    pub fn allows(&self) -> bool {
        match *self.term.borrow() {
            Term::Endless => true,
            Term::Until(end) => Instant::now() < end,
        }
    }

    /// Since the newest renewal was asked for; `None` without an end.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        match *self.term.borrow() {
            Term::Endless => None,
            Term::Until(end) => Some((Instant::now() + ACT_MAX).saturating_duration_since(end)),
        }
    }

    /// For how much longer calls may begin; `None` without an end.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        match *self.term.borrow() {
            Term::Endless => None,
            Term::Until(end) => Some(end.saturating_duration_since(Instant::now())),
        }
    }
}

impl Journal {
    /// Renews the lease until `stop`, and gives it back then. Ends early when another process took
    /// it: see [`Journal::superseded`]. A store that does not answer ends nothing, but the lease
    /// runs out and whoever asks it does not act.
    pub async fn keep_lease(self, stop: CancellationToken) {
        let mut ticks = interval(RENEW_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let asked_at = Instant::now();
            match timeout(RENEW_MAX, self.shared.store.renew(self.shared.epoch)).await {
                Ok(Ok(true)) => self.shared.lease.renewed(asked_at),
                Ok(Ok(false)) => {
                    self.shared.superseded.cancel();
                    return;
                }
                Ok(Err(error)) => {
                    tracing::warn!(error = chain(&error), "the lease could not be renewed");
                }
                Err(_) => tracing::warn!("the lease was not renewed within {RENEW_MAX:?}"),
            }
        }
        let released = self.shared.store.release(self.shared.epoch);
        if !matches!(timeout(RELEASE_MAX, released).await, Ok(Ok(()))) {
            tracing::warn!("the lease was not given back; it runs out within {LEASE_TTL:?}");
        }
    }
}
