//! A whole region as a value: `sandbox up` as a child, found through its manifest.

use crate::child::{Child, Program};
use crate::manifest::Manifest;
use crate::{data, poll, program};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Servers, schema and the first tasks, on a machine that does other things too.
const START_LIMIT: Duration = Duration::from_secs(240);

/// What `sandbox up` gives itself, and a little.
const STOP_GRACE: Duration = Duration::from_secs(70);

/// A standing region. Dropping it kills every process of it.
#[derive(Debug)]
pub struct Sandbox {
    /// Where everything is, as of the start.
    pub manifest: Manifest,
    dir: PathBuf,
    child: Child,
}

impl Sandbox {
    /// Starts a region in `dir` with the default options, and waits until its wallet serves.
    ///
    /// # Errors
    ///
    /// The binaries were not built, or the region says why it cannot stand.
    pub async fn start(dir: &Path) -> anyhow::Result<Sandbox> {
        Sandbox::start_with(dir, &[]).await
    }

    /// The same with further options of `sandbox up`.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::start`].
    pub async fn start_with(dir: &Path, options: &[&str]) -> anyhow::Result<Sandbox> {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let log = dir.join("sandbox.log");
        let program = Program::new(program::ours("sandbox")?, &log)
            .args(["up", "--dir"])
            .args([dir.display().to_string()])
            .args(options.iter().copied());
        let child = Child::start(&program)?;
        let stands = poll::until("the region stands", START_LIMIT, || async {
            if let Some(exit) = child.exited() {
                return Some(Err(exit));
            }
            // One of a region before names another process.
            let manifest = Manifest::read(dir).ok().flatten()?;
            manifest.names(child.pid()).then_some(Ok(manifest))
        });
        match stands.await.with_context(|| format!("see {}", log.display()))? {
            Ok(manifest) => Ok(Sandbox { manifest, dir: dir.to_owned(), child }),
            Err(exit) => bail!("sandbox up: {exit}; {}", data::last_words(&log)),
        }
    }

    /// Where everything is now, with the processes that live now.
    ///
    /// # Errors
    ///
    /// The region has ended.
    pub fn look(&self) -> anyhow::Result<Manifest> {
        Manifest::read(&self.dir)?.context("the region has ended")
    }

    /// The process of `sandbox up`.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Completes when the region ends by itself, which it should not.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let ended = self.child.ended();
        async move {
            ended.await;
        }
    }

    /// Ends the region in order.
    pub async fn stop(self) {
        self.child.stop(STOP_GRACE).await;
    }
}
