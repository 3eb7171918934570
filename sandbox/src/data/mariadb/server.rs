//! One mariadbd process with its own data folder.

use super::template;
use crate::child::{Child, Exit, Program};
use crate::data::{StartError, last_words, password};
use crate::{poll, port, program};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{ConnectOptions, Connection};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The name of the database, and of the user that owns it.
const DATABASE: &str = "wallet";
/// The user with every right, for roles and replication. Never given to the wallet.
pub(super) const ADMIN: &str = "sandbox";
/// Recovery of a large redo log on a busy machine takes seconds; this is for a broken one.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// One attempt to connect, while it starts.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How a server runs. The default is what a test wants: small, fast, gone when dropped.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its folder (data, log, settings); none for a temporary one, removed on drop.
    pub dir: Option<PathBuf>,
    /// Whether a commit reaches the disk before it is acknowledged. Costs an fsync per group.
    pub durable: bool,
    /// `InnoDB` buffer pool, in MiB.
    pub memory_mib: u32,
    /// Further arguments of mariadbd.
    pub arguments: Vec<String>,
    /// Port on loopback; none for a free one.
    pub port: Option<u16>,
    /// Password of both users; none for a generated one.
    pub password: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            dir: None,
            durable: false,
            memory_mib: 64,
            arguments: Vec::new(),
            port: None,
            password: None,
        }
    }
}

/// A running server that answers. Dropping it kills the process, and removes the folder if it
/// was a temporary one.
#[derive(Debug)]
pub struct Server {
    /// `mysql://wallet:PASSWORD@127.0.0.1:PORT/wallet`
    pub url: String,
    pub port: u16,
    /// Owner of the database `wallet` and of every database whose name starts so.
    pub user: String,
    pub password: String,
    /// The unix socket, for clients on this machine that prefer it.
    pub socket: PathBuf,
    child: Child,
    dir: PathBuf,
    _temporary: Option<TempDir>,
}

impl Server {
    /// Starts a server and waits until it answers. An existing folder is taken over with its
    /// content, otherwise it starts empty.
    ///
    /// # Errors
    ///
    /// A missing program, a full disk, or a server that ends instead of answering.
    pub async fn start(options: Options) -> Result<Server, StartError> {
        let temporary = match options.dir {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix("mariadb-")
                    .tempdir()
                    .map_err(|source| StartError::Folder { path: std::env::temp_dir(), source })?,
            ),
        };
        let dir = options.dir.clone().or_else(|| temporary.as_ref().map(|t| t.path().to_owned()));
        let dir = dir.expect("one of the two is given");
        let port = match options.port {
            Some(port) => port,
            None => port::free().map_err(StartError::Port)?,
        };
        let password = options.password.clone().unwrap_or_else(password);
        prepare(&dir, &password).await?;
        let child = Child::start(&command(&dir, port, &options)?)?;
        let server = Server {
            url: format!("mysql://{DATABASE}:{password}@127.0.0.1:{port}/{DATABASE}"),
            port,
            user: DATABASE.to_owned(),
            password,
            socket: dir.join("data/mysql.sock"),
            child,
            dir,
            _temporary: temporary,
        };
        server.ready().await?;
        Ok(server)
    }

    /// The same address without the password, as configuration carries it.
    #[must_use]
    pub fn url_without_password(&self) -> String {
        format!("mysql://{}@127.0.0.1:{}/{DATABASE}", self.user, self.port)
    }

    /// The folder with its data, log and settings.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The process.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Connects with every right.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn admin(&self) -> Result<MySqlConnection, sqlx::Error> {
        connect_admin(self.port, &self.password).await
    }

    /// Ends it in order, at most `grace` long.
    pub async fn stop(&self, grace: Duration) -> Exit {
        self.child.stop(grace).await
    }

    async fn ready(&self) -> Result<(), StartError> {
        let answered = poll::until("mariadbd answers", READY_LIMIT, || async {
            match self.child.exited() {
                Some(exit) => Some(Err(exit)),
                None => self.admin().await.ok().map(Ok),
            }
        });
        let late = |source| StartError::Late { server: "mariadbd", source };
        let connection = answered.await.map_err(late)?.map_err(|exit| StartError::Ended {
            server: "mariadbd",
            exit,
            words: last_words(self.child.log()),
        })?;
        // Whether the farewell arrives changes nothing.
        let _ = connection.close().await;
        Ok(())
    }
}

