//! One place in a cluster: a zone, a port and a folder that stay, and the process that comes and
//! goes in them.

use super::server::{Options, Server};
use super::session::Session;
use super::watch::Reading;
use crate::data::StartError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An orderly shutdown flushes what is dirty; afterwards it is a crash, which is recovered.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// A year: a commit waits for a replica as long as it takes. Falling back to unreplicated
/// acknowledgement would be the one way to lose an acknowledged write.
const SEMI_SYNC_TIMEOUT_MS: u64 = 365 * 86_400 * 1_000;

/// How recovery treats transactions that were logged and that no replica acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Cut them off: another server writes now, and does not have them.
    Truncate,
    /// Keep them: this server is still the writer, and nobody was told that they failed.
    Keep,
}

/// A place in the cluster.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) zone: String,
    pub(super) port: u16,
    pub(super) server_id: usize,
    pub(super) dir: PathBuf,
    password: String,
    memory_mib: u32,
    server: Mutex<Option<Arc<Server>>>,
    pub(super) reading: Mutex<Reading>,
    /// The watch's connection: a new one for each look would be most of its cost.
    pub(super) watcher: tokio::sync::Mutex<Option<Session>>,
}

impl Node {
    pub(super) fn new(
        id: String,
        zone: String,
        server_id: usize,
        folder: &Path,
        password: &str,
        memory_mib: u32,
    ) -> std::io::Result<Node> {
        Ok(Node {
            dir: folder.join(&id),
            id,
            zone,
            port: crate::port::free()?,
            server_id,
            password: password.to_owned(),
            memory_mib,
            server: Mutex::default(),
            reading: Mutex::default(),
            watcher: tokio::sync::Mutex::default(),
        })
    }

    /// The process, also when it has ended; none before the first start.
    pub(super) fn server(&self) -> Option<Arc<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the process exists. It may still be deaf.
    pub(super) fn alive(&self) -> bool {
        self.server().is_some_and(|server| server.child().exited().is_none())
    }

    /// Starts the process in its folder and waits until it answers, read-only and following
    /// nobody.
    pub(super) async fn start(&self, recovery: Recovery) -> Result<(), StartError> {
        let server = Server::start(Options {
            dir: Some(self.dir.clone()),
            durable: true,
            memory_mib: self.memory_mib,
            arguments: self.arguments(recovery),
            port: Some(self.port),
            password: Some(self.password.clone()),
        })
        .await?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(server));
        Ok(())
    }

    /// Ends the process in order.
    pub(super) async fn stop(&self) {
        if let Some(server) = self.server() {
            server.stop(STOP_GRACE).await;
        }
    }

    /// Ends the process as a failed machine does.
    pub(super) async fn kill(&self) {
        if let Some(server) = self.server() {
            server.child().signal(nix::sys::signal::Signal::SIGKILL);
            server.child().wait().await;
        }
    }

    /// An administrator's connection.
    pub(super) async fn session(&self) -> Result<Session, sqlx::Error> {
        Session::open(self.port, &self.password).await
    }

    fn arguments(&self, recovery: Recovery) -> Vec<String> {
        let role = match recovery {
            Recovery::Truncate => "SLAVE",
            Recovery::Keep => "MASTER",
        };
        let mut arguments = vec![
            format!("--server-id={}", self.server_id),
            // Decides whether recovery cuts an unacknowledged tail off; older servers decide by
            // rpl-semi-sync-slave-enabled and do not know the option.
            format!("--loose-init-rpl-role={role}"),
            format!("--rpl-semi-sync-master-timeout={SEMI_SYNC_TIMEOUT_MS}"),
        ];
        let fixed = [
            "--read-only=1",
            "--log-bin=binlog",
            "--log-slave-updates=1",
            "--binlog-format=ROW",
            "--gtid-strict-mode=1",
            "--max-binlog-size=128M",
            // Short: a demonstration must not fill the disk. A replica that was away longer is
            // rebuilt.
            "--expire-logs-days=1",
            "--relay-log=relay",
            // Before the engine commits, so that no reader on the writer ever saw a transaction
            // which a failover then loses.
            "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
            "--rpl-semi-sync-master-wait-no-slave=1",
            "--rpl-semi-sync-slave-enabled=1",
            "--rpl-semi-sync-slave-kill-conn-timeout=1",
            "--slave-net-timeout=4",
            "--slave-parallel-threads=4",
            "--slave-parallel-mode=optimistic",
        ];
        arguments.extend(fixed.map(str::to_owned));
        arguments
    }
}
