//! Turns a form of awsQuery into nested JSON: `A.member.1.B=x` becomes `{"A": [{"B": "x"}]}`.
//!
//! A form says nothing of types: every leaf is text, and lists are known by their numbers alone,
//! so `Filters.Filter.1` (RDS) and `Statistics.member.1` read alike. Maps come as `entry.N`.

use super::AwsError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Deepest nesting of a parameter name; AWS's deepest in use here is eight.
const DEPTH_MAX: usize = 16;
/// A form with more fields than this is no request of an SDK: 1,000 data of 150 values each are
/// refused by size before.
const FIELDS_MAX: usize = 100_000;

#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

/// Reads a form body or query string.
///
/// # Errors
/// A name nests too deep, or there are too many fields.
pub(super) fn parse(form: &str) -> Result<Map<String, Value>, AwsError> {
    let mut root = Node::default();
    for (count, pair) in form.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count >= FIELDS_MAX {
            return Err(AwsError::malformed("The request has too many parameters."));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name);
        if name.split('.').count() > DEPTH_MAX {
            return Err(AwsError::malformed(format!("The parameter {name} nests too deep.")));
        }
        let mut node = &mut root;
        for part in name.split('.') {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(decode(value));
    }
    Ok(root.children.into_iter().map(|(name, node)| (name, node.into_json())).collect())
}

impl Node {
    fn into_json(mut self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.unwrap_or_default());
        }
        if let Some(items) = numbered(&self.children) {
            return items_of(self.children, &items);
        }
        if let [name] = self.children.keys().cloned().collect::<Vec<_>>().as_slice()
            && let Some(items) = numbered(&self.children[name])
        {
            let only = self.children.remove(name).unwrap_or_default();
            let list = items_of(only.children, &items);
            return if name == "entry" { map_of(list) } else { list };
        }
        Value::Object(self.children.into_iter().map(|(n, node)| (n, node.into_json())).collect())
    }
}

/// The keys in numeric order, if every one is a number.
fn numbered<'a>(children: impl Into<Children<'a>>) -> Option<Vec<String>> {
    let children = children.into().0;
    let mut keys = children
        .keys()
        .map(|key| key.parse::<u32>().ok().map(|number| (number, key.clone())))
        .collect::<Option<Vec<_>>>()?;
    keys.sort_unstable();
    (!keys.is_empty()).then(|| keys.into_iter().map(|(_, key)| key).collect())
}

struct Children<'a>(&'a BTreeMap<String, Node>);

impl<'a> From<&'a BTreeMap<String, Node>> for Children<'a> {
    fn from(children: &'a BTreeMap<String, Node>) -> Self {
        Self(children)
    }
}

impl<'a> From<&'a Node> for Children<'a> {
    fn from(node: &'a Node) -> Self {
        Self(&node.children)
    }
}

fn items_of(mut children: BTreeMap<String, Node>, order: &[String]) -> Value {
    order.iter().filter_map(|key| children.remove(key)).map(Node::into_json).collect()
}

/// From `[{"key": k, "value": v}]`, which some services spell `Name` and `Value`.
fn map_of(entries: Value) -> Value {
    let field = |entry: &Value, names: [&str; 2]| {
        names.iter().find_map(|name| entry.get(name)).cloned().unwrap_or_default()
    };
    let entries = entries.as_array().cloned().unwrap_or_default();
    let pairs = entries.iter().filter_map(|entry| {
        let key = field(entry, ["key", "Name"]).as_str()?.to_owned();
        Some((key, field(entry, ["value", "Value"])))
    });
    Value::Object(pairs.collect())
}

/// Undoes percent encoding and `+` for a space. Bytes that are no UTF-8 become U+FFFD.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                match (ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit)) {
                    (Some(high), Some(low)) => {
                        bytes.push(high * 16 + low);
                        rest = ahead;
                    }
                    _ => bytes.push(byte),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_become_nested_json() {
        for (form, want) in [
            ("", json!({})),
            ("Action=List&Empty=", json!({"Action": "List", "Empty": ""})),
            ("A.member.1=x&A.member.2=y", json!({"A": ["x", "y"]})),
            ("A.1=x&A.2=y", json!({"A": ["x", "y"]})),
            (
                "Filters.Filter.1.Name=n&Filters.Filter.1.Values.Value.1=a%20b",
                json!({"Filters": [{"Name": "n", "Values": ["a b"]}]}),
            ),
            (
                "Q.member.1.Stat.Dims.member.1.Name=d&Q.member.1.Stat.Period=60",
                json!({"Q": [{"Stat": {"Dims": [{"Name": "d"}], "Period": "60"}}]}),
            ),
            ("A.entry.1.key=k&A.entry.1.value=v", json!({"A": {"k": "v"}})),
            ("A.entry.1.Name=k&A.entry.1.Value.T=v", json!({"A": {"k": {"T": "v"}}})),
            ("T=100%25%zz+x", json!({"T": "100%%zz x"})),
        ] {
            assert_eq!(parse(form).map(Value::Object), Ok(want), "{form}");
        }
        let ten: String = (1..=10).map(|n| format!("A.member.{n}={n}&")).collect();
        let list = parse(&ten).expect("a plain list")["A"].clone();
        assert_eq!(list[9], "10", "items stand in the order of numbers, not of text");
    }

    #[test]
    fn a_name_that_nests_without_end_is_refused() {
        assert!(parse(&format!("{}=1", ["a"; 40].join("."))).is_err());
    }
}
