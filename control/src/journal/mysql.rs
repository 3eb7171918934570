//! The journal in a MySQL database of its own, for a pair of daemons. MariaDB takes it alike.
//!
//! A leader may be frozen in the middle of a transaction, holding the lease's row. The server ends
//! a session that is silent for [`SILENCE_MAX_S`], which is less than a lease lasts: so the row is
//! free again when the standby may take it. Times are nobody's clock here; see the lease.

use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow};
use sqlx::{ConnectOptions, MySql, MySqlPool, QueryBuilder, Row, Transaction};
use tokio::time::timeout;

use super::JournalError;
use super::event::Event;
use super::store::{self, Columns, Held, Reply, Snapshot, Store, Tail, Written};

/// Longer than a commit takes anywhere; a database silent for longer is as good as gone.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// A page of a million events may have to be searched for one that fits.
const READ_MAX: Duration = Duration::from_secs(30);
/// Two thirds of what a lease lasts.
const SILENCE_MAX_S: u32 = 10;
/// One appends, one renews, one reads for dashboards, one to spare.
const CONNECTIONS_MAX: u32 = 4;

/// The widths are generous: an event whose texts do not fit is refused, not cut.
const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS event (
        seq BIGINT NOT NULL PRIMARY KEY, at_us BIGINT NOT NULL, epoch BIGINT NOT NULL,
        actor VARCHAR(255) NOT NULL, subject VARCHAR(500) NOT NULL, kind VARCHAR(100) NOT NULL,
        summary VARCHAR(500) NOT NULL, data MEDIUMTEXT NOT NULL,
        hash_before BINARY(32) NOT NULL, hash BINARY(32) NOT NULL
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS leader_lease (
        name VARCHAR(20) NOT NULL PRIMARY KEY, holder VARCHAR(255) NOT NULL,
        epoch BIGINT NOT NULL, beat BIGINT NOT NULL
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS snapshot (
        fold VARCHAR(100) NOT NULL, seq BIGINT NOT NULL, hash BINARY(32) NOT NULL,
        data LONGTEXT NOT NULL, digest BINARY(32) NOT NULL, PRIMARY KEY (fold, seq)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
    // The lease begins where the events end, so that an epoch never comes twice.
    "INSERT IGNORE INTO leader_lease (name, holder, epoch, beat)
        SELECT 'leader', '', COALESCE((SELECT epoch FROM event ORDER BY seq DESC LIMIT 1), 0), 0",
];

/// READ COMMITTED reads the lease as it is after a lock was waited for. Strict, so that nothing is
/// cut to fit.
const SESSION: &[&str] = &[
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION innodb_lock_wait_timeout = 3",
];

pub(super) struct MySqlStore {
    pool: MySqlPool,
}

impl MySqlStore {
    pub(super) async fn open(url: &str, password: &str, writes: bool) -> Result<Self, sqlx::Error> {
        let options: MySqlConnectOptions = url.parse()?;
        let options = options
            .password(password)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .disable_statement_logging();
        let pool = MySqlPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(ANSWER_MAX)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    for statement in SESSION {
                        sqlx::query(statement).execute(&mut *connection).await?;
                    }
                    let silence = format!("SET SESSION wait_timeout = {SILENCE_MAX_S}");
                    sqlx::query(&silence).execute(&mut *connection).await?;
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        if writes {
            for statement in SCHEMA {
                sqlx::query(statement).execute(&pool).await?;
            }
        }
        Ok(Self { pool })
    }

    /// A transaction of the lease's holder; `Err` inside names the epoch that holds it instead.
    async fn fenced(
        &self,
        epoch: u64,
    ) -> Result<Result<Transaction<'_, MySql>, Written>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        // Shared, so that the lease cannot be taken before this transaction ends.
        let row =
            sqlx::query("SELECT * FROM leader_lease WHERE name = 'leader' LOCK IN SHARE MODE")
                .fetch_one(&mut *transaction)
                .await?;
        let theirs = store::held(&row)?.epoch;
        Ok(if theirs == epoch { Ok(transaction) } else { Err(Written::Superseded { theirs }) })
    }

    async fn write(&self, epoch: u64, events: &[Event]) -> Result<Written, sqlx::Error> {
        let mut transaction = match self.fenced(epoch).await? {
            Ok(transaction) => transaction,
            Err(superseded) => return Ok(superseded),
        };
        let mut insert = QueryBuilder::<MySql>::new(
            "INSERT INTO event
             (seq, at_us, epoch, actor, subject, kind, summary, data, hash_before, hash) ",
        );
        insert.push_values(events, |mut row, event| {
            row.push_bind(event.seq.cast_signed())
                .push_bind(event.at.timestamp_micros())
                .push_bind(event.epoch.cast_signed())
                .push_bind(&event.actor)
                .push_bind(&event.subject)
                .push_bind(&event.kind)
                .push_bind(&event.summary)
                .push_bind(&event.data_text)
                .push_bind(event.hash_before.as_slice())
                .push_bind(event.hash.as_slice());
        });
        insert.build().execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Written::Yes)
    }

    async fn keep_one(
        &self,
        epoch: u64,
        snapshot: &Snapshot,
        oldest: u64,
    ) -> Result<Written, sqlx::Error> {
        let mut transaction = match self.fenced(epoch).await? {
            Ok(transaction) => transaction,
            Err(superseded) => return Ok(superseded),
        };
        sqlx::query("REPLACE INTO snapshot (fold, seq, hash, data, digest) VALUES (?, ?, ?, ?, ?)")
            .bind(&snapshot.fold)
            .bind(snapshot.seq.cast_signed())
            .bind(snapshot.hash.as_slice())
            .bind(&snapshot.data)
            .bind(snapshot.digest.as_slice())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM snapshot WHERE fold = ? AND seq < ?")
            .bind(&snapshot.fold)
            .bind(oldest.cast_signed())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Written::Yes)
    }
}

