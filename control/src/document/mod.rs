//! Reads the YAML files that people write for the daemon: environments, runbooks, drills, tokens.
//!
//! A file is read to its end and every fault is reported with its line, because a night on which
//! one fault is fixed per restart is long. Unknown keys are refused, with the nearest known one,
//! since a misspelt limit that is silently ignored is a limit that does not hold. This module
//! knows YAML and shapes; what the values mean belongs to the modules that decode them.

mod decode;
mod duration;

pub use decode::{Field, Map, decode, nearest};
pub use duration::{parse_duration, print_duration};

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use std::fmt;

/// Larger than any file a person would review: 256 KiB.
pub const FILE_BYTES_MAX: usize = 256 * 1024;

/// One thing wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The path of the field, `capacity.tasks_max` or `steps[2].timeout`; empty for the file.
    pub field: String,
    /// What is wrong, and what would be accepted.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything wrong with a file, in the order of its lines. Never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A value and the line on which it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub line: usize,
    pub value: Value,
}

/// What a node holds. A map keeps the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    /// Where the key stands, which may be above its value.
    pub line: usize,
    pub value: Node,
}

/// Parses one YAML document. `file` is only used to name it in faults.
///
/// # Errors
///
/// The first syntax fault, as a parser cannot see past it.
pub fn parse(file: &str, text: &str) -> Result<Node, Faults> {
    let refuse = |line: usize, message: String| {
        Faults(vec![Fault { file: file.to_owned(), line, field: String::new(), message }])
    };
    if text.len() > FILE_BYTES_MAX {
        return Err(refuse(1, format!("is larger than {FILE_BYTES_MAX} bytes")));
    }
    let documents = MarkedYaml::load_from_str(text)
        .map_err(|e| refuse(e.marker().line(), format!("is not YAML: {}", e.info())))?;
    match documents.as_slice() {
        [] => Err(refuse(1, "is empty".to_owned())),
        [document] => node(document).map_err(|(line, message)| refuse(line, message)),
        [_, second, ..] => {
            let line = second.span.start.line();
            Err(refuse(line, "holds a second document; one file holds one".to_owned()))
        }
    }
}

fn node(yaml: &MarkedYaml<'_>) -> Result<Node, (usize, String)> {
    let line = yaml.span.start.line();
    let value = match &yaml.data {
        YamlData::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(b) => Value::Bool(*b),
            Scalar::Integer(i) => Value::Integer(*i),
            Scalar::FloatingPoint(f) => Value::Float(f.into_inner()),
            Scalar::String(s) => Value::Text(s.to_string()),
        },
        YamlData::Sequence(items) => Value::List(items.iter().map(node).collect::<Result<_, _>>()?),
        YamlData::Mapping(entries) => Value::Map(
            entries.iter().map(|(key, value)| entry(key, value)).collect::<Result<_, _>>()?,
        ),
        YamlData::Tagged(..) => return Err((line, "uses a YAML tag, which has no meaning".into())),
        YamlData::Representation(..) | YamlData::Alias(_) | YamlData::BadValue => {
            return Err((line, "holds a value that YAML cannot read".to_owned()));
        }
    };
    Ok(Node { line, value })
}

fn entry(key: &MarkedYaml<'_>, value: &MarkedYaml<'_>) -> Result<Entry, (usize, String)> {
    let line = key.span.start.line();
    let YamlData::Value(Scalar::String(name)) = &key.data else {
        return Err((line, "holds a key that is not a word".to_owned()));
    };
    let mut value = node(value)?;
    if value.value == Value::Null {
        value.line = line; // An absent value has no place of its own.
    }
    Ok(Entry { key: name.to_string(), line, value })
}
