//! One way to make an HTTP client: TLS by rustls with ring, like the AWS clients, and a deadline on
//! everything.

use reqwest::{Client, ClientBuilder};
use std::time::Duration;

/// A client's settings. No request takes longer than `deadline`.
pub fn client(deadline: Duration) -> ClientBuilder {
    // The process has one provider; that another part installed it first is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(deadline).tcp_nodelay(true)
}
