//! One connection to MySQL: opening it, using it within a time limit, and judging its errors.

use super::sql::Sql;
use futures::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlRow};
use sqlx::{ConnectOptions, Connection as _, Either, Executor, MySqlConnection, Row};
use std::time::Duration;
use tokio::time::timeout;

/// How long opening a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long one round trip may take: the lock wait of two seconds, and one for the work. A database
/// that is silent for longer is as good as gone.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(3);

/// What an error means for the one who got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Somebody else was in the way: a deadlock, a lock held for too long, a wallet opened twice.
    Conflict,
    /// The database takes no writes: a replica, or a writer on its way to become one.
    ReadOnly,
    /// No answer: nothing is known of what was sent.
    Lost,
    /// The database understood and refuses.
    Refused,
}

impl Fault {
    /// Reads the meaning off an error.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        let error = match error {
            sqlx::Error::Database(error) => error,
            // A row that we cannot read. Another connection would bring the same.
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::Decode(_) => return Self::Refused,
            _ => return Self::Lost,
        };
        match error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number) {
            // Deadlock, lock wait timeout, duplicate key (of a wallet that another task just
            // opened), record changed since last read.
            Some(1213 | 1205 | 1062 | 1020) => Self::Conflict,
            // --read-only, read-only transaction, InnoDB read-only mode.
            Some(1290 | 1792 | 1836) => Self::ReadOnly,
            // Shutdown in progress, connection killed, query interrupted, too many connections,
            // error during commit: what became of the transaction is unknown or it never began.
            Some(1053 | 1927 | 1317 | 1040 | 1203 | 1180 | 1158..=1161) => Self::Lost,
            _ => Self::Refused,
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    inner: MySqlConnection,
}

/// How a session of ours differs from the server's defaults. READ COMMITTED, so that a read after a
/// lock sees what was committed while it waited, and so that no gap is locked.
const SESSION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;\
    SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',\
    SESSION innodb_lock_wait_timeout=2;\
    SELECT @@global.read_only OR @@global.innodb_read_only";

impl Connection {
    /// Opens a connection; the host name is resolved anew each time.
    pub(super) async fn open(options: &MySqlConnectOptions) -> Result<Self, sqlx::Error> {
        Self::open_any(options).await.map(|(connection, _)| connection)
    }

    /// Opens a connection to a server that takes writes; `Ok(None)` when it takes none.
    pub(super) async fn open_writer(
        options: &MySqlConnectOptions,
    ) -> Result<Option<Self>, sqlx::Error> {
        let (connection, read_only) = Self::open_any(options).await?;
        Ok((!read_only).then_some(connection))
    }

    async fn open_any(options: &MySqlConnectOptions) -> Result<(Self, bool), sqlx::Error> {
        let opening = async {
            let mut inner = options.connect().await?;
            let row = inner.fetch_one(sqlx::raw_sql(SESSION)).await?;
            let read_only: i64 = row.try_get_unchecked(0)?;
            Ok((Self { inner }, read_only != 0))
        };
        timeout(CONNECT_MAX, opening).await.unwrap_or_else(|_| Err(late("connecting")))
    }

    /// Sends all statements of `sql` at once and hands every row to `each`, with the number of its
    /// statement, from 0. After an error the connection may only be dropped or rolled back.
    pub(super) async fn run(
        &mut self,
        sql: &Sql,
        mut each: impl FnMut(usize, MySqlRow) -> Result<(), sqlx::Error>,
    ) -> Result<(), sqlx::Error> {
        let running = async {
            let mut statement = 0;
            let mut stream = self.inner.fetch_many(sqlx::raw_sql(sql.text()));
            while let Some(item) = stream.try_next().await? {
                match item {
                    Either::Left(_) => statement += 1,
                    Either::Right(row) => each(statement, row)?,
                }
            }
            Ok(())
        };
        timeout(ROUND_TRIP_MAX, running).await.unwrap_or_else(|_| Err(late("round trip")))
    }

    /// Ends the transaction without a trace of it.
    pub(super) async fn roll_back(&mut self) -> Result<(), sqlx::Error> {
        let rolling = self.inner.execute(sqlx::raw_sql("ROLLBACK"));
        timeout(ROUND_TRIP_MAX, rolling).await.unwrap_or_else(|_| Err(late("rollback")))?;
        Ok(())
    }

    /// Says goodbye to the server.
    pub(super) async fn close(self) {
        // The server notices a closed socket by itself; this only spares its log a warning.
        let _gone = timeout(ROUND_TRIP_MAX, self.inner.close()).await;
    }
}

fn late(what: &'static str) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, what))
}

/// Reads options off a URL; the password comes apart.
pub(super) fn options(url: &str, password: &str) -> Result<MySqlConnectOptions, sqlx::Error> {
    let options: MySqlConnectOptions = url.parse()?;
    let options = if password.is_empty() { options } else { options.password(password) };
    // The statements hold what customers typed, as hex; they are not for a log.
    Ok(options.disable_statement_logging().pipes_as_concat(false).no_engine_substitution(false))
}
