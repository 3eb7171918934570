//! The open port: who may connect, how many at once, and for how long without saying anything.
//!
//! Speaks HTTP/1.1, over TLS when a certificate is given. Without one only this machine is let
//! near, unless whoever starts the daemon says that they mean it: a bearer token in plain text is
//! everybody's. It does not know what is asked; that is the router's.

mod door;
mod place;
mod tls;

pub use door::{Door, DoorError};
pub use tls::{Certificates, TlsError};

use axum::{Router, body::Body};
use clap::Args;
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use place::{Place, Places};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// Longer than a slow phone needs to greet us.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// From the first byte of a request's head to its last.
const HEAD_MAX: Duration = Duration::from_secs(15);
/// No file descriptor is free: connections that end make room.
const FULL_WAIT: Duration = Duration::from_millis(100);

/// The address that a request came from: an extension of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Where to answer, and how.
#[derive(Args, Clone, Debug)]
pub struct Listening {
    /// Where to answer; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The certificate chain in PEM, ours first. Read again on SIGHUP.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Answer in plain text although others than this machine can listen in.
    #[arg(long)]
    pub insecure_listen: bool,
}

/// What is wrong with where and how to answer.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "--listen {address} can be reached by others, and tokens would be sent in plain text: \
         give --tls-certificate and --tls-key, listen on 127.0.0.1, or say --insecure-listen"
    )]
    Plain { address: SocketAddr },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Listening {
    /// Checks the flags, and reads the certificate if there is one.
    ///
    /// # Errors
    ///
    /// What would make it unsafe or impossible to answer.
    pub fn check(&self) -> Result<Option<Arc<Certificates>>, ListenError> {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Ok(Some(Arc::new(Certificates::open(certificate, key)?)))
            }
            _ if self.listen.ip().is_loopback() || self.insecure_listen => Ok(None),
            _ => Err(ListenError::Plain { address: self.listen }),
        }
    }
}

/// Answers until `stop`, and then until every open request is answered.
pub async fn serve(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    router: Router,
    stop: CancellationToken,
) {
    let acceptor = certificates.map(|certificates| TlsAcceptor::from(certificates.server()));
    let (places, connections) = (Places::default(), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Who finds no place is turned away at once, not kept waiting in a queue.
                let Some(place) = places.take(peer.ip()) else { continue };
                let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
                connections.spawn(greet(stream, acceptor, place, router, stop));
            }
            Err(error) if gone(&error) => {}
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot accept");
                sleep(FULL_WAIT).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

/// The client left before it was accepted: its affair.
fn gone(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind())
}

async fn greet(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    place: Place,
    router: Router,
    stop: CancellationToken,
) {
    // Events are small and shall not wait for each other.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else { return converse(stream, place, router, stop).await };
    // Who does not finish the handshake, or speaks something else, hears nothing more.
    if let Ok(Ok(stream)) = timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
        converse(stream, place, router, stop).await;
    }
}

async fn converse<S>(stream: S, place: Place, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = Peer(place.address());
    let router = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke");
    }
    drop(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(address: &str, insecure_listen: bool) -> Listening {
        let listen = address.parse().unwrap();
        Listening { listen, tls_certificate: None, tls_key: None, insecure_listen }
    }

    #[test]
    fn plain_text_is_for_this_machine_unless_somebody_says_that_they_mean_it() {
        #[rustfmt::skip]
        let table = [
            ("127.0.0.1:0",   false, true),
            ("127.8.0.1:80",  false, true),
            ("[::1]:0",       false, true),
            ("0.0.0.0:0",     false, false),
            ("[::]:0",        false, false),
            ("10.0.0.1:9100", false, false),
            ("0.0.0.0:0",     true,  true),
        ];
        for (address, insecure, want) in table {
            let checked = listening(address, insecure).check();
            assert_eq!(checked.is_ok(), want, "{address} {insecure}");
            if let Err(error) = checked {
                assert!(error.to_string().contains("--tls-certificate"), "the way out: {error}");
            }
        }
    }
}
