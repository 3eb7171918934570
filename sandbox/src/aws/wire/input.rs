//! Typed reading of an operation's parameters, whatever protocol they came by.

use super::{AwsError, time};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A view of one structure of the request.
///
/// Forms carry everything as text, so numbers, booleans and times are also read from text. A
/// parameter of another type is refused as malformed; an absent one, or null, is `None`.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(&'a Value);

impl<'a> Input<'a> {
    /// Views a JSON object.
    #[must_use]
    pub fn of(value: &'a Value) -> Self {
        Self(value)
    }

    /// The JSON beneath.
    #[must_use]
    pub fn value(self) -> &'a Value {
        self.0
    }

    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the parameter was sent.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn read<T>(
        self,
        name: &str,
        kind: &str,
        parse: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, AwsError> {
        self.get(name)
            .map(|value| {
                parse(value).ok_or_else(|| {
                    AwsError::malformed(format!("The parameter {name} is not {kind}."))
                })
            })
            .transpose()
    }

    /// A text.
    ///
    /// # Errors
    /// The parameter is of another type.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, AwsError> {
        self.read(name, "a string", Value::as_str)
    }

    /// A text that must be there and not be empty.
    ///
    /// # Errors
    /// The parameter is absent, empty or of another type.
    pub fn required(self, name: &str) -> Result<&'a str, AwsError> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(AwsError::missing(name)),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// The parameter is of another type, or has a fraction.
    pub fn integer(self, name: &str) -> Result<Option<i64>, AwsError> {
        self.read(name, "an integer", |value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        })
    }

    /// A floating-point number. NaN and the infinities are numbers here, as they are on the wire.
    ///
    /// # Errors
    /// The parameter is of another type.
    pub fn number(self, name: &str) -> Result<Option<f64>, AwsError> {
        self.read(name, "a number", number)
    }

    /// A truth value.
    ///
    /// # Errors
    /// The parameter is of another type.
    pub fn boolean(self, name: &str) -> Result<Option<bool>, AwsError> {
        self.read(name, "a boolean", |value| match value {
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            other => other.as_bool(),
        })
    }

    /// A time.
    ///
    /// # Errors
    /// The parameter is of another type or no time.
    pub fn time(self, name: &str) -> Result<Option<DateTime<Utc>>, AwsError> {
        self.read(name, "a timestamp", time::parse)
    }

    /// A nested structure.
    ///
    /// # Errors
    /// The parameter is of another type.
    pub fn part(self, name: &str) -> Result<Option<Input<'a>>, AwsError> {
        self.read(name, "a structure", |value| value.is_object().then_some(Input(value)))
    }

    fn items(self, name: &str) -> Result<&'a [Value], AwsError> {
        let items = self.read(name, "a list", |value| match value {
            Value::Array(items) => Some(items.as_slice()),
            Value::String(text) if text.is_empty() => Some(&[][..]), // An empty list in a form.
            _ => None,
        })?;
        Ok(items.unwrap_or_default())
    }

    /// A list of structures; empty when absent.
    ///
    /// # Errors
    /// The parameter is no list, or an element no structure.
    pub fn list(self, name: &str) -> Result<Vec<Input<'a>>, AwsError> {
        self.elements(name, "structures", |value| value.is_object().then_some(Input(value)))
    }

    /// A list of texts; empty when absent.
    ///
    /// # Errors
    /// The parameter is no list, or an element no text.
    pub fn texts(self, name: &str) -> Result<Vec<&'a str>, AwsError> {
        self.elements(name, "strings", Value::as_str)
    }

    /// A list of numbers; empty when absent.
    ///
    /// # Errors
    /// The parameter is no list, or an element no number.
    pub fn numbers(self, name: &str) -> Result<Vec<f64>, AwsError> {
        self.elements(name, "numbers", number)
    }

    fn elements<T>(
        self,
        name: &str,
        kind: &str,
        parse: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Vec<T>, AwsError> {
        self.items(name)?
            .iter()
            .map(|value| {
                parse(value).ok_or_else(|| {
                    AwsError::malformed(format!("The parameter {name} is not a list of {kind}."))
                })
            })
            .collect()
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}
