//! Changes of roles: founding, switchover, promotion after a death, and the way back in.
//!
//! The rule behind each: a transaction that was acknowledged is on the writer and on one replica
//! at least. So the writer's role may go to whoever has received most of two survivors, and to
//! nobody when only one survivor can be asked.

use super::backup;
use super::cluster::Shared;
use super::gtid::Gtids;
use super::node::{Node, Recovery};
use super::session::{Replication, Session};
use super::watch;
use crate::poll;
use anyhow::{Context, bail, ensure};
use std::time::Duration;
use tokio::time::Instant;

/// A replica connects within a second of being told, and an error comes as fast.
const FOLLOW_LIMIT: Duration = Duration::from_secs(15);

/// A group commit with its replica's acknowledgement takes milliseconds.
const FENCE_PATIENCE: Duration = Duration::from_millis(150);

impl Shared {
    /// The first roles: nobody has written yet, so everybody starts at nothing.
    pub(super) async fn found(&self) -> anyhow::Result<()> {
        let (writer, readers) = (self.node(self.writer()), self.readers());
        let follow = readers.iter().map(|index| self.follow(self.node(*index), writer));
        let mut session = writer.session().await?;
        session.promote(true).await?;
        session.close().await;
        futures::future::try_join_all(follow).await?;
        self.route();
        Ok(())
    }

    /// Moves the role from the living writer to `target`.
    ///
    /// # Errors
    ///
    /// The target does not follow, or a server does not answer; the old writer then keeps the
    /// role.
    pub(super) async fn switch_over(&self, target: &str) -> anyhow::Result<()> {
        let _change = self.change.lock().await;
        let (from, to) = (self.writer(), self.index(target)?);
        if from == to {
            return Ok(());
        }
        let (old, new) = (self.node(from), self.node(to));
        let mut leaving = old.session().await.context("asking the writer to stop writing")?;
        let mut coming = new.session().await.with_context(|| format!("asking {}", new.id))?;
        ensure!(
            coming.replication().await?.is_some_and(|seen| seen.running),
            "{} does not follow the writer",
            new.id
        );
        let began = Instant::now();
        let readied = async {
            self.fence(old, &mut leaving).await.context("stopping writes")?;
            let stopped = began.elapsed();
            let end = leaving.position().await.context("reading the writer's last position")?;
            coming.catch_up(&end).await.context("letting the target catch up")?;
            tracing::info!(?stopped, caught_up = ?began.elapsed(), "the target has all writes");
            self.close_writer_endpoint();
            leaving.disconnect_clients().await.context("ending the clients' connections")
        };
        let mut moved = readied.await;
        if moved.is_ok() {
            moved = coming.promote(true).await.context("promoting the target");
            if moved.is_err() {
                // Whether it accepts writes is not known, and it must not when the old one does.
                new.kill().await;
            }
        }
        if let Err(error) = moved {
            leaving.run("SET GLOBAL read_only=0").await.context("letting the old writer go on")?;
            self.route();
            return Err(error);
        }
        tracing::info!(promoted = ?began.elapsed(), "the target is the writer");
        leaving.close().await;
        coming.close().await;
        self.become_writer(to).await;
        Ok(())
    }

    /// Stops writes. Those in progress are answered; a transaction that a client leaves open is
    /// not waited for, its connection is ended.
    async fn fence(&self, node: &Node, session: &mut Session) -> anyhow::Result<()> {
        let fence = session.fence();
        tokio::pin!(fence);
        if let Ok(fenced) = tokio::time::timeout(FENCE_PATIENCE, &mut fence).await {
            return Ok(fenced?);
        }
        self.close_writer_endpoint();
        let mut other = node.session().await?;
        other.disconnect_clients().await.context("ending the clients' connections")?;
        fence.await?;
        other.close().await;
        Ok(())
    }

    /// Makes `target` the writer although the old one is dead, or as good as dead: it is killed
    /// first, so that it cannot acknowledge anything more.
    ///
    /// # Errors
    ///
    /// Fewer survivors answer than it takes to know what was acknowledged, or the target does
    /// not catch up. Asking again is safe.
    pub(super) async fn promote(&self, target: &str) -> anyhow::Result<()> {
        let _change = self.change.lock().await;
        let (from, to) = (self.writer(), self.index(target)?);
        if from == to {
            return Ok(());
        }
        self.close_writer_endpoint();
        self.node(from).kill().await;
        let mut survivors = Vec::new();
        for index in self.readers() {
            let node = self.node(index);
            if let Ok(mut session) = node.session().await {
                let seen = halted(&mut session).await;
                let seen = seen.with_context(|| format!("asking {} how far it is", node.id))?;
                survivors.push((index, session, seen));
            }
        }
        // Of the readers, all but one: at least one of those has each acknowledged transaction.
        ensure!(
            survivors.len() >= self.readers().len() && survivors.iter().any(|s| s.0 == to),
            "only {} of {} survivors answer: the last acknowledged writes may be elsewhere",
            survivors.len(),
            self.readers().len()
        );
        let most = survivors.iter().map(|(_, _, seen)| seen.received.sequence()).max();
        let ahead = survivors
            .iter()
            .position(|(_, _, seen)| Some(seen.received.sequence()) == most)
            .context("nobody survived")?;
        let (donor, end) = (survivors[ahead].0, survivors[ahead].2.received.clone());
        survivors[ahead].1.catch_up(&end).await.context("applying what was received")?;
        let chosen = survivors.iter().position(|s| s.0 == to).context("the target is gone")?;
        let (_, session, seen) = &mut survivors[chosen];
        if donor != to && seen.received != end {
            session.follow(self.node(donor).port, &self.password, None).await?;
        }
        session.catch_up(&end).await.context("letting the target catch up")?;
        session.promote(true).await.context("promoting the target")?;
        for (_, session, _) in survivors {
            session.close().await;
        }
        self.become_writer(to).await;
        Ok(())
    }

