//! Keeps the stream open: connects, reads, reconnects. Its own task, never in the way of a key.

use super::{backoff, sse::Parser};
use crate::update::Stream;
use anyhow::Context;
use futures::StreamExt;
use protocol::control::{EnvironmentView, Heartbeat, JournalEvent, Snapshot};
use reqwest::{Client, Response, StatusCode, header};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, mpsc};

/// A stream that is silent for three heartbeats is dead.
const SILENCE_MAX: Duration = Duration::from_secs(15);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Where the stream comes from.
pub struct Source {
    client: Client,
    url: String,
    token: String,
    /// Ends a wait between two attempts.
    pub hurry: Arc<Notify>,
}

/// How an open stream ended.
enum End {
    /// The dashboard is gone.
    Unheard,
    /// The daemon does not want this token.
    Refused(String),
    Lost(String),
}

impl Source {
    /// The stream of the daemon at `base`, under `token`.
    ///
    /// # Errors
    ///
    /// No HTTP client can be made on this machine.
    pub fn new(base: &str, token: String) -> anyhow::Result<Self> {
        let client = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .build()
            .context("making an HTTP client")?;
        let url = format!("{}/v1/stream", base.trim_end_matches('/'));
        Ok(Self { client, url, token, hurry: Arc::new(Notify::new()) })
    }

    /// Reads the stream for ever into `out`; returns when nobody listens or the token is refused.
    pub async fn follow(self, out: mpsc::Sender<Stream>) {
        let mut attempt = 0;
        let mut last_id = None;
        loop {
            let reason = match self.read(&out, &mut last_id, &mut attempt).await {
                End::Unheard => return,
                End::Refused(reason) => {
                    // If nobody listens there is nobody to tell.
                    let _ = out.send(Stream::Refused { reason }).await;
                    return;
                }
                End::Lost(reason) => reason,
            };
            attempt += 1;
            let retry_in = backoff::wait(attempt, chance(attempt));
            if out.send(Stream::Lost { reason, attempt, retry_in }).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(retry_in.to_std().unwrap_or_default()) => {}
                () = self.hurry.notified() => {}
            }
        }
    }

    async fn read(
        &self,
        out: &mpsc::Sender<Stream>,
        last_id: &mut Option<String>,
        attempt: &mut u32,
    ) -> End {
        let response = match self.open(last_id.as_deref()).await {
            Ok(response) => response,
            Err(end) => return end,
        };
        let mut chunks = response.bytes_stream();
        let mut parser = Parser::default();
        loop {
            let chunk = match tokio::time::timeout(SILENCE_MAX, chunks.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(fault))) => return End::Lost(words(&fault)),
                Ok(None) => return End::Lost("the daemon ended the stream".into()),
                Err(_) => return End::Lost(format!("silent for {}s", SILENCE_MAX.as_secs())),
            };
            let events = match parser.feed(&chunk) {
                Ok(events) => events,
                Err(fault) => return End::Lost(fault.to_string()),
            };
            for event in events {
                *attempt = 0;
                if let Some(id) = &event.id {
                    *last_id = Some(id.clone());
                }
                match decode(&event.kind, &event.data) {
                    Ok(Some(message)) => {
                        if out.send(message).await.is_err() {
                            return End::Unheard;
                        }
                    }
                    Ok(None) => {}
                    Err(fault) => return End::Lost(format!("{fault:#}")),
                }
            }
        }
    }

    async fn open(&self, last_id: Option<&str>) -> Result<Response, End> {
        let mut request = self
            .client
            .get(&self.url)
            .bearer_auth(&self.token)
            .header(header::ACCEPT, "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = tokio::time::timeout(CONNECT_WITHIN, request.send()).await;
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(fault)) => return Err(End::Lost(words(&fault))),
            Err(_) => return Err(End::Lost("no answer in time".into())),
        };
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::UNAUTHORIZED => {
                Err(End::Refused("the daemon does not know the token".into()))
            }
            StatusCode::FORBIDDEN => Err(End::Refused("the token may not read the stream".into())),
            status => Err(End::Lost(format!("the daemon answered {status}"))),
        }
    }
}

/// The message in an event; `None` for a kind of the future.
fn decode(kind: &str, data: &str) -> anyhow::Result<Option<Stream>> {
    let reading = || format!("reading a {kind} event");
    Ok(Some(match kind {
        "snapshot" => Stream::Snapshot(Box::new(
            serde_json::from_str::<Snapshot>(data).with_context(reading)?,
        )),
        "environment" => Stream::Environment(Box::new(
            serde_json::from_str::<EnvironmentView>(data).with_context(reading)?,
        )),
        "journal" => {
            Stream::Journal(serde_json::from_str::<JournalEvent>(data).with_context(reading)?)
        }
        "heartbeat" => {
            serde_json::from_str::<Heartbeat>(data).with_context(reading)?;
            Stream::Heartbeat
        }
        _ => return Ok(None),
    }))
}

/// The innermost cause, which is the one that a person can act on.
fn words(fault: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = fault;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Spreads dashboards apart without a random source: by process and attempt.
fn chance(attempt: u32) -> u16 {
    let mixed = std::process::id().wrapping_mul(2_654_435_761).wrapping_add(attempt * 97) % 1_001;
    u16::try_from(mixed).unwrap_or_default()
}
