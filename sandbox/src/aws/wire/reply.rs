//! Writes an answer or a refusal in the protocol of its request.

use super::{AwsError, Interface, cbor, error::Dialect, time, xml};
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use serde_json::{Map, Value, json};

/// What a request speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Query,
    /// With the content type that the client used: 1.0 or 1.1.
    Json(&'static str),
    Rest,
    Cbor,
}

impl Protocol {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Query => Dialect::Query,
            Self::Json(_) => Dialect::Json,
            Self::Rest => Dialect::Rest,
            Self::Cbor => Dialect::Cbor,
        }
    }

    fn content_type(&self) -> &'static str {
        match self {
            Self::Query => "text/xml",
            Self::Json(content_type) => content_type,
            Self::Rest => "application/json",
            Self::Cbor => "application/cbor",
        }
    }

    /// The answer to an operation that was done.
    pub(super) fn answer(
        &self,
        interface: &Interface,
        operation: &str,
        output: &Value,
        request_id: &str,
    ) -> Response<Body> {
        let body = match self {
            Self::Query => xml::answer(interface, operation, output, request_id).into_bytes(),
            Self::Json(_) => plain(output, &|micros| json!(time::seconds(micros))),
            Self::Rest => plain(output, &|micros| json!(time::iso(micros))),
            Self::Cbor => cbor::write(output),
        };
        self.response(200, body, request_id)
    }

    /// A refusal or failure.
    pub(super) fn refusal(
        &self,
        namespace: &str,
        error: &AwsError,
        request_id: &str,
    ) -> Response<Body> {
        let dialect = self.dialect();
        let (code, status) = (error.code(dialect), error.status(dialect));
        let blame = if status < 500 { "Sender" } else { "Receiver" };
        let typed = json!({"__type": code, "message": error.message()});
        let body = match self {
            Self::Query => xml::error(namespace, error, request_id).into_bytes(),
            Self::Json(_) => typed.to_string().into_bytes(),
            Self::Rest => json!({"message": error.message()}).to_string().into_bytes(),
            Self::Cbor => cbor::write(&typed),
        };
        let mut response = self.response(status, body, request_id);
        let headers = response.headers_mut();
        match self {
            Self::Query => {}
            Self::Cbor => {
                let value = HeaderValue::from_str(&format!("{code};{blame}"));
                headers.insert("x-amzn-query-error", value.expect("codes are plain ASCII words"));
            }
            Self::Json(_) | Self::Rest => {
                headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
            }
        }
        response
    }

    fn response(&self, status: u16, body: Vec<u8>, request_id: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        let id = HeaderValue::from_str(request_id).expect("a UUID is plain ASCII");
        headers.insert("x-amzn-requestid", id);
        if *self == Self::Cbor {
            headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        }
        response
    }
}

/// JSON with its times written by `write_time`, and without what is null.
fn plain(value: &Value, write_time: &dyn Fn(i64) -> Value) -> Vec<u8> {
    fn rewrite(value: &Value, write_time: &dyn Fn(i64) -> Value) -> Value {
        if let Some(micros) = time::micros(value) {
            return write_time(micros);
        }
        match value {
            Value::Array(items) => items.iter().map(|item| rewrite(item, write_time)).collect(),
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), rewrite(value, write_time)))
                    .collect::<Map<_, _>>(),
            ),
            other => other.clone(),
        }
    }
    rewrite(value, write_time).to_string().into_bytes()
}
