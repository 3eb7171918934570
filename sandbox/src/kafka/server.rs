//! Listeners and connections: frames in, answers out, in order, one request at a time.
//!
//! Each broker is a listener. A reboot closes it with all its connections, after its leaderships
//! have moved; meanwhile the port stays bound without listening, so that clients are refused at
//! once and nobody else takes it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::ResponseKind;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::api::{self, Call};
use super::broker::Broker;
use super::wire::{self, Incoming, WireError};

/// Connections per broker.
const CONNECTIONS_MAX: usize = 1_000;
/// Largest request: several partitions' batches of 1 MiB each.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Memory reserved ahead of bytes that have arrived.
const READ_AHEAD_BYTES: usize = 256 * 1024;
/// A connection that is silent for longer is closed, as in Kafka.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// A client that takes no answer for this long is gone.
const WRITE_MAX: Duration = Duration::from_secs(30);
/// Kafka's number for an `ApiVersions` request of an unknown version.
const UNSUPPORTED_VERSION: i16 = 35;

/// Why a connection was closed by us.
#[derive(Debug, Error)]
enum ConnectionError {
    #[error("reading from the client")]
    Read(#[source] io::Error),
    #[error("answering the client")]
    Write(#[source] io::Error),
    #[error("the client takes no answer")]
    Stuck,
    #[error("a request of {0} bytes is out of bounds")]
    Size(u32),
    #[error("serving a request")]
    Wire(#[from] WireError),
}

/// Asks a broker to go down for a while.
#[derive(Debug)]
pub(super) struct Reboot {
    /// How long it stays down.
    pub(super) down_for: Duration,
}

/// One broker of the process.
pub(super) struct Node {
    /// What all listeners share.
    pub(super) broker: Arc<Broker>,
    /// Position of this broker.
    pub(super) at: usize,
    /// Reboots to do.
    pub(super) reboots: mpsc::Receiver<Reboot>,
    /// Ends the process.
    pub(super) shutdown: CancellationToken,
}

impl Node {
    /// Serves until shutdown, going down and up again on each reboot.
    ///
    /// # Errors
    /// The port cannot be listened on again after a reboot, or leaderships cannot be moved.
    pub(super) async fn run(mut self, mut listener: TcpListener) -> anyhow::Result<()> {
        let address = listener.local_addr().context("reading the address of a listener")?;
        loop {
            let up = self.shutdown.child_token();
            let connections = TaskTracker::new();
            let reboot = tokio::select! {
                () = self.shutdown.cancelled() => None,
                reboot = self.reboots.recv() => reboot,
                () = accept(&self.broker, self.at, &listener, &connections, &up) => None,
            };
            if let Some(Reboot { down_for }) = reboot {
                info!(broker.id = self.at + 1, ?down_for, "rebooting");
                self.broker.set_up(self.at, false).context("moving leaderships away")?;
                drop(listener);
                up.cancel();
                connections.close();
                connections.wait().await;
                let reserved = reserve(address).context("keeping the port of a broker")?;
                tokio::select! {
                    () = self.shutdown.cancelled() => return Ok(()),
                    () = sleep(down_for) => {}
                }
                listener = reserved.listen(1024).context("listening again after a reboot")?;
                self.broker.set_up(self.at, true).context("moving leaderships back")?;
            } else {
                up.cancel();
                connections.close();
                connections.wait().await;
                return Ok(());
            }
        }
    }
}

/// A socket that holds the port without listening.
fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    broker: &Arc<Broker>,
    node: usize,
    listener: &TcpListener,
    connections: &TaskTracker,
    up: &CancellationToken,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, as a rule: others must close some first.
                warn!(%error, "could not accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            warn!(%peer, "refused a connection: {CONNECTIONS_MAX} are open");
            continue;
        };
        let call = Call {
            broker: Arc::clone(broker),
            node,
            client_id: String::new(),
            peer: format!("/{}", peer.ip()),
            version: 0,
        };
        let up = up.clone();
        connections.spawn(async move {
            let served = up.run_until_cancelled(serve(stream, call)).await;
            match served {
                // The client's own end is no news; what it did wrong is.
                Some(Err(error @ (ConnectionError::Read(_) | ConnectionError::Write(_)))) => {
                    debug!(%peer, %error, "a connection broke");
                }
                Some(Err(error)) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    info!(%peer, cause, "closed a connection: {error}");
                }
                Some(Ok(())) | None => debug!(%peer, "a connection ended"),
            }
            drop(place);
        });
    }
}

async fn serve(mut stream: TcpStream, mut call: Call) -> Result<(), ConnectionError> {
    // Small answers must not wait for the acknowledgement of the one before.
    stream.set_nodelay(true).map_err(ConnectionError::Read)?;
    let mut buffer = BytesMut::new();
    while let Some(frame) = read_frame(&mut stream, &mut buffer).await? {
        let Incoming { correlation_id, version, client_id, request } = wire::decode(frame)?;
        (call.version, call.client_id) = (version, client_id);
        let answer = match request {
            Some(request) => Box::pin(api::answer(&call, request)).await,
            None => Some(ResponseKind::ApiVersions(wire::api_versions(UNSUPPORTED_VERSION))),
        };
        if let Some(answer) = answer {
            let bytes = wire::encode(correlation_id, version, &answer)?;
            let written = timeout(WRITE_MAX, stream.write_all(&bytes)).await;
            written.map_err(|_| ConnectionError::Stuck)?.map_err(ConnectionError::Write)?;
        }
    }
    Ok(())
}

/// The next request without its length; `None` when the client hung up or fell silent.
async fn read_frame(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> Result<Option<Bytes>, ConnectionError> {
    loop {
        let mut missing = 4_usize.saturating_sub(buffer.len());
        if missing == 0 {
            let length = (&buffer[..4]).get_u32();
            let size = usize::try_from(length).ok().filter(|size| *size <= REQUEST_BYTES_MAX);
            let size = size.ok_or(ConnectionError::Size(length))?;
            if buffer.len() >= 4 + size {
                buffer.advance(4);
                return Ok(Some(buffer.split_to(size).freeze()));
            }
            missing = 4 + size - buffer.len();
        }
        buffer.reserve(missing.clamp(4_096, READ_AHEAD_BYTES));
        match timeout(IDLE_MAX, stream.read_buf(buffer)).await {
            Err(_) | Ok(Ok(0)) => return Ok(None),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(ConnectionError::Read(error)),
        }
    }
}
