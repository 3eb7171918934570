//! A few connections for reading. Statements are text, as everywhere here; a connection that broke
//! is thrown away and the read is tried once more on a new one.

use super::connection::{Connection, Fault};
use super::sql::Sql;
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a read may wait for a connection.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Rows, each with the number of its statement.
pub(super) type Rows = Vec<(usize, MySqlRow)>;

/// Why a read failed.
#[derive(Debug)]
pub(super) enum PoolError {
    /// No connection came free in time.
    Busy,
    Database(sqlx::Error),
}

/// At most so many connections to one address.
#[derive(Debug)]
pub(super) struct Pool {
    options: MySqlConnectOptions,
    /// How often a connection is tried for. More than once where the name stands for several
    /// servers, of which one may be dead.
    openings_max: usize,
    permits: Semaphore,
    idle: Mutex<Idle>,
}

/// Connections that nobody uses, all opened in the same epoch.
#[derive(Debug, Default)]
struct Idle {
    connections: Vec<Connection>,
    epoch: u64,
}

impl Pool {
    /// To the one writer.
    pub(super) fn writer(options: MySqlConnectOptions, connections_max: usize) -> Self {
        let (permits, idle) = (Semaphore::new(connections_max), Mutex::default());
        Self { options, openings_max: 1, permits, idle }
    }

    /// To any of the replicas.
    pub(super) fn replicas(options: MySqlConnectOptions, connections_max: usize) -> Self {
        Self { openings_max: 3, ..Self::writer(options, connections_max) }
    }

    /// All rows of all statements of `sql`. Connections of an earlier `epoch` are not used again.
    pub(super) async fn rows(&self, sql: &Sql, epoch: u64) -> Result<Rows, PoolError> {
        let waiting = timeout(WAIT_MAX, self.permits.acquire()).await;
        let _permit = waiting.map_err(|_| PoolError::Busy)?.map_err(|_| PoolError::Busy)?;
        if let Some(mut idle) = self.take(epoch) {
            match collect(&mut idle, sql).await {
                Ok(rows) => {
                    self.give_back(idle, epoch);
                    return Ok(rows);
                }
                // It sat idle while the server went away, and so did the others.
                Err(error) if Fault::of(&error) == Fault::Lost => self.forget_all(),
                Err(error) => return Err(PoolError::Database(error)),
            }
        }
        let mut openings = 0;
        loop {
            openings += 1;
            let read = async {
                let mut fresh = Connection::open(&self.options).await?;
                let rows = collect(&mut fresh, sql).await?;
                self.give_back(fresh, epoch);
                Ok(rows)
            };
            match read.await {
                Err(error) if openings < self.openings_max && Fault::of(&error) == Fault::Lost => {}
                rows => return rows.map_err(PoolError::Database),
            }
        }
    }

    fn take(&self, epoch: u64) -> Option<Connection> {
        let mut idle = self.idle();
        if idle.epoch != epoch {
            *idle = Idle { connections: Vec::new(), epoch };
        }
        idle.connections.pop()
    }

    fn give_back(&self, connection: Connection, epoch: u64) {
        let mut idle = self.idle();
        if idle.epoch == epoch {
            idle.connections.push(connection);
        }
    }

    fn forget_all(&self) {
        self.idle().connections.clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        // Nothing that holds the lock can leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn collect(connection: &mut Connection, sql: &Sql) -> Result<Rows, sqlx::Error> {
    let mut rows = Vec::new();
    let keep = |statement, row| {
        rows.push((statement, row));
        Ok(())
    };
    connection.run(sql, keep).await?;
    Ok(rows)
}