/// Gives up on a database that does not answer. What it was asked may have been done.
async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(limit, answer).await.unwrap_or_else(|_| {
        let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "the database is silent");
        Err(sqlx::Error::Io(late))
    })
}

impl Store for MySqlStore {
    fn held(&self) -> Reply<'_, Held> {
        let query = sqlx::query("SELECT * FROM leader_lease WHERE name = 'leader'");
        Box::pin(within(
            ANSWER_MAX,
            async move { store::held(&query.fetch_one(&self.pool).await?) },
        ))
    }

    fn take<'a>(&'a self, holder: &'a str, seen: &'a Held) -> Reply<'a, bool> {
        let query = sqlx::query(
            "UPDATE leader_lease SET holder = ?, epoch = epoch + 1, beat = 0
             WHERE name = 'leader' AND holder = ? AND epoch = ? AND beat = ?",
        )
        .bind(holder)
        .bind(&seen.holder)
        .bind(seen.epoch.cast_signed())
        .bind(seen.beat.cast_signed());
        Box::pin(within(ANSWER_MAX, async move {
            Ok(query.execute(&self.pool).await?.rows_affected() == 1)
        }))
    }

    fn renew(&self, epoch: u64) -> Reply<'_, bool> {
        let query = sqlx::query(
            "UPDATE leader_lease SET beat = beat + 1 WHERE name = 'leader' AND epoch = ?",
        )
        .bind(epoch.cast_signed());
        Box::pin(within(ANSWER_MAX, async move {
            Ok(query.execute(&self.pool).await?.rows_affected() == 1)
        }))
    }

    fn release(&self, epoch: u64) -> Reply<'_, ()> {
        let query =
            sqlx::query("UPDATE leader_lease SET holder = '' WHERE name = 'leader' AND epoch = ?")
                .bind(epoch.cast_signed());
        Box::pin(within(ANSWER_MAX, async move { query.execute(&self.pool).await.map(|_| ()) }))
    }

    fn tail(&self) -> Reply<'_, Tail> {
        let query = sqlx::query("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1");
        Box::pin(within(ANSWER_MAX, async move {
            let Some(row) = query.fetch_optional(&self.pool).await? else { return Ok(Tail::START) };
            Ok(Tail { seq: row.unsigned("seq")?, hash: row.hash("hash")? })
        }))
    }

    fn insert<'a>(&'a self, epoch: u64, events: &'a [Event]) -> Reply<'a, Written> {
        Box::pin(within(ANSWER_MAX, self.write(epoch, events)))
    }

    fn since<'a>(
        &'a self,
        seq: u64,
        kinds: &'a [&'a str],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, JournalError>> {
        Box::pin(async move {
            let sql = store::since_sql(kinds, "LEFT(kind, CHAR_LENGTH(?)) = ?");
            let mut query = sqlx::query(&sql).bind(seq.cast_signed());
            for kind in kinds {
                query = query.bind(kind).bind(kind);
            }
            let rows = within(READ_MAX, query.bind(limit).fetch_all(&self.pool)).await;
            let rows = rows.map_err(|source| JournalError::Read { source })?;
            rows.iter().map(store::event).collect()
        })
    }

    fn snapshots<'a>(&'a self, fold: &'a str) -> Reply<'a, Vec<Snapshot>> {
        let query = sqlx::query("SELECT * FROM snapshot WHERE fold = ? ORDER BY seq DESC");
        let query = query.bind(fold);
        Box::pin(within(READ_MAX, async move {
            query.fetch_all(&self.pool).await?.iter().map(store::snapshot).collect()
        }))
    }

    fn keep<'a>(&'a self, epoch: u64, snapshot: &'a Snapshot, oldest: u64) -> Reply<'a, Written> {
        Box::pin(within(READ_MAX, self.keep_one(epoch, snapshot, oldest)))
    }
}

impl Columns for MySqlRow {
    fn integer(&self, column: &'static str) -> Result<i64, sqlx::Error> {
        self.try_get(column)
    }

    fn text(&self, column: &'static str) -> Result<String, sqlx::Error> {
        self.try_get(column)
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, sqlx::Error> {
        self.try_get(column)
    }
}
