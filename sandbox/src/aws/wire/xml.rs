//! Writes answers as the XML of awsQuery.

use super::{AwsError, Interface, error::Dialect, time};
use quick_xml::escape::escape;
use serde_json::Value;
use std::fmt::Write;

/// `<OpResponse><OpResult>…`
pub(super) fn answer(
    interface: &Interface,
    operation: &str,
    output: &Value,
    request_id: &str,
) -> String {
    let mut out =
        format!("<{operation}Response xmlns=\"{}\"><{operation}Result>", interface.namespace);
    if let Value::Object(fields) = output {
        for (name, value) in fields {
            field(&mut out, interface, name, value);
        }
    }
    let _infallible = write!(
        out,
        "</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId>\
         </ResponseMetadata></{operation}Response>"
    );
    out
}

/// `<ErrorResponse><Error>…`
pub(super) fn error(namespace: &str, error: &AwsError, request_id: &str) -> String {
    let blame = if error.status(Dialect::Query) < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{blame}</Type><Code>{}</Code>\
         <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        error.code(Dialect::Query),
        text(error.message()),
    )
}

fn field(out: &mut String, interface: &Interface, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let _infallible = write!(out, "<{name}>");
    content(out, interface, name, value);
    let _infallible = write!(out, "</{name}>");
}

fn content(out: &mut String, interface: &Interface, name: &str, value: &Value) {
    if let Some(micros) = time::micros(value) {
        out.push_str(&time::iso(micros));
        return;
    }
    match value {
        Value::Null => {}
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => {
            let _infallible = write!(out, "{number}");
        }
        Value::String(raw) => out.push_str(&text(raw)),
        Value::Array(items) => {
            let element = interface.lists.iter().find(|(list, _)| *list == name);
            let element = element.map_or("member", |(_, element)| element);
            for item in items {
                field(out, interface, element, item);
            }
        }
        Value::Object(fields) if interface.maps.contains(&name) => {
            for (key, value) in fields {
                let _infallible = write!(out, "<entry><key>{}</key>", text(key));
                field(out, interface, "value", value);
                out.push_str("</entry>");
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                field(out, interface, name, value);
            }
        }
    }
}

/// Escaped, and without the control characters that XML cannot say at all.
fn text(raw: &str) -> String {
    let spoken = |c: char| c >= ' ' || matches!(c, '\t' | '\n' | '\r');
    if raw.chars().all(spoken) {
        escape(raw).into_owned()
    } else {
        escape(raw.replace(|c| !spoken(c), "\u{fffd}").as_str()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const RDS: Interface = Interface {
        scope: "rds",
        namespace: "http://rds/doc/",
        lists: &[("DBClusters", "DBCluster")],
        maps: &["Attributes"],
        routes: &[],
    };

    #[test]
    fn lists_maps_times_and_text_are_written_as_aws_does() {
        let output = json!({
            "DBClusters": [{"Name": "a<b&\u{1}", "Zones": ["x"], "None": null}],
            "Attributes": {"k": "v"},
            "At": {"$ts": 1_500_000},
        });
        let xml = answer(&RDS, "Do", &output, "id");
        for part in [
            "<DoResponse xmlns=\"http://rds/doc/\"><DoResult>",
            "<DBClusters><DBCluster><Name>a&lt;b&amp;\u{fffd}</Name>",
            "<Zones><member>x</member></Zones></DBCluster></DBClusters>",
            "<Attributes><entry><key>k</key><value>v</value></entry></Attributes>",
            "<At>1970-01-01T00:00:01.500Z</At>",
            "<RequestId>id</RequestId>",
        ] {
            assert!(xml.contains(part), "no {part} in {xml}");
        }
    }
}
