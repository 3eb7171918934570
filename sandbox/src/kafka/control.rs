//! The operator's door: reboot a broker, ask how the cluster is. One line in, one line out.
//!
//! A loopback port, written to `kafkad.json` in the data folder with the addresses of the brokers.
//! Clients of the Kafka protocol cannot reboot a broker, and MSK offers it outside of the protocol
//! too.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::broker::Broker;
use super::server::Reboot;

/// Longest line in either direction.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Longest wait for the other side.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Longest time a broker may be told to stay down.
const DOWN_MAX: Duration = Duration::from_secs(600);

/// What a running broker process says about itself, in `kafkad.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its process id.
    pub pid: u32,
    /// Address of the operator's door.
    pub control: String,
    /// Addresses of the brokers, in the order of their ids from 1.
    pub brokers: Vec<String>,
}

impl Manifest {
    /// Where the manifest of a data folder is.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("kafkad.json")
    }

    /// Reads the manifest; `None` while the process is not serving yet.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(folder);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let manifest = serde_json::from_slice(&bytes);
                manifest.with_context(|| format!("reading {}", path.display())).map(Some)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    /// Writes the manifest so that a reader sees all of it or none.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let (path, beside) = (Self::path(folder), folder.join("kafkad.json.new"));
        std::fs::write(&beside, serde_json::to_vec_pretty(self)?)
            .and_then(|()| std::fs::rename(&beside, &path))
            .with_context(|| format!("writing {}", path.display()))
    }
}

/// How one broker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerStatus {
    /// Its id, from 1.
    pub id: i32,
    /// Where clients reach it.
    pub address: String,
    /// Whether it serves.
    pub up: bool,
    /// Partitions that it leads.
    pub leads: usize,
}

/// How the cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Every broker, by id.
    pub brokers: Vec<BrokerStatus>,
    /// All partitions.
    pub partitions: usize,
    /// Partitions that nobody leads.
    pub offline: usize,
    /// Partitions of which a broker that should have a copy is down.
    pub under_replicated: usize,
}

/// Tells a broker of the process that serves `folder` to go down for a while; returns once told.
///
/// # Errors
/// The process does not answer, or refuses: the text says why.
pub async fn reboot(folder: &Path, broker_id: i32, down_for: Duration) -> anyhow::Result<()> {
    let answer = ask(folder, &format!("reboot {broker_id} {}\n", down_for.as_millis())).await?;
    if answer == "ok" { Ok(()) } else { bail!("rebooting broker {broker_id}: {answer}") }
}

/// Asks the process that serves `folder` how it is.
///
/// # Errors
/// The process does not answer.
pub async fn status(folder: &Path) -> anyhow::Result<Status> {
    let answer = ask(folder, "status\n").await?;
    serde_json::from_str(&answer).with_context(|| format!("reading the status {answer}"))
}

async fn ask(folder: &Path, question: &str) -> anyhow::Result<String> {
    let manifest = Manifest::read(folder)?.context("the Kafka brokers are not serving")?;
    let asked = async {
        let mut stream = TcpStream::connect(&manifest.control).await?;
        stream.write_all(question.as_bytes()).await?;
        read_line(stream).await.map(|(line, _)| line)
    };
    let answer = timeout(WAIT_MAX, asked).await.context("waiting for the Kafka brokers")?;
    answer.with_context(|| format!("asking the Kafka brokers at {}", manifest.control))
}

async fn read_line(stream: TcpStream) -> std::io::Result<(String, TcpStream)> {
    let mut reader = BufReader::new(stream).take(LINE_BYTES_MAX);
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    Ok((line.trim().to_owned(), reader.into_inner().into_inner()))
}

/// The door itself.
pub(super) struct Door {
    /// What all listeners share.
    pub(super) broker: Arc<Broker>,
    /// Where each broker takes its reboots.
    pub(super) reboots: Vec<mpsc::Sender<Reboot>>,
}

impl Door {
    /// Answers one operator after the other, for ever.
    pub(super) async fn run(self, listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file handles, as a rule: others must close some first.
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            match timeout(WAIT_MAX, self.serve(stream)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%error, "an operator hung up"),
                Err(_) => debug!("an operator said nothing"),
            }
        }
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let (line, mut stream) = read_line(stream).await?;
        let mut answer = self.answer(&line);
        answer.push('\n');
        stream.write_all(answer.as_bytes()).await
    }

    fn answer(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["status"] => serde_json::to_string(&self.status()).expect("numbers and strings"),
            ["reboot", id, milliseconds] => match self.reboot(id, milliseconds) {
                Ok(()) => "ok".to_owned(),
                Err(why) => format!("refused: {why}"),
            },
            _ => "refused: say `status` or `reboot BROKER MILLISECONDS`".to_owned(),
        }
    }

    fn reboot(&self, id: &str, milliseconds: &str) -> Result<(), String> {
        let at = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
        let reboots = at.and_then(|at| self.reboots.get(at));
        let reboots = reboots.ok_or_else(|| format!("there is no broker {id}"))?;
        let down_for = milliseconds.parse().ok().map(Duration::from_millis);
        let down_for = down_for.filter(|down_for| *down_for <= DOWN_MAX);
        let down_for = down_for.ok_or_else(|| format!("cannot be down for {milliseconds} ms"))?;
        reboots.try_send(Reboot { down_for }).map_err(|_| format!("broker {id} is rebooting"))
    }

    fn status(&self) -> Status {
        let cluster = self.broker.cluster();
        let mut leads = vec![0; cluster.nodes().len()];
        let (mut partitions, mut offline) = (0, 0);
        for (name, topic) in self.broker.topics() {
            for partition in 0..topic.spec.partitions {
                partitions += 1;
                match cluster.leader(&name, partition).node {
                    Some(node) => leads[node] += 1,
                    None => offline += 1,
                }
            }
        }
        let all_up = cluster.nodes().iter().all(|node| node.up);
        let status = |(node, leads): (&super::cluster::Node, usize)| BrokerStatus {
            id: node.id,
            address: format!("{}:{}", node.host, node.port),
            up: node.up,
            leads,
        };
        Status {
            brokers: cluster.nodes().iter().zip(leads).map(status).collect(),
            partitions,
            offline,
            under_replicated: if all_up { 0 } else { partitions },
        }
    }
}
