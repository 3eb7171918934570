//! A TCP endpoint that stays where it is while the servers behind it change.
//!
//! What the DNS name of an Aurora or ElastiCache endpoint is to its clients: they keep the address,
//! lose their connections when the role moves, and reach the new holder when they connect again.
//! Looks at no byte of what it carries.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Per direction of a connection: a batch of statements or a page of rows in one read.
const BUFFER_BYTES: usize = 32 * 1024;

/// More clients than the servers take (400 of MariaDB); the rest wait in the listen queue.
const CONNECTIONS_MAX: usize = 1_000;

/// The ports, on loopback, that connections are spread over; empty while nobody holds the role.
type Targets = Arc<[u16]>;

/// A listening endpoint. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Forwarder {
    port: u16,
    targets: watch::Sender<Targets>,
    _stop: DropGuard,
}

impl Forwarder {
    /// Listens on a free port; refuses (accepts and closes) until it is told where to connect.
    ///
    /// # Errors
    ///
    /// No free port.
    pub async fn start() -> io::Result<Forwarder> {
        let (port, listener) = crate::port::listen()?;
        let listener = TcpListener::from_std(listener)?;
        let (targets, seen) = watch::channel(Targets::from([]));
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        tracker.spawn(stop.clone().run_until_cancelled_owned(accept(
            listener,
            seen,
            tracker.clone(),
            stop.clone(),
        )));
        Ok(Forwarder { port, targets, _stop: stop.drop_guard() })
    }

    /// The port that clients know.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Spreads new connections over the servers on these ports, in turn, and closes those to
    /// servers that are not among them.
    pub fn route(&self, targets: &[u16]) {
        self.targets.send_if_modified(|now| {
            let moved = **now != *targets;
            *now = Targets::from(targets);
            moved
        });
    }

    /// Where new connections go.
    #[must_use]
    pub fn targets(&self) -> Vec<u16> {
        self.targets.borrow().to_vec()
    }
}

async fn accept(
    listener: TcpListener,
    targets: watch::Receiver<Targets>,
    tracker: TaskTracker,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let turn = Arc::new(AtomicUsize::new(0));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("is never closed");
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                // Out of descriptors, or a client that left already: neither ends the endpoint.
                tracing::warn!(%error, "accepting a connection");
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
        };
        let (targets, turn) = (targets.clone(), Arc::clone(&turn));
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move {
            // A broken connection is between the client and the server; both see its end.
            let _ = serve(client, targets, &turn).await;
            drop(place);
        }));
    }
}

/// Carries one connection until either side, or the route, ends it.
async fn serve(
    mut client: TcpStream,
    mut targets: watch::Receiver<Targets>,
    turn: &AtomicUsize,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let route = Arc::clone(&targets.borrow_and_update());
    let Some((port, mut server)) = connect(&route, turn).await else {
        return Ok(());
    };
    server.set_nodelay(true)?;
    let (from_client, mut to_client) = client.split();
    let (from_server, mut to_server) = server.split();
    let mut requests = BufReader::with_capacity(BUFFER_BYTES, from_client);
    let mut answers = BufReader::with_capacity(BUFFER_BYTES, from_server);
    let ask = async {
        tokio::io::copy_buf(&mut requests, &mut to_server).await?;
        // A client may say that it has no more to ask and still wait for the answers.
        to_server.shutdown().await?;
        std::future::pending::<io::Result<()>>().await
    };
    tokio::select! {
        ended = ask => ended,
        ended = tokio::io::copy_buf(&mut answers, &mut to_client) => ended.map(|_| ()),
        _ = targets.wait_for(|targets| !targets.contains(&port)) => Ok(()),
    }
}

/// Connects to the next target in turn that takes the connection.
async fn connect(targets: &[u16], turn: &AtomicUsize) -> Option<(u16, TcpStream)> {
    let first = turn.fetch_add(1, Ordering::Relaxed);
    for offset in 0..targets.len() {
        let port = targets[first.wrapping_add(offset) % targets.len()];
        if let Ok(server) = TcpStream::connect(crate::port::address(port)).await {
            return Some((port, server));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt};

    /// A server that greets each connection with its name and then echoes.
    async fn echo(name: &'static str, tasks: &TaskTracker) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = tasks.clone();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    stream.write_all(format!("{name}\n").as_bytes()).await?;
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        port
    }

    async fn greeted(port: u16) -> (String, BufReader<TcpStream>) {
        let stream = TcpStream::connect(crate::port::address(port)).await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        (line.trim_end().to_owned(), stream)
    }

    #[tokio::test]
    async fn connections_are_spread_and_end_when_the_route_moves() {
        let tasks = TaskTracker::new();
        let (a, b) = (echo("a", &tasks).await, echo("b", &tasks).await);
        let forwarder = Forwarder::start().await.unwrap();
        assert_eq!(greeted(forwarder.port()).await.0, "", "nobody behind it: closed");

        forwarder.route(&[a, b]);
        let (first, one) = greeted(forwarder.port()).await;
        let (second, two) = greeted(forwarder.port()).await;
        assert_ne!(first, second);
        let (mut at_a, mut at_b) = if first == "a" { (one, two) } else { (two, one) };

        forwarder.route(&[b]);
        let mut rest = Vec::new();
        at_a.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "closed by the forwarder");
        at_b.write_all(b"still here\n").await.unwrap();
        let mut line = String::new();
        at_b.read_line(&mut line).await.unwrap();
        assert_eq!(line, "still here\n");
        assert_eq!(greeted(forwarder.port()).await.0, "b");
    }

    #[tokio::test]
    async fn a_dead_target_is_passed_over_and_a_half_closed_client_gets_its_answer() {
        let tasks = TaskTracker::new();
        let live = echo("live", &tasks).await;
        let forwarder = Forwarder::start().await.unwrap();
        forwarder.route(&[crate::port::free().unwrap(), live]);
        for _ in 0..4 {
            let (name, mut stream) = greeted(forwarder.port()).await;
            assert_eq!(name, "live");
            stream.write_all(b"question").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "question");
        }
    }

    #[tokio::test]
    async fn dropping_it_closes_the_port_and_its_connections() {
        let tasks = TaskTracker::new();
        let live = echo("live", &tasks).await;
        let forwarder = Forwarder::start().await.unwrap();
        forwarder.route(&[live]);
        let (_, mut stream) = greeted(forwarder.port()).await;
        let port = forwarder.port();
        drop(forwarder);
        let mut rest = Vec::new();
        // The end may arrive as an error; what matters is that it arrives.
        let _ = stream.read_to_end(&mut rest).await;
        crate::poll::until("the port is closed", Duration::from_secs(20), || async {
            TcpStream::connect(crate::port::address(port)).await.err()
        })
        .await
        .unwrap();
    }
}
