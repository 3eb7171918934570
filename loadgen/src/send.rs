//! Sends one request and reads its answer. The only module that names the HTTP client.

use crate::{
    mix::{Operation, Request},
    tally::Outcome,
};
use anyhow::Context;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Uri,
    body::Bytes,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// Longer than the service's own deadline, so that the service answers first.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A statement of 50 lines is about 20 KB.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Somebody who owns a wallet.
#[derive(Clone, Debug)]
pub struct Owner {
    pub user: String,
    /// Nil until the wallet has been created.
    pub wallet: Uuid,
    pub bearer: HeaderValue,
}

/// What the service acknowledged about a write.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub transaction_id: Uuid,
    pub amount_minor: i64,
    /// Paid beside the amount.
    #[serde(default)]
    pub fee_minor: i64,
    pub new_balance_minor: i64,
    pub version: u64,
}

/// The client's view of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub outcome: Outcome,
    /// `None` when no answer came.
    pub status: Option<u16>,
    pub body: Bytes,
}

/// A pooled HTTP/1.1 client of one wallet service.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Client {
    /// A client of the service at `url`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// `url` is not an `http://` address.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().with_context(|| format!("{url:?} is not a URL"))?;
        anyhow::ensure!(uri.scheme_str() == Some("http"), "{url:?} must start with http://");
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(Self { pool, base })
    }

    /// Creates `owner`'s wallet under `key` and returns its id.
    ///
    /// # Errors
    ///
    /// Anything but a wallet came back.
    pub async fn create_wallet(&self, owner: &Owner, key: &str) -> anyhow::Result<Uuid> {
        #[derive(Deserialize)]
        struct Created {
            id: Uuid,
        }
        let body = format!(r#"{{"userId":"{}","currency":"BRL"}}"#, owner.user);
        let url = format!("{}/api/v1/wallets", self.base);
        let answer = self.send(Method::POST, &url, &owner.bearer, Some((key, body))).await;
        let text = String::from_utf8_lossy(&answer.body);
        anyhow::ensure!(
            answer.outcome == Outcome::Succeeded,
            "creating a wallet: status {:?}: {text}",
            answer.status
        );
        let created: Created = serde_json::from_slice(&answer.body)
            .with_context(|| format!("reading the created wallet from {text}"))?;
        Ok(created.id)
    }

    /// Sends `request` of `owner`. A write goes under `key`; `at` is a historical request's
    /// instant.
    pub async fn request(
        &self,
        request: &Request,
        owner: &Owner,
        destination: Uuid,
        key: &str,
        at: &str,
    ) -> Answer {
        let wallet = owner.wallet;
        let base = &self.base;
        let (whole, cents) = (request.amount_minor / 100, request.amount_minor % 100);
        let amount = format!(r#""amount":"{whole}.{cents:02}""#);
        let post = |path: &str, body: String| {
            (Method::POST, format!("{base}/api/v1/wallets/{wallet}/{path}"), Some((key, body)))
        };
        let get =
            |path: String| (Method::GET, format!("{base}/api/v1/wallets/{wallet}/{path}"), None);
        let (method, url, write) = match request.operation {
            Operation::Deposit => post("deposit", format!("{{{amount}}}")),
            Operation::Withdraw => post("withdraw", format!("{{{amount}}}")),
            Operation::Transfer => {
                post("transfer", format!(r#"{{{amount},"destinationWalletId":"{destination}"}}"#))
            }
            Operation::Balance | Operation::CreateWallet => get("balance".into()),
            Operation::BalanceAt => get(format!("balance/historical?timestamp={at}")),
            Operation::Statement => get("statement?limit=20".into()),
        };
        self.send(method, &url, &owner.bearer, write).await
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        bearer: &HeaderValue,
        write: Option<(&str, String)>,
    ) -> Answer {
        let none = Answer { outcome: Outcome::Unavailable, status: None, body: Bytes::new() };
        let mut builder =
            hyper::Request::builder().method(method).uri(url).header(AUTHORIZATION, bearer);
        let mut body = Bytes::new();
        if let Some((key, text)) = write {
            builder = builder
                .header("idempotency-key", key)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            body = text.into();
        }
        let Ok(request) = builder.body(Full::new(body)) else { return none };
        let exchange = async {
            let response = self.pool.request(request).await.ok()?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await.ok()?;
            Some((status, body.to_bytes()))
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(Some((status, body))) => {
                Answer { outcome: classify(status, &body), status: Some(status), body }
            }
            Ok(None) | Err(_) => none,
        }
    }
}

fn classify(status: u16, body: &[u8]) -> Outcome {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
    }
    match status {
        200..=299 => Outcome::Succeeded,
        429 | 500..=599 => Outcome::Unavailable,
        _ => match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if problem.code == "INSUFFICIENT_FUNDS" => Outcome::Declined,
            _ => Outcome::Refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_done_declined_refused_or_to_be_asked_again() {
        let funds = br#"{"code":"INSUFFICIENT_FUNDS"}"#.as_slice();
        for (status, body, want) in [
            (200, b"{}".as_slice(), Outcome::Succeeded),
            (201, b"", Outcome::Succeeded),
            (400, funds, Outcome::Declined),
            (400, br#"{"code":"INVALID_AMOUNT"}"#, Outcome::Refused),
            (404, b"not json", Outcome::Refused),
            (429, b"", Outcome::Unavailable),
            (500, funds, Outcome::Unavailable),
            (503, b"", Outcome::Unavailable),
        ] {
            assert_eq!(classify(status, body), want, "{status}");
        }
    }
}
