//! Asks the control daemon's API for JSON. Not a general client: loopback, GET, small answers.

use anyhow::Context;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, body::Bytes, header::AUTHORIZATION};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);
const BODY_BYTES_MAX: usize = 4 << 20;

/// The API at one address, asked under one token.
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client<HttpConnector, Empty<Bytes>>,
    pub(super) base: String,
    token: String,
}

impl Api {
    pub(super) fn new(base: &str, token: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }

    /// The JSON at `path`, such as `/v1/environments`.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.base);
        let request = Request::get(&url)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Empty::new())?;
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), BODY_BYTES_MAX)
                .collect()
                .await
                .map_err(|fault| anyhow::anyhow!(fault))?
                .to_bytes();
            let text = String::from_utf8_lossy(&body);
            anyhow::ensure!(status.is_success(), "status {status}: {text}");
            Ok(serde_json::from_slice(&body)?)
        };
        let answer: anyhow::Result<Value> =
            tokio::time::timeout(TIMEOUT, exchange).await.context("no answer in time")?;
        answer.with_context(|| format!("asking {url}"))
    }
}