/// Connects with every right to the server on `port`.
///
/// # Errors
///
/// It does not answer in time, or refuses.
pub(super) async fn connect_admin(
    port: u16,
    password: &str,
) -> Result<MySqlConnection, sqlx::Error> {
    let options = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(port)
        .username(ADMIN)
        .password(password)
        .ssl_mode(MySqlSslMode::Disabled)
        .disable_statement_logging();
    match tokio::time::timeout(CONNECT_LIMIT, options.connect()).await {
        Ok(connection) => connection,
        Err(late) => Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, late))),
    }
}

/// The name of the account we run as, which mariadbd wants to hear when it is root.
pub(super) fn system_user() -> io::Result<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid())?;
    user.map(|user| user.name).ok_or_else(|| io::Error::other("this account has no name"))
}

/// Makes the data folder if there is none, and the statements that run at every start.
async fn prepare(dir: &Path, password: &str) -> Result<(), StartError> {
    let folder = |source| StartError::Folder { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(folder)?;
    let data = dir.join("data");
    if !data.exists() {
        let copied = tokio::task::spawn_blocking(move || template::copy(&data)).await;
        copied.map_err(|panicked| folder(io::Error::other(panicked)))??;
    }
    // Not logged: every member of a cluster makes its own users, and replicates none.
    let statements = format!(
        "SET SESSION sql_log_bin=0;
CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS {DATABASE}@'127.0.0.1' IDENTIFIED BY '{password}';
CREATE USER IF NOT EXISTS {DATABASE}@localhost IDENTIFIED BY '{password}';
GRANT ALL ON `{DATABASE}%`.* TO {DATABASE}@'127.0.0.1';
GRANT ALL ON `{DATABASE}%`.* TO {DATABASE}@localhost;
CREATE USER IF NOT EXISTS {ADMIN}@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON *.* TO {ADMIN}@'127.0.0.1' WITH GRANT OPTION;
"
    );
    fs::write(dir.join("init.sql"), statements).map_err(folder)
}

/// The command line: small, quiet, alone.
fn command(dir: &Path, port: u16, options: &Options) -> Result<Program, StartError> {
    let path = program::locate("mariadbd", "mariadb-server")?;
    let user =
        system_user().map_err(|source| StartError::Folder { path: dir.to_owned(), source })?;
    let (flush, sync) = if options.durable { (1, 1) } else { (0, 0) };
    let mut program = Program::new(path, dir.join("mariadbd.log"));
    program.environment.insert("LC_ALL".into(), "C".into());
    Ok(program
        .args([
            "--no-defaults".to_owned(),
            format!("--user={user}"),
            format!("--datadir={}", dir.join("data").display()),
            format!("--tmpdir={}", dir.join("data").display()),
            format!("--init-file={}", dir.join("init.sql").display()),
            format!("--port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            // Relative to the data folder: absolute paths may be longer than a socket's name may.
            "--socket=mysql.sock".to_owned(),
            "--pid-file=mysql.pid".to_owned(),
            format!("--innodb-buffer-pool-size={}M", options.memory_mib),
            format!("--innodb-flush-log-at-trx-commit={flush}"),
            format!("--sync-binlog={sync}"),
        ])
        .args([
            "--skip-name-resolve",
            "--performance-schema=OFF",
            "--skip-slave-start",
            "--aria-pagecache-buffer-size=8M",
            "--key-buffer-size=1M",
            "--innodb-log-buffer-size=8M",
            "--max-connections=400",
            "--back-log=200",
            "--table-open-cache=200",
            "--character-set-server=utf8mb4",
            "--transaction-isolation=READ-COMMITTED",
            "--innodb-buffer-pool-dump-at-shutdown=OFF",
            "--innodb-buffer-pool-load-at-startup=OFF",
        ])
        .args(options.arguments.iter().cloned()))
}
