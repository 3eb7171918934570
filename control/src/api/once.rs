//! A change is done once, however often it is asked for.
//!
//! Who asks names the request by its `Idempotency-Key`. The same key with the same request gets
//! the first answer again, also from a daemon that was restarted, because answers are events in
//! the journal; with another request it is refused. Only what was done is remembered: a refusal
//! changed nothing and is worked out anew. A change that was begun is finished and written down
//! even if the client hangs up in the middle.

use super::{
    Api,
    access::Caller,
    answers::{Answer, Answered, Answers, KEYS_MAX, KIND, Kept, REMEMBERED},
    error::Error,
};
use crate::journal::{Entry, Journal, JournalError};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// An answer that is longer is not repeated. The journal takes 64 KiB with everything around it.
const ANSWER_BYTES_MAX: usize = 48 * 1024;
const KEY_CHARS_MAX: usize = 100;

/// The caller's own name for its request.
pub(super) struct IdempotencyKey(pub(super) String);

impl IdempotencyKey {
    fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
        let key = key.filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len()));
        key.map(|key| Self(key.to_owned())).ok_or_else(|| Error::Invalid {
            field: "Idempotency-Key",
            message: format!(
                "must be a header of 1 to {KEY_CHARS_MAX} characters that names this \
                 request and no other"
            ),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::read(&parts.headers)
    }
}

/// What is known of the keys, by who used them.
#[derive(Debug, Default)]
pub(super) struct Once(Mutex<BTreeMap<(String, String), Asked>>);

/// One key.
#[derive(Clone, Debug)]
struct Asked {
    /// SHA-256 of the method, the path and the body, in hex.
    request: String,
    /// `None` while it is being done.
    answer: Option<Answer>,
}

impl Once {
    /// The answers that the journal tells of.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub(super) async fn recover(
        journal: &Journal,
        now: DateTime<Utc>,
    ) -> Result<Self, JournalError> {
        let Answers(told) = journal.recall().await?;
        let all = told.into_iter().flat_map(|(who, keys)| {
            keys.into_iter().map(move |(key, one)| ((who.clone(), key), one))
        });
        let young = all.filter(|(_, one)| now - one.answer.at < REMEMBERED);
        let asked = young.map(|(name, Answered { request, answer })| {
            (name, Asked { request, answer: Some(answer) })
        });
        Ok(Self(Mutex::new(asked.collect())))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the key, or says what came of the request that it names.
    fn begin(
        &self,
        who: &str,
        key: &str,
        request: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>, Error> {
        let mut asked = self.lock();
        let name = (who.to_owned(), key.to_owned());
        let young = |answer: &Answer| now - answer.at < REMEMBERED;
        asked.retain(|_, one| one.answer.as_ref().is_none_or(young));
        match asked.get(&name) {
            Some(known) if known.request != request => Err(Error::KeyReused),
            Some(Asked { answer: Some(answer), .. }) => Ok(Some(answer.clone())),
            Some(_) => Err(Error::InProgress),
            None => {
                if asked.len() >= KEYS_MAX {
                    forget_oldest(&mut asked);
                }
                asked.insert(name, Asked { request: request.to_owned(), answer: None });
                Ok(None)
            }
        }
    }

    /// Keeps the answer, or frees the key when nothing was done.
    fn end(&self, who: &str, key: &str, answer: Option<Answer>) {
        let mut asked = self.lock();
        let name = (who.to_owned(), key.to_owned());
        match (asked.get_mut(&name), answer) {
            (Some(known), Some(answer)) => known.answer = Some(answer),
            (Some(_), None) => {
                asked.remove(&name);
            }
            (None, _) => {}
        }
    }
}

fn forget_oldest(asked: &mut BTreeMap<(String, String), Asked>) {
    let answered = |(name, one): (&(String, String), &Asked)| {
        one.answer.as_ref().map(|answer| (answer.at, name.clone()))
    };
    if let Some((_, name)) = asked.iter().filter_map(answered).min() {
        asked.remove(&name);
    }
}

/// Frees a key whose request ended without an answer, a panic included.
struct Taken {
    api: Api,
    who: String,
    key: String,
    answer: Option<Answer>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.api.once.end(&self.who, &self.key, self.answer.take());
    }
}

/// Does the change, unless it was done already.
pub(super) async fn answer(
    api: &Api,
    caller: Caller,
    asked: String,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let IdempotencyKey(key) = IdempotencyKey::read(request.headers())?;
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let fingerprint = fingerprint(&[parts.method.as_str(), &parts.uri.to_string()], &body);
    let now = (api.app.clock)();
    if let Some(before) = api.once.begin(&caller.name, &key, &fingerprint, now)? {
        return repeat(before);
    }
    let taken = Taken { api: api.clone(), who: caller.name, key, answer: None };
    let request = Request::from_parts(parts, Body::from(body));
    // On its own, so that a client that hangs up does not leave half of it undone.
    let done = api.app.tracker.spawn(async move {
        let response = next.run(request).await;
        keep(taken, asked, fingerprint, response).await
    });
    done.await.map_err(|_| Error::Panicked)
}

/// Writes the answer down before it is given.
async fn keep(mut taken: Taken, asked: String, request: String, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Error::Panicked.into_response();
    };
    let body = (bytes.len() <= ANSWER_BYTES_MAX)
        .then(|| if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) });
    let api = taken.api.clone();
    let at = (api.app.clock)();
    let answer = Answer { at, status: parts.status.as_u16(), body: body.and_then(Result::ok) };
    let summary = format!("{asked} answered {}", answer.status);
    let kept = Kept { key: taken.key.clone(), request, answer: answer.clone() };
    let data = serde_json::to_value(kept).expect("an answer has only text keys");
    let entry = Entry::by(&taken.who, "control/api", KIND, summary, data);
    if let Err(error) = api.app.journal.append(entry).await {
        // What was done stands and is in the journal by itself; only its repetition is at stake.
        tracing::error!(error = &error as &dyn std::error::Error, "an answer is not recorded");
    }
    taken.answer = Some(answer);
    Response::from_parts(parts, Body::from(bytes))
}

fn repeat(before: Answer) -> Result<Response, Error> {
    let status = StatusCode::from_u16(before.status).map_err(|_| Error::DoneBefore)?;
    match before.body {
        None => Err(Error::DoneBefore),
        Some(Value::Null) => Ok((status, [("idempotency-replayed", "true")]).into_response()),
        Some(body) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            let body = body.to_string();
            Ok((status, json, [("idempotency-replayed", "true")], body).into_response())
        }
    }
}

/// Each part is preceded by its length, so that no two requests feed the same bytes.
fn fingerprint(texts: &[&str], body: &Bytes) -> String {
    let mut digest = Sha256::new();
    for part in texts.iter().map(|text| text.as_bytes()).chain([body.as_ref()]) {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}
