//! What a request says outside of its body: path, query and the headers that change an answer.

use super::{Edge, error::Error, fields::Fields};
use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, header, request::Parts},
};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use protocol::wallet::Code;
use tokio::time::Instant;
use uuid::Uuid;

/// Users are named by 1 to this many characters of `[A-Za-z0-9-_@.]`.
const USER_ID_CHARS_MAX: usize = 100;
/// Entries or wallets on a page.
const PAGE_MAX: u16 = 200;
const PAGE_DEFAULT: u16 = 50;
/// The database's clock stamps the entries. It may be this far ahead of ours, so that the instant
/// of an entry just posted is not refused as lying in the future.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(1);

/// The wallet that a path names.
pub struct WalletId(pub Uuid);

/// The wallet and the hold that a path names.
pub struct HoldId {
    pub wallet_id: Uuid,
    pub hold_id: Uuid,
}

/// The transaction that a path names.
pub struct TransactionId(pub Uuid);

/// The user that a path names.
pub struct UserId(pub String);

/// When the request's answer is due.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

/// `?minVersion=…`: the least version of the wallet that the caller already knows of.
pub struct MinVersion(pub Option<u64>);

/// `?timestamp=…`: an instant that is not in the future.
pub struct Timestamp(pub DateTime<Utc>);

/// `?cursor=…&limit=…`.
pub struct Page<C> {
    pub cursor: Option<C>,
    pub limit: u16,
}

/// `?dryRun=true`: decide and answer, and write nothing.
#[derive(Clone, Copy, Debug)]
pub struct DryRun(pub bool);

/// `If-None-Match: …`
pub struct IfNoneMatch(pub Option<String>);

impl FromRequestParts<Edge> for WalletId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        uuid_of_path(parts, "walletId").await.map(Self)
    }
}

impl FromRequestParts<Edge> for TransactionId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        uuid_of_path(parts, "transactionId").await.map(Self)
    }
}

impl FromRequestParts<Edge> for HoldId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        let texts = Path::<(String, String)>::from_request_parts(parts, &()).await;
        let Path((wallet, hold)) = texts.map_err(|_| not_utf8("walletId"))?;
        Ok(Self { wallet_id: named("walletId", &wallet)?, hold_id: named("holdId", &hold)? })
    }
}

impl FromRequestParts<Edge> for UserId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        let user_id = path(parts, "userId").await?;
        match read_user_id(&user_id) {
            Ok(()) => Ok(Self(user_id)),
            Err(message) => Err(Error::field(Code::InvalidRequest, "userId", message)),
        }
    }
}

impl FromRequestParts<Edge> for Deadline {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Error> {
        let set = parts.extensions.get::<Self>().copied();
        Ok(set.unwrap_or_else(|| Self(Instant::now() + edge.limits.request_timeout)))
    }
}

impl FromRequestParts<Edge> for MinVersion {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        let mut fields = Fields::of_query(&parts.uri)?;
        let digits = fields.digits("minVersion", Code::InvalidRequest);
        let version = fields.read((Code::InvalidRequest, "minVersion"), digits, |digits| {
            digits.parse().map_err(|_| "must be a whole number from 0".to_owned())
        });
        fields.finish().map(|()| Self(version))
    }
}

impl FromRequestParts<Edge> for DryRun {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        let mut fields = Fields::of_query(&parts.uri)?;
        let dry_run = fields.flag("dryRun").unwrap_or(false);
        fields.finish().map(|()| Self(dry_run))
    }
}

impl FromRequestParts<Edge> for Timestamp {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Error> {
        const FIELD: (Code, &str) = (Code::InvalidTimestamp, "timestamp");
        let mut fields = Fields::of_query(&parts.uri)?;
        let text = fields.text(FIELD.1);
        let instant = fields.read(FIELD, text, |text| read_timestamp(text, edge.clock.now()));
        let instant = fields.required(FIELD.0, FIELD.1, instant);
        fields.finish().map(|()| Self(instant.expect("finish refuses an absent field")))
    }
}

impl<C: std::str::FromStr + Send> FromRequestParts<Edge> for Page<C> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        const CODE: Code = Code::InvalidRequest;
        let mut fields = Fields::of_query(&parts.uri)?;
        let (cursor, limit) = (fields.text("cursor"), fields.text("limit"));
        let cursor = fields.read((CODE, "cursor"), cursor, |cursor| {
            cursor.parse().map_err(|_| "must be a `nextCursor` of an earlier page".to_owned())
        });
        let limit = fields.read((CODE, "limit"), limit, |limit| {
            let limit = limit.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
            limit.ok_or_else(|| format!("must be a whole number from 1 to {PAGE_MAX}"))
        });
        fields.finish().map(|()| Self { cursor, limit: limit.unwrap_or(PAGE_DEFAULT) })
    }
}

