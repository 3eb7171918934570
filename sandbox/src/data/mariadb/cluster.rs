//! Three servers of which one writes: the region's Aurora cluster.

use super::node::{Node, Recovery};
use super::watch;
use crate::aws::machines::{Done, Group, Member, Role};
use crate::forwarder::Forwarder;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the members' folders.
    pub dir: PathBuf,
    /// Id and zone of each member; the first one starts as the writer.
    pub members: Vec<(String, String)>,
    /// Buffer pool of each, in MiB.
    pub memory_mib: u32,
    /// Of the user `wallet`, the same on every member.
    pub password: String,
}

/// A running cluster. Dropping it kills every server.
#[derive(Debug)]
pub struct Cluster {
    shared: Arc<Shared>,
    watching: CancellationToken,
}

/// What the cluster's handle and its watch both hold.
#[derive(Debug)]
pub(super) struct Shared {
    nodes: Vec<Node>,
    writer: AtomicUsize,
    pub(super) password: String,
    writer_endpoint: Forwarder,
    reader_endpoint: Forwarder,
    /// Held while roles change: one change at a time.
    pub(super) change: Mutex<()>,
}

impl Cluster {
    /// Starts the servers, the first as writer, and waits until the others follow it.
    ///
    /// # Errors
    ///
    /// A server that does not start, or that does not replicate.
    pub async fn start(settings: Settings) -> anyhow::Result<Cluster> {
        let password = settings.password;
        let nodes = settings.members.into_iter().zip(1..).map(|((id, zone), server_id)| {
            Node::new(id, zone, server_id, &settings.dir, &password, settings.memory_mib)
        });
        let shared = Arc::new(Shared {
            nodes: nodes.collect::<Result<_, _>>()?,
            writer: AtomicUsize::new(0),
            writer_endpoint: Forwarder::start().await?,
            reader_endpoint: Forwarder::start().await?,
            change: Mutex::new(()),
            password,
        });
        anyhow::ensure!(!shared.nodes.is_empty(), "a cluster needs a member");
        let starts = shared.nodes.iter().map(|node| node.start(Recovery::Truncate));
        futures::future::try_join_all(starts).await?;
        shared.found().await?;
        let stop = CancellationToken::new();
        let watched = Arc::clone(&shared);
        let watch = async move { watch::run(&watched).await };
        TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(watch));
        Ok(Cluster { shared, watching: stop })
    }

    /// Password of the user `wallet`, on every member and through both endpoints.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.shared.password
    }

    /// The processes that live, by member id.
    #[must_use]
    pub fn pids(&self) -> BTreeMap<String, u32> {
        let live = self.shared.nodes.iter().filter(|node| node.alive());
        live.filter_map(|node| Some((node.id.clone(), node.server()?.child().pid()))).collect()
    }

    /// Ends every server in order: the writer first, so that the others have all of it.
    pub async fn stop(&self) {
        self.watching.cancel();
        let writer = self.shared.writer();
        self.shared.nodes[writer].stop().await;
        futures::future::join_all(self.shared.nodes.iter().map(Node::stop)).await;
    }
}

impl Shared {
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// The index of the member with this id.
    pub(super) fn index(&self, id: &str) -> anyhow::Result<usize> {
        let found = self.nodes.iter().position(|node| node.id == id);
        found.ok_or_else(|| anyhow::anyhow!("{id} is not a member of this cluster"))
    }

    /// The index of the member that holds, or died holding, the writer's role.
    pub(super) fn writer(&self) -> usize {
        self.writer.load(Ordering::SeqCst)
    }

    pub(super) fn set_writer(&self, index: usize) {
        self.writer.store(index, Ordering::SeqCst);
    }

    fn member(&self, index: usize) -> Member {
        let role = if index == self.writer() { Role::Writer } else { Role::Reader };
        watch::member(&self.nodes[index], role)
    }

    /// Closes the writer endpoint: nobody writes until [`Shared::route`] is called.
    pub(super) fn close_writer_endpoint(&self) {
        self.writer_endpoint.route(&[]);
    }

    /// Points the reader endpoint at the readers that work or, as Aurora does, at the writer when
    /// there are none.
    pub(super) fn route_readers(&self) {
        let members: Vec<_> = (0..self.nodes.len()).map(|index| self.member(index)).collect();
        let readers = members.iter().filter(|m| m.up && m.role == Role::Reader);
        let mut ports: Vec<_> = readers.map(|member| member.port).collect();
        if ports.is_empty() {
            ports.push(self.nodes[self.writer()].port);
        }
        self.reader_endpoint.route(&ports);
    }

    /// Points both endpoints at the holders of the roles.
    pub(super) fn route(&self) {
        self.writer_endpoint.route(&[self.nodes[self.writer()].port]);
        self.route_readers();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.watching.cancel();
    }
}

impl Group for Cluster {
    fn members(&self) -> BoxFuture<'_, Vec<Member>> {
        let members = (0..self.shared.nodes.len()).map(|index| self.shared.member(index));
        std::future::ready(members.collect()).boxed()
    }

    fn writer_port(&self) -> u16 {
        self.shared.writer_endpoint.port()
    }

    fn reader_port(&self) -> u16 {
        self.shared.reader_endpoint.port()
    }

    fn switch_over<'a>(&'a self, target: &'a str) -> Done<'a> {
        self.shared.switch_over(target).boxed()
    }

    fn promote<'a>(&'a self, target: &'a str) -> Done<'a> {
        self.shared.promote(target).boxed()
    }

    fn restart<'a>(&'a self, id: &'a str) -> Done<'a> {
        self.shared.restart(id).boxed()
    }

    fn kill<'a>(&'a self, id: &'a str) -> Done<'a> {
        async move {
            self.shared.node(self.shared.index(id)?).kill().await;
            Ok(())
        }
        .boxed()
    }
}
