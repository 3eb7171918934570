//! The certificate that we answer with, read again when it was renewed.
//!
//! A renewed file that cannot be used changes nothing: the old certificate stays in use until it
//! can, and the log says why.

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("reading the certificate chain {path}")]
    Certificate { path: PathBuf, source: pem::Error },
    #[error("{path} holds no certificate")]
    Empty { path: PathBuf },
    #[error("reading the private key {path}")]
    Key { path: PathBuf, source: pem::Error },
    #[error("using the private key {path} with {certificate}")]
    Pair { path: PathBuf, certificate: PathBuf, source: rustls::Error },
}

/// The certificate as it was last read.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Reads the certificate chain and its key.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or the two do not belong together.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = RwLock::new(read(certificate, key)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again.
    ///
    /// # Errors
    ///
    /// As [`Certificates::open`]; the certificate in use stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let renewed = read(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    /// How to speak TLS with whatever certificate is current.
    pub(super) fn server(self: Arc<Self>) -> Arc<ServerConfig> {
        let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("ring speaks both")
            .with_no_client_auth()
            .with_cert_resolver(self);
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(server)
    }

    /// Reads the files again at each SIGHUP, until `stop`.
    ///
    /// # Errors
    ///
    /// When the signal cannot be waited for.
    pub async fn renew(&self, stop: CancellationToken) -> std::io::Result<()> {
        let mut hangups = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = hangups.recv() => {}
            }
            match self.reload() {
                Ok(()) => tracing::info!("read the certificate again"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "kept the old certificate");
                }
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let of_chain = |source| TlsError::Certificate { path: certificate.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(certificate).map_err(of_chain)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(of_chain)?;
    if chain.is_empty() {
        return Err(TlsError::Empty { path: certificate.to_owned() });
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| TlsError::Key { path: key.to_owned(), source })?;
    let pair = CertifiedKey::from_der(chain, private, &ring::default_provider());
    let of_pair = |source| TlsError::Pair {
        path: key.to_owned(),
        certificate: certificate.to_owned(),
        source,
    };
    Ok(Arc::new(pair.map_err(of_pair)?))
}
