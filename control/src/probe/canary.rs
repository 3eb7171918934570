//! Probes one environment at a steady beat and keeps what came of it.

use super::{Outcome, Wallet, WalletError, wallet::Pair};
use crate::{aws::Cloud, driver::Clock};
use protocol::control::Reading;
use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// Four probes a second for twenty minutes: longer than any run's deadline.
const OUTCOMES_MAX: usize = 4_800;
/// A steady beat costs nothing.
const CALM: Duration = Duration::from_secs(1);
/// The beat during a run: what a recovery time is measured with.
const ALERT: Duration = Duration::from_millis(250);
/// A probe older than this is no news.
const STALE_AFTER: chrono::TimeDelta = chrono::TimeDelta::seconds(10);

/// How often the canary probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Once a second.
    Calm,
    /// Four times a second, while a run is on.
    Alert,
}

/// The newest outcomes, and the pace that runs ask for. A clone is another handle.
#[derive(Clone, Debug)]
pub struct Probes {
    outcomes: Arc<watch::Sender<VecDeque<Outcome>>>,
    pace: Arc<watch::Sender<Pace>>,
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            outcomes: Arc::new(watch::Sender::new(VecDeque::new())),
            pace: Arc::new(watch::Sender::new(Pace::Calm)),
        }
    }
}

impl Probes {
    /// Notes one outcome, and forgets the oldest.
    pub fn note(&self, outcome: Outcome) {
        self.outcomes.send_modify(|outcomes| {
            if outcomes.len() == OUTCOMES_MAX {
                outcomes.pop_front();
            }
            outcomes.push_back(outcome);
        });
    }

    /// What is known, oldest first.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.outcomes.borrow().iter().cloned().collect()
    }

    /// Asks for a pace.
    pub fn set_pace(&self, pace: Pace) {
        self.pace.send_if_modified(|now| std::mem::replace(now, pace) != pace);
    }

    /// The newest outcome as a reading, in milliseconds. A failed probe has no latency: it is an
    /// error, not a large number.
    #[must_use]
    pub fn reading(&self, now: chrono::DateTime<chrono::Utc>) -> Reading {
        let outcomes = self.outcomes.borrow();
        let Some(last) = outcomes.back() else { return Reading::Absent };
        if !last.ok {
            return Reading::Error;
        }
        let (value, at) = (last.latency.as_secs_f64() * 1_000.0, last.at);
        if now - at > STALE_AFTER {
            Reading::Stale { value, at }
        } else {
            Reading::Fresh { value, at }
        }
    }
}

/// The loop that probes.
pub struct Canary {
    /// The environment.
    pub name: String,
    /// Says where the wallet is.
    pub cloud: Arc<dyn Cloud>,
    pub target_group: String,
    pub token_file: PathBuf,
    pub probes: Probes,
    /// Where the dashboard reads the newest one.
    pub reading: watch::Sender<Reading>,
    /// Where whoever counts business tells the canary's wallets from the clients'.
    pub wallets: watch::Sender<Vec<String>>,
}

/// The wallet as far as it was found.
#[derive(Default)]
struct Found {
    wallet: Option<Wallet>,
    pair: Option<Pair>,
}

impl Canary {
    /// Probes until `stop`. The beat never bunches up: a slow probe delays the next one.
    pub async fn run(self, clock: Clock, stop: CancellationToken) {
        let mut found = Found::default();
        let mut paces = self.probes.pace.subscribe();
        loop {
            let pace = *paces.borrow_and_update();
            let mut beat = interval(if pace == Pace::Alert { ALERT } else { CALM });
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    changed = paces.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    _ = beat.tick() => self.probe(&mut found, &clock).await,
                }
            }
        }
    }

    async fn probe(&self, found: &mut Found, clock: &Clock) {
        let at = clock();
        let started = Instant::now();
        let result = self.one(found).await;
        let latency = started.elapsed();
        let ok = result.is_ok();
        let detail = result.err().map(|error| error.to_string()).unwrap_or_default();
        let was_ok = self.probes.outcomes.borrow().back().is_none_or(|last| last.ok);
        if ok != was_ok {
            let name = &self.name;
            tracing::info!(name, detail, ok, "canary of {name} changed");
        }
        self.probes.note(Outcome { at, ok, latency, detail });
        self.reading.send_replace(self.probes.reading(clock()));
    }

    /// Finds the wallet, then its own wallets there, then moves a cent: each once it has the one
    /// before.
    async fn one(&self, found: &mut Found) -> Result<(), WalletError> {
        let wallet = match &found.wallet {
            Some(wallet) => wallet,
            None => found.wallet.insert(self.find().await?),
        };
        let Some(pair) = found.pair else {
            let pair = wallet.prepare().await?;
            self.wallets.send_replace(vec![pair.from.to_string(), pair.to.to_string()]);
            found.pair = Some(pair);
            return Ok(());
        };
        let moved = wallet.transfer(pair).await;
        if moved.is_err() {
            // A wallet emptied in one direction fills again in the other.
            found.pair = Some(Pair { from: pair.to, to: pair.from });
        }
        moved
    }

    async fn find(&self) -> Result<Wallet, WalletError> {
        let url = self.cloud.entrance(&self.target_group).await;
        let url = url.map_err(|error| WalletError::Call {
            doing: "asking where the wallet is",
            reason: error.to_string(),
        })?;
        Wallet::new(&url, self.token_file.clone())
    }
}
