//! Asks the writer once a second whether it takes writes, by writing.
//!
//! This alone ends a mode other than [`Mode::Writable`]; nobody has to.

use super::Mode;
use super::connection::{Connection, Fault};
use super::row;
use super::shared::{Backlog, Shared};
use super::sql::Sql;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(1);

/// While the writer is lost, it is looked for more often.
const PERIOD_LOST: Duration = Duration::from_millis(200);

/// Failed probes in a row before the mode is left: one may be a hiccup, which lanes bridge by
/// themselves.
const FAILURES_MAX: u32 = 2;

/// A probe that takes longer has failed.
const PROBE_MAX: Duration = Duration::from_secs(2);

/// Probes until `stop`. `slot` is which heartbeat row is written.
pub(super) async fn run(shared: Arc<Shared>, slot: u8, stop: CancellationToken) {
    let mut connection = None;
    let mut sql = Sql::default();
    let mut failures = 0;
    let mut ticks = ticks(PERIOD_LOST);
    let mut patient = false;
    let mut mode = shared.watch_mode();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // A lane was told first that the writer takes no writes.
            _ = mode.wait_for(|mode| *mode != Mode::Writable), if patient => {}
            _ = ticks.tick() => {}
        }
        let probing = probe(&shared, &mut connection, &mut sql, slot);
        let found = timeout(PROBE_MAX, probing).await.unwrap_or(Err(Fault::Lost));
        match found {
            Ok(backlog) => {
                failures = 0;
                shared.set_backlog(Some(backlog));
                shared.set_mode(Mode::Writable);
            }
            Err(fault) => {
                connection = None;
                failures += 1;
                shared.set_backlog(None);
                if fault == Fault::ReadOnly {
                    shared.set_mode(Mode::ReadOnly);
                } else if failures >= FAILURES_MAX || shared.mode() != Mode::Writable {
                    shared.set_mode(Mode::Unreachable);
                }
            }
        }
        let found = found.is_ok();
        if found != patient {
            patient = found;
            ticks = self::ticks(if patient { PERIOD } else { PERIOD_LOST });
            ticks.reset();
        }
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn probe(
    shared: &Shared,
    connection: &mut Option<Connection>,
    sql: &mut Sql,
    slot: u8,
) -> Result<Backlog, Fault> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => Connection::open_writer(&shared.writer)
            .await
            .map_err(|error| Fault::of(&error))?
            .ok_or(Fault::ReadOnly)?,
    };
    sql.clear().put("INSERT INTO heartbeat(slot,at_us)VALUES(").int(slot);
    sql.put(
        ",CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS SIGNED))\
         ON DUPLICATE KEY UPDATE at_us=VALUES(at_us);\
         SELECT CAST(COALESCE(MAX(batch_id)-MIN(batch_id)+1,0)AS SIGNED) FROM outbox;\
         SELECT CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS SIGNED)-min_at_us \
         FROM outbox ORDER BY batch_id LIMIT 1",
    );
    let mut backlog = Backlog { pending: 0, oldest_us: 0 };
    let asked = open.run(sql, |statement, row| {
        match statement {
            1 => backlog.pending = row::count(&row, 0)?,
            2 => backlog.oldest_us = u64::try_from(row::int(&row, 0)?).unwrap_or(0),
            _ => {}
        }
        Ok(())
    });
    match asked.await {
        Ok(()) => {
            *connection = Some(open);
            Ok(backlog)
        }
        Err(error) => Err(Fault::of(&error)),
    }
}
