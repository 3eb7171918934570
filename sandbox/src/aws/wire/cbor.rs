//! JSON to CBOR and back, as rpcv2Cbor wants it: times are tag 1, and floats stay floats.

use super::{AwsError, time};
use ciborium::value::Value as Cbor;
use serde_json::{Map, Value, json};

/// Nesting of the deepest request here is seven.
const DEPTH_MAX: usize = 64;
/// CBOR's tag for seconds since 1970.
const TAG_EPOCH: u64 = 1;

/// Reads a request. An empty body is an empty structure.
///
/// # Errors
/// The body is no CBOR, nests too deep, or its top is no map.
pub(super) fn read(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let cbor: Cbor = ciborium::de::from_reader_with_recursion_limit(body, DEPTH_MAX)
        .map_err(|e| AwsError::malformed(format!("The body cannot be read as CBOR: {e}")))?;
    match to_json(cbor)? {
        object @ Value::Object(_) => Ok(object),
        _ => Err(AwsError::malformed("The body is not a structure.")),
    }
}

fn to_json(cbor: Cbor) -> Result<Value, AwsError> {
    let unreadable = |what: &str| AwsError::malformed(format!("The body holds {what}."));
    Ok(match cbor {
        Cbor::Null => Value::Null,
        Cbor::Bool(truth) => Value::Bool(truth),
        Cbor::Integer(whole) => i64::try_from(i128::from(whole))
            .map(Value::from)
            .map_err(|_| unreadable("an integer beyond 64 bits"))?,
        Cbor::Float(number) => float(number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bytes(bytes) => Value::String(base64_of(&bytes)),
        Cbor::Array(items) => items.into_iter().map(to_json).collect::<Result<_, _>>()?,
        Cbor::Map(pairs) => {
            let mut object = Map::new();
            for (key, value) in pairs {
                let key = key.into_text().map_err(|_| unreadable("a map key that is no text"))?;
                object.insert(key, to_json(value)?);
            }
            Value::Object(object)
        }
        Cbor::Tag(TAG_EPOCH, seconds) => time::parse(&to_json(*seconds)?)
            .map(time::timestamp)
            .ok_or_else(|| unreadable("an unreadable timestamp"))?,
        Cbor::Tag(tag, _) => return Err(unreadable(&format!("the unknown tag {tag}"))),
        _ => return Err(unreadable("an unknown kind of value")),
    })
}

/// JSON has no NaN and no infinity: they travel as text, which `Input::number` reads.
fn float(number: f64) -> Value {
    serde_json::Number::from_f64(number)
        .map_or_else(|| Value::String(number.to_string()), Value::Number)
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

/// Writes an answer.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    ciborium::into_writer(&from_json(value), &mut body).expect("memory takes every byte");
    body
}

fn from_json(value: &Value) -> Cbor {
    if let Some(micros) = time::micros(value) {
        return Cbor::Tag(TAG_EPOCH, Box::new(Cbor::Float(time::seconds(micros))));
    }
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(truth) => Cbor::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Cbor::Integer(whole.into()),
            (None, Some(whole)) => Cbor::Integer(whole.into()),
            (None, None) => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(from_json).collect()),
        Value::Object(fields) => Cbor::Map(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (Cbor::Text(name.clone()), from_json(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        let value = json!({
            "Float": 1.0, "Whole": 1, "Text": "ü", "List": [true, {"At": {"$ts": 1_500_000}}],
        });
        let body = write(&value);
        assert_eq!(read(&body), Ok(value));
        assert!(body.contains(&0xc1), "a time is tag 1");
    }

    #[test]
    fn what_is_no_request_is_refused_and_never_panics() {
        let deep = vec![0x81; 10_000]; // An array in an array in an array …
        let endless = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        for body in [&b"\xff"[..], b"\x01", b"\xa1\x01\x01", &deep, &endless, b"\xc1\xfb\x7f"] {
            assert!(read(body).is_err(), "{body:?}");
        }
        assert_eq!(read(b""), Ok(json!({})));
    }

    #[test]
    fn nan_travels_as_text() {
        assert_eq!(read(b"\xa1\x61v\xf9\x7e\x00"), Ok(json!({"v": "NaN"})));
    }
}
