//! A time inside JSON, before a protocol writes it: epoch seconds, ISO text or CBOR tag 1.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The field that marks a JSON object as a time, in microseconds since 1970.
const MARK: &str = "$ts";

/// A time as services answer it. Every protocol writes it in its own form.
#[must_use]
pub fn timestamp(at: DateTime<Utc>) -> Value {
    json!({ MARK: at.timestamp_micros() })
}

/// Microseconds since 1970, if the value is a time.
pub(super) fn micros(value: &Value) -> Option<i64> {
    let object = value.as_object()?;
    if object.len() == 1 { object.get(MARK)?.as_i64() } else { None }
}

/// From whatever a client sent: a marked time, epoch seconds, or text in RFC 3339.
pub(super) fn parse(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(micros) = micros(value) {
        return DateTime::from_timestamp_micros(micros);
    }
    match value {
        Value::Number(seconds) => from_seconds(seconds.as_f64()?),
        Value::String(text) => DateTime::parse_from_rfc3339(text)
            .map(|at| at.with_timezone(&Utc))
            .ok()
            .or_else(|| text.parse().ok().and_then(from_seconds)),
        _ => None,
    }
}

/// From epoch seconds with a fraction; `None` outside of the years that chrono knows.
pub(super) fn from_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    let micros = (seconds * 1e6).round();
    // 9e15 micros is the year 2255; beyond 2^53 a float no longer names one microsecond.
    if !micros.is_finite() || micros.abs() > 9e15 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to be below 2^53 just above")]
    DateTime::from_timestamp_micros(micros as i64)
}

/// `2026-01-31T12:00:00.250Z`
pub(super) fn iso(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Epoch seconds with a fraction.
pub(super) fn seconds(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 microseconds, the year 2255")]
    let micros = micros as f64;
    micros / 1e6
}
