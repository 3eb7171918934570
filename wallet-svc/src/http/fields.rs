//! The fields of a request, taken one by one so that every fault is told with its field.
//!
//! A JSON body is split into members without interpreting them: an amount stays the digits that the
//! client wrote and never becomes a float. Members that nobody took are unknown and refused, as are
//! repeated ones. A query string is taken the same way.

use super::error::Error;
use axum::{extract::Query, http::Uri};
use protocol::{problem::FieldError, wallet::Code};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// The members of a JSON object as they were written.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

/// A name with escapes in it cannot be borrowed.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(4);
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// A value as the client wrote it.
enum Value<'a> {
    Json(&'a RawValue),
    Text(Cow<'a, str>),
}

/// The fields that were given and not yet taken, and the faults found so far.
pub struct Fields<'a> {
    given: Vec<(Cow<'a, str>, Value<'a>)>,
    faults: Vec<(Code, FieldError)>,
}

impl<'a> Fields<'a> {
    /// Splits a JSON object.
    pub fn of_json(body: &'a [u8]) -> Result<Self, Error> {
        let Members(members) = serde_json::from_slice(body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = if error.is_data() { "is not a JSON object" } else { "is not valid JSON" };
            Error::new(Code::InvalidRequest, format!("the body {what}: see {place}"))
        })?;
        let given = members.into_iter().map(|(name, raw)| (name, Value::Json(raw))).collect();
        Ok(Self::new(given))
    }

    /// Splits a query string.
    pub fn of_query(uri: &Uri) -> Result<Fields<'static>, Error> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Error::new(Code::InvalidRequest, "the query string is not valid"))?;
        let owned = |(name, value)| (Cow::Owned(name), Value::Text(Cow::Owned(value)));
        Ok(Fields::new(pairs.into_iter().map(owned).collect()))
    }

    fn new(given: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        let mut faults = Vec::new();
        for (index, (name, _)) in given.iter().enumerate() {
            if given.iter().take(index).any(|(earlier, _)| earlier == name) {
                faults.push((Code::InvalidRequest, fault(name, "is given twice; give it once")));
            }
        }
        Self { given, faults }
    }

    /// Takes a text. `null` counts as absent.
    pub fn text(&mut self, name: &str) -> Option<Cow<'a, str>> {
        match self.take(name)? {
            Value::Text(text) => Some(text),
            Value::Json(raw) if raw.get() == "null" => None,
            Value::Json(raw) => {
                let text = serde_json::from_str::<Name<'a>>(raw.get());
                let text = text.map(|Name(text)| text);
                text.map_err(|_| self.blame(Code::InvalidRequest, name, "must be a JSON string"))
                    .ok()
            }
        }
    }

    /// Takes a number as its digits, whether it was written as a JSON number or as a string.
    pub fn digits(&mut self, name: &str, code: Code) -> Option<Cow<'a, str>> {
        let raw = match self.take(name)? {
            Value::Text(text) => return Some(text),
            Value::Json(raw) => raw.get(),
        };
        match raw.as_bytes().first() {
            Some(b'0'..=b'9' | b'-') => Some(Cow::Borrowed(raw)),
            Some(b'"') => serde_json::from_str::<Name<'a>>(raw).ok().map(|Name(text)| text),
            Some(b'n') => None,
            _ => {
                self.blame(code, name, "must be a number, or a string of its digits");
                None
            }
        }
    }

    /// Takes a yes or no. `null` counts as absent.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let text = match self.take(name)? {
            Value::Text(text) => text,
            Value::Json(raw) => Cow::Borrowed(raw.get()),
        };
        match &*text {
            "true" => Some(true),
            "false" => Some(false),
            "null" => None,
            _ => {
                self.blame(Code::InvalidRequest, name, "must be true or false");
                None
            }
        }
    }

    /// Takes a list of at most `max` objects; the fields of each are taken by `take`, and its
    /// faults are told with its place.
    pub fn list<T>(
        &mut self,
        name: &str,
        max: usize,
        take: impl Fn(&mut Fields<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Json(raw) = self.take(name)? else { return None };
        let Ok(items) = serde_json::from_str::<Vec<&'a RawValue>>(raw.get()) else {
            self.blame(Code::InvalidRequest, name, "must be a list of objects");
            return None;
        };
        if items.is_empty() || items.len() > max {
            self.blame(Code::InvalidRequest, name, format!("must have 1 to {max} items"));
            return None;
        }
        let mut taken = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            let place = format!("{name}[{place}]");
            let Ok(Members(members)) = serde_json::from_str::<Members<'a>>(item.get()) else {
                self.blame(Code::InvalidRequest, &place, "must be an object");
                continue;
            };
            let given = members.into_iter().map(|(name, raw)| (name, Value::Json(raw))).collect();
            let mut fields = Fields::new(given);
            taken.extend(take(&mut fields));
            for (code, fault) in fields.all_faults() {
                self.blame(code, &format!("{place}.{}", fault.field), fault.message);
            }
            // What is wrong with the first few is enough to know.
            if self.faults.len() >= FAULTS_MAX {
                return None;
            }
        }
        self.faults.is_empty().then_some(taken)
    }

    /// Reads what a taken field says, or blames the field for what it says instead.
    pub fn read<T>(
        &mut self,
        (code, name): (Code, &str),
        text: Option<Cow<'a, str>>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match read(&text?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.blame(code, name, message);
                None
            }
        }
    }

    /// Notes a fault.
    pub fn blame(&mut self, code: Code, name: &str, message: impl Into<String>) {
        self.faults.push((code, fault(name, message)));
    }

    /// Whether a fault of `name` was noted.
    pub fn is_blamed(&self, name: &str) -> bool {
        self.faults.iter().any(|(_, fault)| fault.field == name)
    }

    /// Takes a field that must be there: `value` if it is, else a fault unless one was noted.
    pub fn required<T>(&mut self, code: Code, name: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.is_blamed(name) {
            self.blame(code, name, "is required");
        }
        value
    }

    /// Refuses what is left over, then gives all faults, those of unknown fields first.
    pub fn finish(self) -> Result<(), Error> {
        let faults: Vec<_> = self.all_faults().take(FAULTS_MAX).collect();
        let Some((code, _)) = faults.first() else { return Ok(()) };
        Err(Error::fields(*code, faults.into_iter().map(|(_, fault)| fault).collect()))
    }

    fn all_faults(self) -> impl Iterator<Item = (Code, FieldError)> {
        let unknown = self.given.into_iter().map(|(name, _)| {
            (Code::InvalidRequest, fault(&name, "is not a field of this request; leave it out"))
        });
        unknown.chain(self.faults)
    }

    fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let at = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.swap_remove(at).1)
    }
}