impl FromRequestParts<Edge> for IfNoneMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Error> {
        Ok(Self(text(&parts.headers, header::IF_NONE_MATCH)))
    }
}

impl IfNoneMatch {
    /// Whether the client already has the representation with this entity tag.
    #[must_use]
    pub fn has(&self, tag: &str) -> bool {
        let listed = |list: &String| {
            list.split(',').map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == tag)
        };
        self.0.as_ref().is_some_and(listed)
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

async fn path(parts: &mut Parts, name: &str) -> Result<String, Error> {
    let text = Path::<String>::from_request_parts(parts, &()).await;
    text.map(|Path(text)| text).map_err(|_| not_utf8(name))
}

fn not_utf8(name: &str) -> Error {
    Error::field(Code::InvalidRequest, name, "is not valid UTF-8 after percent-decoding")
}

async fn uuid_of_path(parts: &mut Parts, name: &str) -> Result<Uuid, Error> {
    let text = path(parts, name).await?;
    named(name, &text)
}

fn named(name: &str, text: &str) -> Result<Uuid, Error> {
    read_uuid(text).map_err(|message| Error::field(Code::InvalidRequest, name, message))
}

/// Reads an id in its usual form of 36 characters.
///
/// # Errors
///
/// What to send instead.
pub(super) fn read_uuid(text: &str) -> Result<Uuid, String> {
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    id.ok_or_else(|| "must be a UUID, such as 018f3c5a-7b2e-7c11-9d4e-2f6a8b0c1d3e".to_owned())
}

/// Checks a user's id.
///
/// # Errors
///
/// What to send instead.
pub(super) fn read_user_id(text: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_@.".contains(&b);
    if (1..=USER_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(format!("must be 1 to {USER_ID_CHARS_MAX} characters of A-Z, a-z, 0-9, - _ @ ."))
    }
}

/// Reads an instant, with or without a zone and a fraction. Without a zone it is UTC.
fn read_timestamp(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    // A plus that was not percent-encoded arrives as a space.
    let text = text.replace(' ', "+");
    let instant = DateTime::parse_from_rfc3339(&text)
        .map(|instant| instant.to_utc())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(|t| t.and_utc())
        })
        .map_err(|_| "must be an instant such as 2026-01-31T12:00:00Z".to_owned())?;
    if instant > now + CLOCK_DIFFERENCE_MAX {
        return Err("lies in the future; the past is known up to now".to_owned());
    }
    Ok(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_may_leave_out_its_zone_and_fraction() {
        let now = DateTime::from_timestamp(1_769_860_800, 0).unwrap();
        #[rustfmt::skip]
        let table = [
            ("2026-01-31T12:00:00Z",          Some(1_769_860_800_000_000)),
            ("2026-01-31T12:00:00",           Some(1_769_860_800_000_000)),
            ("2026-01-31T09:00:00-03:00",     Some(1_769_860_800_000_000)),
            ("2026-01-31T13:00:00 01:00",     Some(1_769_860_800_000_000)),
            ("2026-01-31T12:00:00.5",         Some(1_769_860_800_500_000)),
            ("2026-01-31T11:59:59.123456Z",   Some(1_769_860_799_123_456)),
            ("1969-12-31T23:59:59Z",          Some(-1_000_000)),
            ("2026-01-31T12:00:01.001Z",      None),
            ("2999-01-01T00:00:00Z",          None),
            ("2026-01-31",                    None),
            ("2026-02-30T00:00:00Z",          None),
            ("2026-01-31T25:00:00Z",          None),
            ("yesterday",                     None),
            ("1769860800",                    None),
            ("",                              None),
        ];
        for (text, want) in table {
            let got = read_timestamp(text, now).ok().map(|instant| instant.timestamp_micros());
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn an_entity_tag_is_found_in_a_list() {
        let table = [
            (None, false),
            (Some("\"7\""), true),
            (Some("\"6\", W/\"7\""), true),
            (Some("*"), true),
            (Some("7"), false),
            (Some("\"77\""), false),
        ];
        for (header, want) in table {
            assert_eq!(IfNoneMatch(header.map(str::to_owned)).has("\"7\""), want, "{header:?}");
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        assert!(read_uuid("018f3c5a-7b2e-7c11-9d4e-2f6a8b0c1d3e").is_ok());
        for text in
            ["", "1", "018f3c5a7b2e7c119d4e2f6a8b0c1d3e", "{018f3c5a-7b2e-7c11-9d4e-2f6a8b0c1d3e}"]
        {
            assert!(read_uuid(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_user_id_has_a_length_and_an_alphabet() {
        for (text, want) in
            [("a", true), ("a-b_c@d.e", true), ("", false), ("a b", false), ("é", false)]
        {
            assert_eq!(read_user_id(text).is_ok(), want, "{text}");
        }
        assert!(read_user_id(&"a".repeat(100)).is_ok());
        assert!(read_user_id(&"a".repeat(101)).is_err());
    }
}
