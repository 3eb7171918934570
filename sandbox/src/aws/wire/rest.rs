//! Finds the operation of a restJson1 request by its method and path.

use super::{AwsError, form};
use serde_json::{Map, Value, json};

/// Where an operation of a REST service is.
#[derive(Debug)]
pub struct Route {
    /// `GET`, `PUT`, ….
    pub method: &'static str,
    /// `/v1/clusters/{clusterArn}/nodes`; a part in braces is handed over under its name.
    pub path: &'static str,
    /// `ListNodes`
    pub operation: &'static str,
}

/// The operation, and its input from path, query and body.
///
/// # Errors
/// No route fits, or the body is no JSON object.
pub(super) fn read(
    routes: &[Route],
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<(&'static str, Value), AwsError> {
    let (operation, parts) = routes
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| Some((route.operation, captures(route.path, path)?)))
        .ok_or_else(|| AwsError::unknown_operation(&format!("{method} {path}")))?;
    let mut input = match body {
        [] => Map::new(),
        body => match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            _ => return Err(AwsError::malformed("The body is not a JSON structure.")),
        },
    };
    input.extend(form::parse(query)?);
    input.extend(parts.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    Ok((operation, Value::Object(input)))
}

/// The named parts of the path, if it fits. ARNs come with their slashes percent-encoded.
fn captures<'a>(route: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    let mut parts = Vec::new();
    let mut given = path.trim_end_matches('/').split('/');
    for wanted in route.split('/') {
        let given = given.next()?;
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            // A plus sign is itself in a path; only forms mean a space by it.
            Some(name) => parts.push((name, form::decode(&given.replace('+', "%2B")))),
            None if wanted == given => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &[Route] = &[
        Route { method: "GET", path: "/v1/clusters", operation: "List" },
        Route { method: "PUT", path: "/v1/clusters/{arn}/reboot-broker", operation: "Reboot" },
    ];

    #[test]
    fn requests_find_their_operation_or_are_refused() {
        let list = read(ROUTES, "GET", "/v1/clusters", "maxResults=5", b"");
        assert_eq!(list, Ok(("List", json!({"maxResults": "5"}))));
        let path = "/v1/clusters/arn%3Aaws%3Akafka%3A%3A%3Acluster%2Fw%2F1/reboot-broker";
        let reboot = read(ROUTES, "PUT", path, "", br#"{"brokerIds":["1"]}"#);
        let arn = "arn:aws:kafka:::cluster/w/1";
        assert_eq!(reboot, Ok(("Reboot", json!({"arn": arn, "brokerIds": ["1"]}))));
        for (method, path, body) in [
            ("POST", "/v1/clusters", ""),
            ("GET", "/v1/clusters/x", ""),
            ("GET", "/", ""),
            ("GET", "/v1/clusters", "[1]"),
        ] {
            assert!(read(ROUTES, method, path, "", body.as_bytes()).is_err(), "{method} {path}");
        }
    }
}
