//! The statements by which one server takes a role. Each is bounded in time: a server that was
//! stopped (SIGSTOP) accepts a connection and then says nothing.

use super::gtid::Gtids;
use super::server;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Connection, Executor, Row};
use std::io;
use std::time::Duration;

/// Role changes wait for commits in progress, milliseconds each; this is for a stuck server.
const STATEMENT_LIMIT: Duration = Duration::from_secs(10);

/// How long a replica may need to apply what it has received.
const CATCH_UP_SECONDS_MAX: u32 = 20;

/// An administrator's connection to one server.
#[derive(Debug)]
pub(super) struct Session(MySqlConnection);

/// How far a replica is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Replication {
    /// Received, that is acknowledged to the writer.
    pub(super) received: Gtids,
    /// Visible to readers.
    pub(super) applied: Gtids,
    /// Both threads run.
    pub(super) running: bool,
    /// It applies what it has, and looks for a writer that does not answer.
    pub(super) searching: bool,
    /// Why one does not, in MariaDB's words; empty when all is well.
    pub(super) fault: String,
}

impl Session {
    /// Connects to the server on `port`.
    ///
    /// # Errors
    ///
    /// It does not answer in time.
    pub(super) async fn open(port: u16, password: &str) -> Result<Session, sqlx::Error> {
        Ok(Session(server::connect_admin(port, password).await?))
    }

    /// Runs statements, separated by semicolons.
    ///
    /// # Errors
    ///
    /// The server's refusal of one of them, or no answer in time.
    pub(super) async fn run(&mut self, statements: &str) -> Result<(), sqlx::Error> {
        bounded(STATEMENT_LIMIT, self.0.execute(statements)).await?;
        Ok(())
    }

    /// The value of an expression, as text.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub(super) async fn value(&mut self, expression: &str) -> Result<String, sqlx::Error> {
        let select = format!("SELECT CAST(({expression}) AS CHAR)");
        let row = bounded(STATEMENT_LIMIT, self.0.fetch_one(select.as_str())).await?;
        Ok(text(&row, 0))
    }

    /// What this server has logged: everything it wrote or applied.
    pub(super) async fn position(&mut self) -> Result<Gtids, sqlx::Error> {
        Ok(Gtids::parse(&self.value("@@gtid_binlog_pos").await?))
    }

    /// Stops following, and then reads the position: while it follows, it moves on.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub(super) async fn settled(&mut self) -> Result<Gtids, sqlx::Error> {
        self.run("STOP SLAVE").await?;
        self.position().await
    }

    /// The last transaction of each origin in its log.
    pub(super) async fn history(&mut self) -> Result<Gtids, sqlx::Error> {
        Ok(Gtids::parse(&self.value("@@gtid_binlog_state").await?))
    }

    /// How far this replica is; none when the server is not one.
    pub(super) async fn replication(&mut self) -> Result<Option<Replication>, sqlx::Error> {
        let show = self.0.fetch_all("SHOW SLAVE STATUS");
        let rows = bounded(STATEMENT_LIMIT, show).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let applied = Gtids::parse(&self.value("@@gtid_slave_pos").await?);
        let faults = [text(row, "Last_IO_Error"), text(row, "Last_SQL_Error")];
        let state = |thread: &str| text(row, thread);
        let (receiving, applying) = (state("Slave_IO_Running"), state("Slave_SQL_Running"));
        Ok(Some(Replication {
            received: Gtids::parse(&text(row, "Gtid_IO_Pos")),
            applied,
            running: receiving == "Yes" && applying == "Yes",
            searching: receiving == "Connecting" && applying == "Yes",
            fault: faults.join(" ").trim().to_owned(),
        }))
    }

    /// Waits until this replica has applied everything up to `position`.
    ///
    /// # Errors
    ///
    /// It has not after 20 s.
    pub(super) async fn catch_up(&mut self, position: &Gtids) -> Result<(), sqlx::Error> {
        let wait = format!("SELECT MASTER_GTID_WAIT('{position}', {CATCH_UP_SECONDS_MAX}) AS late");
        let limit = STATEMENT_LIMIT + Duration::from_secs(CATCH_UP_SECONDS_MAX.into());
        let row = bounded(limit, self.0.fetch_one(wait.as_str())).await?;
        if text(&row, "late") == "0" {
            return Ok(());
        }
        let text = format!("{position} was not applied in {CATCH_UP_SECONDS_MAX} s");
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text)))
    }

    /// Makes this server the writer. It acknowledges nothing until a replica has received it.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub(super) async fn promote(&mut self, durable: bool) -> Result<(), sqlx::Error> {
        let level = u8::from(durable);
        self.run(&format!(
            "STOP SLAVE; RESET SLAVE ALL;
             SET GLOBAL innodb_flush_log_at_trx_commit={level}; SET GLOBAL sync_binlog={level};
             SET GLOBAL rpl_semi_sync_master_enabled=1; SET GLOBAL read_only=0"
        ))
        .await
    }

    /// Stops accepting writes, after those in progress were answered, and ends every connection
    /// of clients so that they look for the writer anew.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; it times out when commits wait for replicas that are gone.
    pub(super) async fn fence(&mut self) -> Result<(), sqlx::Error> {
        self.run("SET GLOBAL read_only=1").await
    }

    /// Ends the connections of clients; ours are not clients.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub(super) async fn disconnect_clients(&mut self) -> Result<(), sqlx::Error> {
        self.run(
            "KILL HARD CONNECTION USER 'wallet'@'127.0.0.1';
             KILL HARD CONNECTION USER 'wallet'@'localhost'",
        )
        .await
    }

    /// Makes this server a replica of the one on `writer_port`. With `from`, its place in the
    /// history is set first: what a former writer or a restored copy needs to be told.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]. Whether replication then works is seen by [`Session::replication`].
    pub(super) async fn follow(
        &mut self,
        writer_port: u16,
        password: &str,
        from: Option<&Gtids>,
    ) -> Result<(), sqlx::Error> {
        self.run("STOP SLAVE; SET GLOBAL read_only=1; SET GLOBAL rpl_semi_sync_master_enabled=0")
            .await?;
        if let Some(from) = from {
            self.run(&format!("SET GLOBAL gtid_slave_pos='{from}'")).await?;
        }
        let admin = server::ADMIN;
        // Aurora's readers write nothing: they read the writer's storage. The nearest to that is
        // a replica which leaves the disk to the kernel; it still survives its own kill -9.
        self.run(&format!(
            "SET GLOBAL innodb_flush_log_at_trx_commit=2; SET GLOBAL sync_binlog=0;
             CHANGE MASTER TO master_host='127.0.0.1', master_port={writer_port},
               master_user='{admin}', master_password='{password}', master_use_gtid=slave_pos,
               master_connect_retry=1, master_heartbeat_period=1;
             START SLAVE"
        ))
        .await
    }

    /// Says goodbye; whether it arrives changes nothing.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(STATEMENT_LIMIT, self.0.close()).await;
    }
}

/// A column as text; missing and NULL are empty.
fn text<I: sqlx::ColumnIndex<MySqlRow>>(row: &MySqlRow, column: I) -> String {
    row.try_get_unchecked::<Option<String>, _>(column).ok().flatten().unwrap_or_default()
}

async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(late) => Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, late))),
    }
}
