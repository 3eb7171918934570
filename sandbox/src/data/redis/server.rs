//! One redis-server process, in memory only.

use super::wire;
use crate::child::{Child, Exit, Program};
use crate::data::{StartError, last_words};
use crate::{poll, port, program};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const READY_LIMIT: Duration = Duration::from_secs(30);

/// A running server that answers. Dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    /// `redis://127.0.0.1:PORT`
    pub url: String,
    pub port: u16,
    child: Child,
    _temporary: Option<TempDir>,
}

impl Server {
    /// Starts a server on a free port, with a temporary folder for its log.
    ///
    /// # Errors
    ///
    /// redis-server is missing, or ends instead of answering.
    pub async fn start() -> Result<Server, StartError> {
        let temporary = tempfile::Builder::new().prefix("redis-").tempdir();
        let temporary = temporary
            .map_err(|source| StartError::Folder { path: std::env::temp_dir(), source })?;
        let port = port::free().map_err(StartError::Port)?;
        let mut server = Server::start_in(temporary.path(), port, &[]).await?;
        server._temporary = Some(temporary);
        Ok(server)
    }

    /// Starts a server with its log in `dir`, and further arguments of redis-server.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub async fn start_in(dir: &Path, port: u16, more: &[String]) -> Result<Server, StartError> {
        let folder = |source| StartError::Folder { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(folder)?;
        let path: PathBuf = program::locate("redis-server", "redis-server")?;
        let command = Program::new(path, dir.join("redis.log"))
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .args([dir.display().to_string()])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(more.iter().cloned());
        let url = format!("redis://127.0.0.1:{port}");
        let server = Server { url, port, child: Child::start(&command)?, _temporary: None };
        server.ready().await?;
        Ok(server)
    }

    /// The process.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Ends it in order, at most `grace` long.
    pub async fn stop(&self, grace: Duration) -> Exit {
        self.child.stop(grace).await
    }

    async fn ready(&self) -> Result<(), StartError> {
        let answered = poll::until("redis-server answers", READY_LIMIT, || async {
            match self.child.exited() {
                Some(exit) => Some(Err(exit)),
                None => wire::command(self.port, &["PING"]).await.ok().map(|_| Ok(())),
            }
        });
        let late = |source| StartError::Late { server: "redis-server", source };
        answered.await.map_err(late)?.map_err(|exit| StartError::Ended {
            server: "redis-server",
            exit,
            words: last_words(self.child.log()),
        })
    }
}