/// A body of 16 KiB can hold thousands of unknown members; the answer names this many.
const FAULTS_MAX: usize = 10;
/// As many characters of a field's name are shown.
const NAME_CHARS_MAX: usize = 64;

fn fault(name: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: name.chars().take(NAME_CHARS_MAX).collect(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(fields: Fields<'_>) -> Vec<(Code, String)> {
        fields.faults.into_iter().map(|(code, fault)| (code, fault.field)).collect()
    }

    #[test]
    fn digits_are_what_the_client_wrote() {
        #[rustfmt::skip]
        let table = [
            ("10.50",               Some("10.50")),
            ("\"10.50\"",           Some("10.50")),
            ("1e400",               Some("1e400")),
            ("9007199254740993.01", Some("9007199254740993.01")),
            ("-0",                  Some("-0")),
            ("\"\\u0031\"",         Some("1")),
            ("null",                None),
            ("true",                None),
            ("[1]",                 None),
        ];
        for (json, want) in table {
            let body = format!(r#"{{"amount": {json}}}"#);
            let mut fields = Fields::of_json(body.as_bytes()).unwrap();
            assert_eq!(fields.digits("amount", Code::InvalidAmount).as_deref(), want, "{json}");
        }
    }

    #[test]
    fn only_an_object_is_taken() {
        for body in ["", "[]", "1", "\"a\"", "{", "{\"a\":1}x", "{\"a\":NaN}", "\u{feff}{}"] {
            assert!(Fields::of_json(body.as_bytes()).is_err(), "{body:?}");
        }
        assert!(Fields::of_json(b" {} ").is_ok());
        assert!(Fields::of_json(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn unknown_and_repeated_fields_are_named() {
        let mut fields = Fields::of_json(br#"{"a":1,"b":"x","b":"y"}"#).unwrap();
        assert!(fields.text("b").is_some());
        assert_eq!(faults(fields), [(Code::InvalidRequest, "b".to_owned())]);

        let mut fields = Fields::of_json(br#"{"a":1,"b":"x"}"#).unwrap();
        assert_eq!(fields.text("b").as_deref(), Some("x"));
        let error = fields.finish().unwrap_err();
        assert!(format!("{error:?}").contains("\"a\""), "{error:?}");
    }

    #[test]
    fn the_faults_of_a_list_are_told_with_their_places() {
        let body = br#"{"a":[{"b":"x"},7,{"b":1,"c":2}],"d":{},"e":[]}"#;
        let mut fields = Fields::of_json(body).unwrap();
        let take = |item: &mut Fields<'_>| item.text("b").map(Cow::into_owned);
        assert_eq!(fields.list("a", 3, take), None);
        assert_eq!(fields.list("d", 3, take), None);
        assert_eq!(fields.list("e", 3, take), None);
        let names: Vec<String> = faults(fields).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["a[1]", "a[2].c", "a[2].b", "d", "e"]);

        let mut fields = Fields::of_json(br#"{"a":[{"b":"x"},{"b":"y"}]}"#).unwrap();
        assert_eq!(fields.list("a", 2, take), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert!(fields.finish().is_ok());
        let mut fields = Fields::of_json(br#"{"a":[{"b":"x"},{"b":"y"}]}"#).unwrap();
        assert_eq!(fields.list("a", 1, take), None);
    }

    #[test]
    fn a_query_is_decoded() {
        let mut fields = Fields::of_query(&Uri::from_static("/?at=a%3Ab&limit=5")).unwrap();
        assert_eq!(fields.text("at").as_deref(), Some("a:b"));
        assert_eq!(fields.digits("limit", Code::InvalidRequest).as_deref(), Some("5"));
        assert!(fields.finish().is_ok());
        assert!(Fields::of_query(&Uri::from_static("/")).unwrap().finish().is_ok());
    }
}
