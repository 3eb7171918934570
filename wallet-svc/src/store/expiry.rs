//! The sweep that gives back what expired holds reserve.
//!
//! One task of all tasks sweeps; the others wait for its right to be free. It looks for open holds
//! whose time is over by the database's clock and sends a command for each through the lanes, like
//! any caller: the ledger decides under the wallet's lock whether it is so. Two sweeps at once
//! would do no harm. While the ledger is writable, the money is back [`PERIOD`] and one batch after
//! the hold's time is over; nothing can be captured from that very instant on.
//!
//! When the sweeping task dies, the database gives its right to the next one that asks.

use super::connection::{Connection, Fault};
use super::holds::write_due;
use super::sql::Sql;
use super::{Ledger, Mode, row};
use crate::ledger::command::Command;
use crate::vital::or_abort;
use futures::future::join_all;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(500);

/// Most holds in one look. A full look is followed by the next at once.
const HOLDS_MAX: u16 = 512;

/// How long one look's commands may take. What is not done then is found again.
const SWEEP_MAX: Duration = Duration::from_secs(5);

/// Of the lock that the one sweeping task holds.
const LOCK: &str = "'wallet.expiry'";

/// Starts the sweep on `tracker`; the database need not be there yet.
pub fn start(ledger: &Ledger, tracker: &TaskTracker, stop: CancellationToken) {
    let sweep = Sweep { ledger: ledger.clone(), connection: None, epoch: 0, sql: Sql::default() };
    tracker.spawn(or_abort("sweep of expired holds", sweep.run(stop)));
}

struct Sweep {
    ledger: Ledger,
    connection: Option<Connection>,
    /// Of the writer when the connection was opened.
    epoch: u64,
    sql: Sql,
}

impl Sweep {
    async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            while self.sweep(&stop).await == usize::from(HOLDS_MAX) {}
        }
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    /// Gives back what is due, and says how many holds were found.
    async fn sweep(&mut self, stop: &CancellationToken) -> usize {
        if self.ledger.mode() != Mode::Writable || stop.is_cancelled() {
            self.connection = None;
            return 0;
        }
        let due = match self.due().await {
            Ok(due) => due,
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "cannot look for expired holds now: {:?}",
                    Fault::of(&error)
                );
                self.connection = None;
                return 0;
            }
        };
        let deadline = Instant::now() + SWEEP_MAX;
        let ledger = &self.ledger;
        let expiring = due.iter().map(|(wallet_id, hold_id)| {
            ledger.submit(Command::expire(*wallet_id, *hold_id), deadline)
        });
        let outcomes = join_all(expiring).await;
        let done = outcomes.iter().filter(|o| o.as_ref().is_ok_and(|o| o.result.is_ok())).count();
        let count = u64::try_from(done).expect("a page is small");
        self.ledger.shared.meters.expired.fetch_add(count, Ordering::Relaxed);
        // Where nothing gets done, going on at once would only spin.
        if done == 0 { 0 } else { due.len() }
    }

    /// The holds that are due; none while another task has the right to sweep.
    async fn due(&mut self) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
        let shared = &self.ledger.shared;
        let epoch = shared.writer_epoch();
        let kept = self.connection.take().filter(|_| self.epoch == epoch);
        let mut connection = match kept {
            Some(connection) => connection,
            None => match Connection::open_writer(&shared.writer).await? {
                Some(connection) => connection,
                None => return Ok(Vec::new()),
            },
        };
        self.epoch = epoch;
        // Taken again each time, which costs nothing to the one who has it.
        self.sql.clear().put("SELECT COALESCE(GET_LOCK(").put(LOCK).put(",0),0)");
        let mut ours = false;
        let asking = connection.run(&self.sql, |_, row| {
            ours = row::int(&row, 0)? == 1;
            Ok(())
        });
        asking.await?;
        let mut due = Vec::new();
        if ours {
            write_due(&mut self.sql, HOLDS_MAX);
            let reading = connection.run(&self.sql, |_, row| {
                due.push((row::uuid(&row, 0)?, row::uuid(&row, 1)?));
                Ok(())
            });
            reading.await?;
        }
        self.connection = Some(connection);
        Ok(due)
    }
}
