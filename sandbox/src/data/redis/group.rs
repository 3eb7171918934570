//! A primary with replicas: the region's ElastiCache replication group.

use super::server::Server;
use super::wire;
use crate::aws::machines::{Done, Group, Member, Role};
use crate::data::StartError;
use crate::forwarder::Forwarder;
use crate::poll;
use crate::process::Sampler;
use anyhow::{Context, ensure};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const STOP_GRACE: Duration = Duration::from_secs(5);

/// A full resynchronisation of an in-memory demonstration takes well under a second.
const SYNC_LIMIT: Duration = Duration::from_secs(20);

/// What a group is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the members' folders.
    pub dir: PathBuf,
    /// Id and zone of each member; the first one starts as the primary.
    pub members: Vec<(String, String)>,
}

/// A place in the group; the process in it comes and goes.
#[derive(Debug)]
struct Node {
    id: String,
    zone: String,
    port: u16,
    dir: PathBuf,
    server: Mutex<Option<Arc<Server>>>,
    sampler: Mutex<Sampler>,
}

/// A running group. Dropping it kills every server.
#[derive(Debug)]
pub struct Replication {
    nodes: Vec<Node>,
    primary: AtomicUsize,
    primary_endpoint: Forwarder,
    reader_endpoint: Forwarder,
    /// Held while roles change: one change at a time.
    change: tokio::sync::Mutex<()>,
}

impl Node {
    fn server(&self) -> Option<Arc<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn alive(&self) -> bool {
        self.server().is_some_and(|server| server.child().exited().is_none())
    }

    async fn start(&self) -> Result<(), StartError> {
        // Small: replicas of a cache hold few keys here. No wait before a diskless copy begins.
        let arguments = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
        let arguments = arguments.map(str::to_owned);
        let server = Server::start_in(&self.dir, self.port, &arguments).await?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(server));
        Ok(())
    }

    async fn kill(&self) {
        if let Some(server) = self.server() {
            server.child().signal(Signal::SIGKILL);
            server.child().wait().await;
        }
    }

    async fn stop(&self) {
        if let Some(server) = self.server() {
            server.stop(STOP_GRACE).await;
        }
    }

    async fn command(&self, words: &[&str]) -> anyhow::Result<String> {
        let answer = wire::command(self.port, words).await;
        answer.with_context(|| format!("asking {} to {}", self.id, words.join(" ")))
    }

    /// The fields of `INFO`; none when it does not answer.
    async fn info(&self) -> Option<BTreeMap<String, String>> {
        if !self.alive() {
            return None;
        }
        let text = wire::command(self.port, &["INFO"]).await.ok()?;
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        Some(fields.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// How it is. To look for a `primary` that is dead is no fault, or its death would take every
    /// heir with it.
    async fn member(&self, role: Role, primary: &Node) -> Member {
        let info = self.info().await;
        let field = |name: &str| info.as_ref().and_then(|info| info.get(name));
        let number = |name: &str| field(name).and_then(|value| value.parse::<u64>().ok());
        let linked = field("master_link_status").is_some_and(|status| status == "up");
        let up = info.is_some() && (role == Role::Writer || linked || !primary.alive());
        let pid = self.server().filter(|_| self.alive()).map(|server| server.child().pid());
        let mut sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner);
        Member {
            id: self.id.clone(),
            zone: self.zone.clone(),
            role,
            up,
            port: self.port,
            // Redis counts whole seconds since it last heard of the primary, and hears each second.
            lag_ms: (up && role == Role::Reader)
                .then(|| number("master_last_io_seconds_ago"))
                .flatten()
                .map(|seconds| f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) * 1_000.0),
            position: match role {
                Role::Writer => number("master_repl_offset"),
                Role::Reader => {
                    number("slave_repl_offset").or_else(|| number("master_repl_offset"))
                }
            }
            .unwrap_or(0),
            connections: number("connected_clients"),
            cpu_percent: pid
                .and_then(|pid| sampler.sample(pid, Instant::now()))
                .map(|used| used.cpu_percent),
        }
    }
}

impl Replication {
    /// Starts the servers, the first as primary, and waits until the others follow it.
    ///
    /// # Errors
    ///
    /// A server that does not start or does not follow.
    pub async fn start(settings: Settings) -> anyhow::Result<Replication> {
        let nodes = settings.members.into_iter().map(|(id, zone)| {
            Ok(Node {
                dir: settings.dir.join(&id),
                id,
                zone,
                port: crate::port::free()?,
                server: Mutex::default(),
                sampler: Mutex::default(),
            })
        });
        let group = Replication {
            nodes: nodes.collect::<std::io::Result<Vec<_>>>()?,
            primary: AtomicUsize::new(0),
            primary_endpoint: Forwarder::start().await?,
            reader_endpoint: Forwarder::start().await?,
            change: tokio::sync::Mutex::new(()),
        };
        ensure!(!group.nodes.is_empty(), "a replication group needs a member");
        futures::future::try_join_all(group.nodes.iter().map(Node::start)).await?;
        let _change = group.change.lock().await;
        for index in group.replicas() {
            group.follow(index).await?;
        }
        group.route().await;
        drop(_change);
        Ok(group)
    }