    /// Starts a member again. It comes back as reader unless it is still the writer.
    ///
    /// # Errors
    ///
    /// It does not start, or cannot follow the writer.
    pub(super) async fn restart(&self, id: &str) -> anyhow::Result<()> {
        let _change = self.change.lock().await;
        let index = self.index(id)?;
        let node = self.node(index);
        node.stop().await;
        watch::reset(node, false);
        if index != self.writer() {
            node.start(Recovery::Truncate).await?;
            return self.join(node).await;
        }
        self.close_writer_endpoint();
        node.start(Recovery::Keep).await?;
        let mut session = node.session().await?;
        session.promote(true).await?;
        session.close().await;
        self.route();
        Ok(())
    }

    /// Hands the role over, and everybody else to the new holder. The endpoint opens first: what
    /// a reader still has to do must not keep writers waiting at the door.
    async fn become_writer(&self, index: usize) {
        self.set_writer(index);
        watch::reset(self.node(index), false);
        self.route();
        for reader in self.readers() {
            let node = self.node(reader);
            if node.alive()
                && let Err(error) = self.join(node).await
            {
                // It is not "up" without replication, and restarting it tries again.
                tracing::warn!(member = node.id, error = format!("{error:#}"), "following");
            }
        }
        self.route_readers();
    }

    /// Brings a running server in as reader: as it is when the writer has all that it has, else
    /// as a copy of another.
    async fn join(&self, node: &Node) -> anyhow::Result<()> {
        let writer = self.node(self.writer());
        // The member stops receiving before the writer is asked: through the member that it
        // followed until now it may be given writes younger than the answer.
        let mut session = node.session().await?;
        let position = session.settled().await?;
        session.close().await;
        let mut session = writer.session().await.context("asking the writer for its history")?;
        let history = session.history().await?;
        session.close().await;
        if history.contains(&position) {
            match self.follow(node, writer).await {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(
                    member = node.id,
                    error = format!("{error:#}"),
                    "cannot follow as it is; copying another member"
                ),
            }
        } else {
            tracing::warn!(
                member = node.id,
                %position,
                %history,
                "holds writes that were never acknowledged; copying another member"
            );
        }
        let from = backup::rebuild(node, self.donor(node)?, &self.password).await?;
        let mut session = node.session().await?;
        session.run(&format!("RESET MASTER; SET GLOBAL gtid_binlog_state='{from}'")).await?;
        session.close().await;
        self.follow(node, writer).await
    }

    /// Lets `node` follow `writer` from where it is, and waits until it does.
    async fn follow(&self, node: &Node, writer: &Node) -> anyhow::Result<()> {
        let mut session = node.session().await?;
        let position = session.settled().await?;
        session.follow(writer.port, &self.password, Some(&position)).await?;
        let session = tokio::sync::Mutex::new(session);
        let follows = poll::until("it follows the writer", FOLLOW_LIMIT, || async {
            match session.lock().await.replication().await {
                Ok(Some(Replication { running: true, .. })) => Some(Ok(())),
                Ok(Some(Replication { fault, .. })) if !fault.is_empty() => Some(Err(fault)),
                Ok(_) => None,
                Err(error) => Some(Err(error.to_string())),
            }
        })
        .await;
        session.into_inner().close().await;
        if let Err(fault) =
            follows.with_context(|| format!("starting replication of {}", node.id))?
        {
            bail!("{} does not replicate: {fault}", node.id);
        }
        watch::reset(node, true);
        Ok(())
    }

    /// A working reader other than `except`. Never the writer: without a reader its commits wait,
    /// and a copy waits for its commits.
    fn donor(&self, except: &Node) -> anyhow::Result<&Node> {
        let readers = self.readers();
        let mut readers = readers.iter().map(|index| self.node(*index));
        let fit = readers.find(|node| node.id != except.id && watch::replicates(node));
        fit.context("no other reader works that could be copied; restart that one first")
    }

    fn readers(&self) -> Vec<usize> {
        (0..self.nodes().len()).filter(|index| *index != self.writer()).collect()
    }
}

/// Stops receiving, and says how far it came.
async fn halted(session: &mut Session) -> Result<Replication, sqlx::Error> {
    session.run("STOP SLAVE IO_THREAD").await?;
    let logged: Gtids = session.position().await?;
    let seen = session.replication().await?.unwrap_or_default();
    // After a restart the relay log is gone, and what is logged is all there is.
    let received =
        if seen.received.sequence() < logged.sequence() { logged } else { seen.received };
    Ok(Replication { received, ..seen })
}
