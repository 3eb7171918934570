//! The one port of the region: reads a request, finds service and operation, writes the reply.

use super::{AwsError, Input, Interface, Service, auth, cbor, form, reply::Protocol, rest};
use crate::aws::Region;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, header, request::Parts},
};
use futures::FutureExt;
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Read, panic::AssertUnwindSafe, sync::Arc};
use tracing::{debug, error};
use uuid::Uuid;

/// PutMetricData allows 1 MB, and nothing else is longer. Holds for the body as sent and inflated.
const BODY_BYTES_MAX: usize = 2 << 20;

/// All services of the region behind one router.
#[derive(Default)]
pub struct Endpoint {
    region: Region,
    services: BTreeMap<&'static str, Arc<dyn Service>>,
}

impl Endpoint {
    /// An endpoint without services.
    #[must_use]
    pub fn new(region: Region) -> Self {
        Self { region, services: BTreeMap::new() }
    }

    /// Adds a service; a later one with the same scope takes its place.
    #[must_use]
    pub fn with(mut self, service: Arc<dyn Service>) -> Self {
        self.services.insert(service.interface().scope, service);
        self
    }

    /// The router to serve on a loopback listener. Every path is taken.
    pub fn router(self) -> Router {
        Router::new().fallback(serve).with_state(Arc::new(self))
    }
}

async fn serve(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response<Body> {
    let request_id = Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let protocol = protocol_of(&parts);
    let service = match endpoint.service(&parts.headers) {
        Ok(service) => service,
        Err(refusal) => return protocol.refusal("", &refusal, &request_id),
    };
    let interface = service.interface();
    match answer(service, &protocol, &parts, body).await {
        Ok((operation, output)) => protocol.answer(interface, &operation, &output, &request_id),
        Err(refusal) => protocol.refusal(interface.namespace, &refusal, &request_id),
    }
}

/// The operation that was asked for, and its output.
async fn answer(
    service: &Arc<dyn Service>,
    protocol: &Protocol,
    parts: &Parts,
    body: Body,
) -> Result<(String, Value), AwsError> {
    let interface = service.interface();
    let body = read_body(&parts.headers, body).await?;
    let (operation, input) = read_operation(interface, protocol, parts, &body)?;
    debug!(service = interface.scope, operation, "called {operation}");
    let output = call(&**service, &operation, &input).await?;
    Ok((operation, output))
}

impl Endpoint {
    fn service(&self, headers: &HeaderMap) -> Result<&Arc<dyn Service>, AwsError> {
        let scope = auth::scope(text(headers, header::AUTHORIZATION.as_str()), &self.region)?;
        self.services.get(scope).ok_or_else(|| {
            AwsError::refused("UnknownService", format!("There is no service {scope} here."))
        })
    }
}

/// Calls the service; a panic in it is an internal failure like any other.
async fn call(service: &dyn Service, operation: &str, input: &Value) -> Result<Value, AwsError> {
    let work = AssertUnwindSafe(async { service.call(operation, Input::of(input)).await });
    work.catch_unwind().await.unwrap_or_else(|_| {
        let scope = service.interface().scope;
        error!(service = scope, operation, "{scope} {operation} panicked");
        Err(AwsError::internal("The service failed to answer."))
    })
}

fn protocol_of(parts: &Parts) -> Protocol {
    let content_type = text(&parts.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if text(&parts.headers, "smithy-protocol") == Some("rpc-v2-cbor") {
        Protocol::Cbor
    } else if parts.headers.contains_key("x-amz-target") {
        let old = content_type.starts_with("application/x-amz-json-1.0");
        Protocol::Json(if old {
            "application/x-amz-json-1.0"
        } else {
            "application/x-amz-json-1.1"
        })
    } else if parts.uri.path() == "/" {
        Protocol::Query
    } else {
        Protocol::Rest
    }
}

/// The operation's name and its input.
fn read_operation(
    interface: &Interface,
    protocol: &Protocol,
    parts: &Parts,
    body: &[u8],
) -> Result<(String, Value), AwsError> {
    let query = parts.uri.query().unwrap_or_default();
    match protocol {
        Protocol::Cbor => {
            let operation = parts.uri.path().rsplit_once("/operation/").map(|(_, name)| name);
            let operation = operation.ok_or_else(|| AwsError::unknown_operation("in the path"))?;
            Ok((operation.to_owned(), cbor::read(body)?))
        }
        Protocol::Json(_) => {
            let target = text(&parts.headers, "x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            Ok((operation.to_owned(), read_json(body)?))
        }
        Protocol::Query => {
            let body = std::str::from_utf8(body)
                .map_err(|_| AwsError::malformed("The body is not UTF-8."))?;
            let mut input = form::parse(&format!("{query}&{body}"))?;
            match input.remove("Action") {
                Some(Value::String(operation)) if is_name(&operation) => {
                    input.remove("Version");
                    Ok((operation, Value::Object(input)))
                }
                Some(_) => Err(AwsError::unknown_operation("by that name")),
                None => {
                    Err(AwsError::refused("MissingAction", "The parameter Action is required."))
                }
            }
        }
        Protocol::Rest => {
            let path = parts.uri.path();
            let (operation, input) =
                rest::read(interface.routes, parts.method.as_str(), path, query, body)?;
            Ok((operation.to_owned(), input))
        }
    }
}

/// Names are written back as XML elements, so nothing else may pass.
fn is_name(operation: &str) -> bool {
    !operation.is_empty() && operation.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn read_json(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(AwsError::malformed("The body is not a JSON structure.")),
        Err(e) => Err(AwsError::malformed(format!("The body cannot be read as JSON: {e}"))),
    }
}

/// The whole body, inflated if the SDK compressed it (PutMetricData above 10 KiB).
async fn read_body(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, AwsError> {
    let too_large = || {
        let limit = format!("The request is larger than {BODY_BYTES_MAX} bytes.");
        AwsError::refused("RequestEntityTooLarge", limit).with_status(413)
    };
    let raw = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())?;
    match text(headers, header::CONTENT_ENCODING.as_str()) {
        None | Some("identity") => Ok(raw.into()),
        Some("gzip") => {
            let mut inflated = Vec::new();
            let limit = BODY_BYTES_MAX as u64 + 1;
            flate2::read::MultiGzDecoder::new(&raw[..])
                .take(limit)
                .read_to_end(&mut inflated)
                .map_err(|e| AwsError::malformed(format!("The body cannot be inflated: {e}")))?;
            if inflated.len() > BODY_BYTES_MAX { Err(too_large()) } else { Ok(inflated) }
        }
        Some(other) => Err(AwsError::malformed(format!("The encoding {other} is not known."))),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