    /// The processes that live, by member id.
    #[must_use]
    pub fn pids(&self) -> BTreeMap<String, u32> {
        let live = self.nodes.iter().filter(|node| node.alive());
        live.filter_map(|node| Some((node.id.clone(), node.server()?.child().pid()))).collect()
    }

    /// Ends every server.
    pub async fn stop(&self) {
        join_all(self.nodes.iter().map(Node::stop)).await;
    }

    fn primary(&self) -> usize {
        self.primary.load(Ordering::SeqCst)
    }

    fn replicas(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| *index != self.primary()).collect()
    }

    fn index(&self, id: &str) -> anyhow::Result<usize> {
        let found = self.nodes.iter().position(|node| node.id == id);
        found.with_context(|| format!("{id} is not a member of this replication group"))
    }

    /// Lets a running member follow the primary, and waits until it has a copy.
    async fn follow(&self, index: usize) -> anyhow::Result<()> {
        let (node, primary) = (&self.nodes[index], &self.nodes[self.primary()]);
        node.command(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await?;
        poll::until("it follows the primary", SYNC_LIMIT, || async {
            let info = node.info().await?;
            (info.get("master_link_status")? == "up").then_some(())
        })
        .await
        .with_context(|| format!("starting replication of {}", node.id))
    }

    /// Points the endpoints at the holders of the roles; readers that work, else the primary.
    async fn route(&self) {
        let primary = &self.nodes[self.primary()];
        self.primary_endpoint.route(&[primary.port]);
        let readers = join_all(self.replicas().into_iter().map(|index| {
            let node = &self.nodes[index];
            node.member(Role::Reader, primary).boxed()
        }));
        let readers = readers.await.into_iter().filter(|member| member.up);
        let mut ports: Vec<_> = readers.map(|member| member.port).collect();
        if ports.is_empty() {
            ports.push(primary.port);
        }
        self.reader_endpoint.route(&ports);
    }

    async fn move_to(&self, target: &str, planned: bool) -> anyhow::Result<()> {
        let _change = self.change.lock().await;
        let (from, to) = (self.primary(), self.index(target)?);
        if from == to {
            return Ok(());
        }
        self.primary_endpoint.route(&[]);
        if !planned {
            // It must not go on serving clients that reached it directly.
            self.nodes[from].kill().await;
        }
        if let Err(error) = self.nodes[to].command(&["REPLICAOF", "NO", "ONE"]).await {
            self.route().await;
            return Err(error);
        }
        self.primary.store(to, Ordering::SeqCst);
        self.primary_endpoint.route(&[self.nodes[to].port]);
        for index in self.replicas() {
            let node = &self.nodes[index];
            if node.alive()
                && let Err(error) = self.follow(index).await
            {
                // It is not "up" without its link, and restarting it tries again.
                tracing::warn!(member = node.id, error = format!("{error:#}"), "following");
            }
        }
        self.route().await;
        Ok(())
    }
}

impl Group for Replication {
    fn members(&self) -> BoxFuture<'_, Vec<Member>> {
        let holder = self.primary();
        let primary = &self.nodes[holder];
        let members = self.nodes.iter().enumerate().map(move |(index, node)| {
            let role = if index == holder { Role::Writer } else { Role::Reader };
            node.member(role, primary).boxed()
        });
        join_all(members).boxed()
    }

    fn writer_port(&self) -> u16 {
        self.primary_endpoint.port()
    }

    fn reader_port(&self) -> u16 {
        self.reader_endpoint.port()
    }

    fn switch_over<'a>(&'a self, target: &'a str) -> Done<'a> {
        self.move_to(target, true).boxed()
    }

    fn promote<'a>(&'a self, target: &'a str) -> Done<'a> {
        self.move_to(target, false).boxed()
    }

    fn restart<'a>(&'a self, id: &'a str) -> Done<'a> {
        async move {
            let _change = self.change.lock().await;
            let index = self.index(id)?;
            self.nodes[index].stop().await;
            self.nodes[index].start().await?;
            if index != self.primary() {
                self.follow(index).await?;
            }
            self.route().await;
            Ok(())
        }
        .boxed()
    }

    fn kill<'a>(&'a self, id: &'a str) -> Done<'a> {
        async move {
            self.nodes[self.index(id)?].kill().await;
            Ok(())
        }
        .boxed()
    }
}
