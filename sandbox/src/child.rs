//! A child process that cannot outlive us.
//!
//! Each child has a thread of its own, which starts it and waits for its end. That thread is the
//! parent in the kernel's eyes, so the death signal that `setpriv --pdeathsig KILL` asks for
//! arrives when this process dies, and never earlier because a runtime's worker thread retired.
//! Knows nothing of what it runs: readiness, ports and roles belong to the callers.

use crate::program::{self, MissingProgram};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// What to run, and where its output goes.
#[derive(Clone, Debug)]
pub struct Program {
    /// Path of the executable.
    pub path: PathBuf,
    pub arguments: Vec<String>,
    /// The whole environment: nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// Receives stdout and stderr, appended.
    pub log: PathBuf,
}

impl Program {
    /// A program without arguments or environment, logging to `log`.
    pub fn new(path: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Program {
        Program {
            path: path.into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            log: log.into(),
        }
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Program {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
}

/// Why a child did not start.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error(transparent)]
    Missing(#[from] MissingProgram),
    #[error("opening the log {}", path.display())]
    Log { path: PathBuf, source: io::Error },
    #[error("starting {}", path.display())]
    Start { path: PathBuf, source: io::Error },
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// Whether the child says that it did what it was asked.
    #[must_use]
    pub fn success(self) -> bool {
        self == Exit::Code(0)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Exit {
        match status.code() {
            Some(code) => Exit::Code(code),
            None => Exit::Signal(status.signal().unwrap_or(0)),
        }
    }
}

/// A running child, leader of its own process group. Dropping it kills the group.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    log: PathBuf,
    /// The group to signal; gone once the child has ended, so that a reused id is never hit.
    group: Arc<Mutex<Option<Pid>>>,
    exit: watch::Receiver<Option<Exit>>,
    waiter: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts `program`.
    ///
    /// # Errors
    ///
    /// A missing executable, an unwritable log, or the system's refusal to start it.
    pub fn start(program: &Program) -> Result<Child, ChildError> {
        let command = command(program)?;
        let (started, starting) = mpsc::sync_channel(1);
        let (ended, exit) = watch::channel(None);
        let group = Arc::new(Mutex::new(None));
        let waiter = std::thread::Builder::new()
            .name("child".into())
            .spawn({
                let group = Arc::clone(&group);
                move || keep(command, &group, &started, &ended)
            })
            .map_err(|source| ChildError::Start { path: program.path.clone(), source })?;
        let pid = starting
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("its thread ended")))
            .map_err(|source| ChildError::Start { path: program.path.clone(), source })?;
        Ok(Child { pid, log: program.log.clone(), group, exit, waiter: Some(waiter) })
    }

    /// The process id, also after its end.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its output went.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended; none while it runs.
    #[must_use]
    pub fn exited(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for the end.
    pub async fn wait(&self) -> Exit {
        self.ended().await
    }

    /// A future of the end that borrows nothing.
    pub fn ended(&self) -> impl Future<Output = Exit> + Send + 'static {
        let mut exit = self.exit.clone();
        async move {
            match exit.wait_for(Option::is_some).await {
                Ok(exit) => exit.unwrap_or(Exit::Signal(0)),
                Err(_) => Exit::Signal(0),
            }
        }
    }

    /// Sends a signal to the whole group; nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = *group {
            // The only possible refusal is "no such process", and then there is nothing to do.
            let _ = killpg(pid, signal);
        }
    }

    /// Asks it to end, and kills it when `grace` is over.
    pub async fn stop(&self, grace: Duration) -> Exit {
        self.signal(Signal::SIGTERM);
        match tokio::time::timeout(grace, self.wait()).await {
            Ok(exit) => exit,
            Err(_) => {
                self.signal(Signal::SIGKILL);
                self.wait().await
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(waiter) = self.waiter.take() {
            // Short: the kernel does not let a process refuse SIGKILL.
            let _ = waiter.join();
        }
    }
}

/// The system command: under `setpriv`, alone in its group, with nothing inherited.
fn command(program: &Program) -> Result<Command, ChildError> {
    let setpriv = program::locate("setpriv", "util-linux")?;
    let log = |source| ChildError::Log { path: program.log.clone(), source };
    let output = OpenOptions::new().create(true).append(true).open(&program.log).map_err(log)?;
    let errors = output.try_clone().map_err(log)?;
    let mut command = Command::new(setpriv);
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(&program.path)
        .args(&program.arguments)
        .env_clear()
        .envs(&program.environment)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0);
    Ok(command)
}

/// Starts the child and stays with it to the end.
fn keep(
    mut command: Command,
    group: &Mutex<Option<Pid>>,
    started: &mpsc::SyncSender<io::Result<u32>>,
    ended: &watch::Sender<Option<Exit>>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            // The receiver waits for exactly this message.
            let _ = started.send(Err(error));
            return;
        }
    };
    let pid = Pid::from_raw(child.id().cast_signed());
    *group.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
    let _ = started.send(Ok(child.id()));
    // Wait without reaping: while it is a zombie its id cannot belong to anybody else, so the
    // signal side can be told first.
    while let Err(nix::errno::Errno::EINTR) =
        waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
    {}
    let mut group = group.lock().unwrap_or_else(PoisonError::into_inner);
    // Grandchildren go with it.
    let _ = killpg(pid, Signal::SIGKILL);
    *group = None;
    let exit = child.wait().map_or(Exit::Signal(0), Exit::from);
    drop(group);
    ended.send_replace(Some(exit));
}

#[cfg(test)]
#[path = "child_tests.rs"]
mod tests;
