//! Free loopback ports for servers that must be told their port before they start.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

/// Below the range from which Linux takes the local ports of outgoing connections (32768 and up):
/// a server that restarts on its port a minute later must still find it free.
const PORTS: Range<u16> = 15_000..32_000;

/// How often to try: with half of the range taken, 1,000 failures in a row do not happen.
const ATTEMPTS: u32 = 1_000;

/// Handed out by this process, also when nobody listens yet.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// How long a look at a port may take; on loopback it is answered at once or refused at once.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// A port on 127.0.0.1 where nobody listens, never handed out twice by this process.
///
/// It is only looked at and not bound: a child that is just being forked would hold our socket
/// until it runs its program, and whoever was told the port would find it busy.
///
/// # Errors
///
/// No free port was found.
pub fn free() -> io::Result<u16> {
    take(|port| nobody_listens(port).then_some(port))
}

fn nobody_listens(port: u16) -> bool {
    TcpStream::connect_timeout(&address(port).into(), LOOK_LIMIT)
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// A port with its listener, for servers of our own.
///
/// # Errors
///
/// No free port was found.
pub fn listen() -> io::Result<(u16, TcpListener)> {
    take(|port| {
        let listener = TcpListener::bind(address(port)).ok()?;
        listener.set_nonblocking(true).ok()?;
        Some((port, listener))
    })
}

/// Tries ports by chance until one suits.
fn take<T>(suits: impl Fn(u16) -> Option<T>) -> io::Result<T> {
    let mut taken = TAKEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for _ in 0..ATTEMPTS {
        let port = rand::random_range(PORTS);
        if taken.contains(&port) {
            continue;
        }
        if let Some(found) = suits(port) {
            taken.insert(port);
            return Ok(found);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "finding a free loopback port"))
}

/// The loopback address of a port.
#[must_use]
pub fn address(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_and_handed_out_once() {
        let ports: Vec<_> = (0..50).map(|_| free().unwrap()).collect();
        let distinct: BTreeSet<_> = ports.iter().collect();
        assert_eq!(distinct.len(), ports.len());
        assert!(ports.iter().all(|port| PORTS.contains(port)));
        TcpListener::bind(address(ports[0])).unwrap();
    }

    #[test]
    fn a_port_where_somebody_listens_is_not_free() {
        let (port, _listener) = listen().unwrap();
        assert!(!nobody_listens(port));
    }
}
