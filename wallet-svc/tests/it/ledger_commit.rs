//! The database's answer gets lost, at the worst moment: after COMMIT was sent.

use crate::ledger_world::{PATIENCE, World, open, payment};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use wallet_svc::ledger::command::{Actor, Command, Outcome};
use wallet_svc::ledger::money::Currency;
use wallet_svc::store::{Settings, SubmitError};

/// What the proxy does to a statement that ends in COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Passes it on and drops the connection instead of the reply.
    Reply,
    /// Drops the connection instead of passing it on.
    Request,
}

/// A proxy before the database that fails some commits.
struct Proxy {
    port: u16,
    failing: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (failing, cuts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let server = world.server.port;
        let (stop, tracker) = (world.stop.clone(), world.tracker.clone());
        let proxy = Self { port, failing: Arc::clone(&failing), cuts: Arc::clone(&cuts) };
        world.tracker.spawn(async move {
            loop {
                let client = tokio::select! {
                    client = listener.accept() => client.expect("accepting").0,
                    () = stop.cancelled() => break,
                };
                let (failing, cuts) = (Arc::clone(&failing), Arc::clone(&cuts));
                let server = TcpStream::connect(("127.0.0.1", server)).await.expect("the server");
                client.set_nodelay(true).expect("a socket");
                server.set_nodelay(true).expect("a socket");
                tracker.spawn(pass(client, server, failing, cuts));
            }
        });
        proxy
    }
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    failing: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
) {
    let (mut up, mut down) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(n @ 1..) = read else { return };
                if failing.load(Ordering::SeqCst) && up[..n].ends_with(b"COMMIT") {
                    // Every third one passes; the others fail in turns.
                    let turns = [None, Some(Cut::Reply), Some(Cut::Request)];
                    match turns[cuts.fetch_add(1, Ordering::SeqCst) % 3] {
                        Some(Cut::Request) => return,
                        Some(Cut::Reply) => {
                            server.write_all(&up[..n]).await.expect("the server lives");
                            // Its reply means that it is done.
                            let _replied = server.read(&mut down).await;
                            return;
                        }
                        None => {}
                    }
                }
                if server.write_all(&up[..n]).await.is_err() { return }
            }
            read = server.read(&mut down) => {
                let Ok(n @ 1..) = read else { return };
                if client.write_all(&down[..n]).await.is_err() { return }
            }
        }
    }
}

fn through(world: &World, proxy: &Proxy) -> Settings {
    let direct = world.settings("one");
    let writer_url = direct
        .writer_url
        .replace(&format!(":{}/", world.server.port), &format!(":{}/", proxy.port));
    Settings { writer_url, ..direct }
}

fn deposit(wallet: uuid::Uuid, key: &str) -> Command {
    Command::deposit(wallet, Actor::Admin, key, payment("1"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_to_commit_neither_loses_nor_doubles_a_deposit() {
    let world = World::start().await;
    let proxy = Proxy::start(&world).await;
    let ledger = world.ledger_with(&through(&world, &proxy)).await;
    let id = open(&ledger, "ana", Currency::Brl).await;
    proxy.failing.store(true, Ordering::SeqCst);
    let clients = (0..8).map(|client| {
        let ledger = ledger.clone();
        async move {
            for turn in 0..25 {
                let deadline = Instant::now() + PATIENCE;
                let command = deposit(id, &format!("deposit {client} {turn}"));
                let outcome = ledger.submit(command, deadline).await;
                assert!(outcome.expect("found out in time").result.is_ok());
            }
        }
    });
    join_all(clients).await;
    proxy.failing.store(false, Ordering::SeqCst);
    assert!(proxy.cuts.load(Ordering::SeqCst) > 30, "commits were cut");
    let wallet = ledger.wallet(id).await.expect("a read").expect("a wallet").wallet;
    assert_eq!((wallet.available, wallet.version), (200 * 100, 201));
    world.finish().await;
}

/// With deadlines too short to find out, the answer is that it is not known, and the key finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledgement_exists_and_every_error_can_be_sent_again() {
    let world = World::start().await;
    let proxy = Proxy::start(&world).await;
    let ledger = world.ledger_with(&through(&world, &proxy)).await;
    let id = open(&ledger, "ana", Currency::Brl).await;
    proxy.failing.store(true, Ordering::SeqCst);
    let clients = (0..64).map(|client| {
        let ledger = ledger.clone();
        async move {
            let key = format!("deposit {client}");
            let deadline = Instant::now() + Duration::from_millis(15 + 3 * client);
            let result = ledger.submit(deposit(id, &key), deadline).await;
            (key, result)
        }
    });
    let answers = join_all(clients).await;
    proxy.failing.store(false, Ordering::SeqCst);
    let mut unknown = 0;
    for (key, answer) in answers {
        let again: Outcome = loop {
            match ledger.submit(deposit(id, &key), Instant::now() + PATIENCE).await {
                Ok(outcome) => break outcome,
                Err(SubmitError::OutcomeUnknown | SubmitError::Unavailable { .. }) => {}
                Err(error) => panic!("{key}: {error}"),
            }
        };
        match answer {
            Ok(first) => {
                assert!(again.replayed, "{key} was acknowledged");
                assert_eq!(again.result, first.result, "{key}");
            }
            Err(SubmitError::OutcomeUnknown) => unknown += 1,
            // It was not begun, so it was not there.
            Err(SubmitError::Timeout) => assert!(!again.replayed, "{key} was not begun"),
            Err(error) => panic!("{key}: {error}"),
        }
    }
    println!("{unknown} outcomes were unknown");
    let wallet = ledger.wallet(id).await.expect("a read").expect("a wallet").wallet;
    assert_eq!((wallet.available, wallet.version), (64 * 100, 65));
    world.finish().await;
}
