//! The port, from before anybody is answered on it: a standby answers there too.

use super::Certificates;
use std::{
    io,
    net::{self, SocketAddr},
    path::Path,
    sync::Arc,
};
use tokio::net::TcpListener;

/// Why the port is not open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    #[error("listening on {address}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("writing our address to {path}")]
    AddressFile { path: String, source: io::Error },
}

/// An open port and what is spoken on it. Connections wait in the kernel's queue while nobody
/// answers.
pub struct Door {
    socket: net::TcpListener,
    /// Without one it is plain text.
    pub certificates: Option<Arc<Certificates>>,
}

impl Door {
    /// Opens the port, and writes its address down for whoever waits for it.
    ///
    /// # Errors
    ///
    /// When the port is taken, or the file cannot be written.
    pub fn open(
        address: SocketAddr,
        certificates: Option<Arc<Certificates>>,
        file: Option<&Path>,
    ) -> Result<Self, DoorError> {
        let bind = || {
            let socket = net::TcpListener::bind(address)?;
            socket.set_nonblocking(true)?;
            Ok((socket.local_addr()?, socket))
        };
        let (bound, socket) = bind().map_err(|source| DoorError::Bind { address, source })?;
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{bound}");
        tracing::info!(address = url, "control answers on {url}");
        if let Some(path) = file {
            std::fs::write(path, format!("{url}\n")).map_err(|source| DoorError::AddressFile {
                path: path.display().to_string(),
                source,
            })?;
        }
        Ok(Self { socket, certificates })
    }

    /// The port, for one more who answers on it.
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left.
    pub fn listener(&self) -> io::Result<TcpListener> {
        TcpListener::from_std(self.socket.try_clone()?)
    }
}
