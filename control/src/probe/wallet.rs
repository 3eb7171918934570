//! The wallet's API as the canary uses it: two wallets of its own, and a transfer of one cent.

use protocol::wallet::{CreateWallet, MoveMoney, TransactionView, WalletView, WalletsView};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use std::{path::PathBuf, time::Duration};
use uuid::Uuid;

/// The user whose wallets the canary moves money between.
const USER: &str = "canary";
/// Longer than any answer that a client would wait for.
const DEADLINE: Duration = Duration::from_millis(1_500);
/// Enough for a hundred years of probes at four a second, in whole currency.
const FLOAT: &str = "1000.00";

/// What the canary could not do.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    #[error("preparing an HTTP client for the canary: {reason}")]
    Client { reason: String },
    #[error("reading the canary's token from {path}")]
    Token { path: String, source: std::io::Error },
    #[error("{doing}: {reason}")]
    Call { doing: &'static str, reason: String },
    #[error("{doing}: the wallet answered {status}")]
    Refused { doing: &'static str, status: StatusCode },
}

/// A client of one environment's wallet.
#[derive(Clone, Debug)]
pub struct Wallet {
    http: Client,
    /// `http://host:port`, the load balancer's.
    url: String,
    token_file: PathBuf,
}

/// The canary's two wallets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub from: Uuid,
    pub to: Uuid,
}

impl Wallet {
    /// A client of the wallet at `url`. The token is read with each call, so that it can be
    /// renewed under us.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be made.
    pub fn new(url: &str, token_file: PathBuf) -> Result<Self, WalletError> {
        let http = crate::http::client(DEADLINE)
            // A connection kept open to a stopped task would hide an outage, or invent one.
            .pool_idle_timeout(Duration::from_secs(5))
            .build()
            .map_err(|e| WalletError::Client { reason: e.to_string() })?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token_file })
    }

    /// The canary's wallets, created and filled on first use.
    ///
    /// # Errors
    ///
    /// When the wallet cannot be asked.
    pub async fn prepare(&self) -> Result<Pair, WalletError> {
        let path = format!("/api/v1/users/{USER}/wallets?limit=2");
        let found: WalletsView =
            self.send("listing the canary's wallets", self.http.get(self.at(&path))).await?;
        let mut ids: Vec<Uuid> = found.wallets.iter().map(|wallet| wallet.id).collect();
        while ids.len() < 2 {
            ids.push(self.create().await?);
        }
        ids.sort_unstable();
        let pair = Pair { from: ids[0], to: ids[1] };
        for wallet in [pair.from, pair.to] {
            self.deposit(wallet).await?;
        }
        Ok(pair)
    }

    async fn create(&self) -> Result<Uuid, WalletError> {
        let body = CreateWallet { user_id: USER.to_owned(), currency: None };
        let request = self.http.post(self.at("/api/v1/wallets")).json(&body);
        let wallet: WalletView = self.send("creating a canary wallet", keyed(request)).await?;
        Ok(wallet.id)
    }

    async fn deposit(&self, wallet: Uuid) -> Result<(), WalletError> {
        // The same key for the same wallet: it is filled once, however often control starts.
        let key = format!("canary-float-{wallet}");
        let path = format!("/api/v1/wallets/{wallet}/deposit");
        let request = self.http.post(self.at(&path)).json(&movement(FLOAT, None));
        let request = request.header("Idempotency-Key", key);
        let _: TransactionView = self.send("filling a canary wallet", request).await?;
        Ok(())
    }

    /// Moves one cent. Each call is a command of its own.
    ///
    /// # Errors
    ///
    /// When the transfer was not acknowledged in time.
    pub async fn transfer(&self, pair: Pair) -> Result<(), WalletError> {
        let path = format!("/api/v1/wallets/{}/transfer", pair.from);
        let request = self.http.post(self.at(&path)).json(&movement("0.01", Some(pair.to)));
        let _: TransactionView = self.send("moving the canary's cent", keyed(request)).await?;
        Ok(())
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        request: RequestBuilder,
    ) -> Result<T, WalletError> {
        let token = tokio::fs::read_to_string(&self.token_file).await.map_err(|source| {
            WalletError::Token { path: self.token_file.display().to_string(), source }
        })?;
        let failed = |error: reqwest::Error| WalletError::Call { doing, reason: cause(&error) };
        let response = request.bearer_auth(token.trim()).send().await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            return Err(WalletError::Refused { doing, status });
        }
        response.json().await.map_err(failed)
    }
}

fn keyed(request: RequestBuilder) -> RequestBuilder {
    request.header("Idempotency-Key", format!("canary-{}", Uuid::now_v7()))
}

fn movement(amount: &str, to: Option<Uuid>) -> MoveMoney {
    MoveMoney {
        amount: amount.to_owned(),
        currency: None,
        reference_id: None,
        description: None,
        destination_wallet_id: to,
    }
}

/// The innermost cause, which says more than `error sending request`.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}
