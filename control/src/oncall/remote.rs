//! Asks a daemon over its API, and says of a refusal what was wrong and the way out.

use std::{fmt, io, time::Duration};

use protocol::{control::HealthView, problem::Problem};
use reqwest::{Client, Method, RequestBuilder};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::config::Daemon;

/// Planning looks at the world; longer than the daemon gives it.
const ANSWER_MAX: Duration = Duration::from_secs(40);

/// What kept us from it.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("reading the token from {path}; `--token-file` names the file")]
    Token { path: String, source: io::Error },
    #[error("preparing an HTTP client")]
    Client { source: reqwest::Error },
    #[error("{doing}: {url} does not answer; `--url` names the daemon")]
    Away { doing: &'static str, url: String, source: reqwest::Error },
    #[error(
        "{doing}: no answer came, so it is not known whether it was done; ask again with \
         `--key {key}` and it is done once"
    )]
    Unsure { doing: &'static str, key: String, source: reqwest::Error },
    #[error("{doing}: {refusal}")]
    Refused { doing: &'static str, refusal: Box<Refusal> },
    #[error(
        "{doing}: its plan is {theirs}, and not the one that you saw; nothing was approved. Look \
         at it again with `control runs`"
    )]
    OtherPlan { doing: &'static str, theirs: String },
    #[error("{doing}: the answer is not what this version expects")]
    Answer { doing: &'static str, source: serde_json::Error },
    #[error("printing")]
    Print(#[from] io::Error),
}

impl RemoteError {
    /// True when it is likely to pass: a daemon starts anew, or another one takes over.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Refused { refusal, .. } => matches!(**refusal, Refusal::Standby(_)),
            _ => false,
        }
    }
}

/// What the daemon said instead of doing it.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    Problem(Problem),
    /// It does not lead.
    Standby(Box<HealthView>),
    /// Something else answered.
    Other {
        status: u16,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => {
                write!(f, "{}", problem.detail)?;
                for error in &problem.errors {
                    // One that is the detail itself is not said twice.
                    if error.message != problem.detail {
                        write!(f, "\n  {}: {}", error.field, error.message)?;
                    } else {
                        write!(f, " ({})", error.field)?;
                    }
                }
                if let Some(state) = &problem.current_state {
                    write!(f, "; it is {state}")?;
                }
                match way_out(problem) {
                    Some(way) => write!(f, "\n{way}"),
                    None => Ok(()),
                }
            }
            Self::Standby(health) => {
                let leader = health.leader.as_deref().unwrap_or("another one");
                write!(f, "this daemon stands by, and {leader} leads: ask that one with `--url`")
            }
            Self::Other { status } => {
                write!(f, "status {status}, and not as control answers; `--url` names the daemon")
            }
        }
    }
}

/// What helps, where the detail does not say it.
fn way_out(problem: &Problem) -> Option<&'static str> {
    Some(match problem.code.as_str() {
        "UNAUTHENTICATED" | "INVALID_TOKEN" => {
            "name the file of a token that this daemon knows with --token-file"
        }
        "INSUFFICIENT_ROLE" | "NO_ROLE" => "ask somebody who has that role",
        "NOT_FOUND" => "`control alerts` and `control runs` list what there is",
        "ALERT_STATE_CONFLICT" | "NOT_NOW" | "STATE_MOVED" | "RUN_ENDED" => {
            "look again with `control alerts` or `control runs`, and decide anew"
        }
        "TOO_MANY_STAND" => "end one that is not needed with `control release`",
        _ if problem.retryable => "ask again in a moment",
        _ => return None,
    })
}

/// A daemon, and who asks it.
pub(super) struct Remote {
    http: Client,
    url: String,
    token: String,
}

impl Remote {
    /// Reads the token. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// When the token cannot be read.
    pub(super) fn new(daemon: &Daemon) -> Result<Self, RemoteError> {
        let path = daemon.token_file.display().to_string();
        let token = std::fs::read_to_string(&daemon.token_file)
            .map_err(|source| RemoteError::Token { path, source })?;
        let http = crate::http::client(ANSWER_MAX)
            .build()
            .map_err(|source| RemoteError::Client { source })?;
        let url = daemon.url.trim_end_matches('/').to_owned();
        Ok(Self { http, url, token: token.trim().to_owned() })
    }

    /// Looks at something.
    ///
    /// # Errors
    ///
    /// When the daemon does not answer or refuses.
    pub(super) async fn get(&self, doing: &'static str, path: &str) -> Result<Value, RemoteError> {
        self.send(doing, self.request(Method::GET, path), None).await
    }

    /// Has something worked out that changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Remote::get`].
    pub(super) async fn ask(
        &self,
        doing: &'static str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Value, RemoteError> {
        self.send(doing, self.request(Method::POST, path).json(body), None).await
    }

    /// Changes something, once for each key.
    ///
    /// # Errors
    ///
    /// As [`Remote::get`]; [`RemoteError::Unsure`] when it may have been done.
    pub(super) async fn change(
        &self,
        doing: &'static str,
        (method, path): (Method, &str),
        body: Option<&(impl Serialize + Sync)>,
        key: &str,
    ) -> Result<Value, RemoteError> {
        let mut request = self.request(method, path).header("Idempotency-Key", key);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(doing, request, Some(key)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    async fn send(
        &self,
        doing: &'static str,
        request: RequestBuilder,
        key: Option<&str>,
    ) -> Result<Value, RemoteError> {
        let failed = |source: reqwest::Error| match key {
            // A connection that was not made carried nothing.
            Some(key) if !source.is_connect() => {
                RemoteError::Unsure { doing, key: key.to_owned(), source }
            }
            _ => RemoteError::Away { doing, url: self.url.clone(), source },
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let text = response.text().await.map_err(failed)?;
        if status.is_success() {
            // What was ended has no body.
            let text = if text.is_empty() { "null" } else { &text };
            return serde_json::from_str(text)
                .map_err(|source| RemoteError::Answer { doing, source });
        }
        let refusal = Box::new(refusal(status.as_u16(), &text));
        Err(RemoteError::Refused { doing, refusal })
    }
}

fn refusal(status: u16, text: &str) -> Refusal {
    if let Ok(problem) = serde_json::from_str(text) {
        return Refusal::Problem(problem);
    }
    match serde_json::from_str::<HealthView>(text) {
        Ok(health) if health.standby => Refusal::Standby(Box::new(health)),
        _ => Refusal::Other { status },
    }
}

/// An answer as the type that it should be.
///
/// # Errors
///
/// When it is another one.
pub(super) fn read<T: DeserializeOwned>(
    doing: &'static str,
    answer: &Value,
) -> Result<T, RemoteError> {
    T::deserialize(answer).map_err(|source| RemoteError::Answer { doing, source })
}

/// Names a request that nobody named.
#[must_use]
pub(super) fn new_key() -> String {
    format!("cli-{}", uuid::Uuid::now_v7())
}
