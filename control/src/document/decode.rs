//! From nodes to typed values, collecting every fault on the way.
//!
//! A getter that finds a fault notes it and returns `None`, and the caller goes on with the next
//! field; [`decode`] turns the notes into an error at the end, so no value made from a faulty file
//! can escape.

use super::{Entry, Fault, Faults, Node, Value, duration::parse_duration, print_duration};
use std::{cell::RefCell, fmt::Display, ops::RangeInclusive, time::Duration};

/// Decodes `text` with `read`, which gets the document's root as a field.
///
/// # Errors
///
/// Every fault that `read` noted, or the syntax fault that kept the file from being read.
///
/// # Panics
///
/// If `read` returns `None` without having noted a fault, which is a bug in it.
pub fn decode<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(Field<'_>) -> Option<T>,
) -> Result<T, Faults> {
    let root = super::parse(file, text)?;
    let notes = Notes { file: file.to_owned(), faults: RefCell::default() };
    let value = read(Field { notes: &notes, path: String::new(), node: &root });
    let mut faults = notes.faults.into_inner();
    if faults.is_empty() {
        return Ok(value.expect("a decoder returns None only after it noted a fault"));
    }
    faults.sort_by_key(|fault| fault.line);
    Err(Faults(faults))
}

/// Where faults are noted. Shared by all fields of one file.
#[derive(Debug)]
struct Notes {
    file: String,
    faults: RefCell<Vec<Fault>>,
}

/// A value together with its place, ready to be read as some type.
#[derive(Clone, Debug)]
pub struct Field<'n> {
    notes: &'n Notes,
    path: String,
    node: &'n Node,
}

impl<'n> Field<'n> {
    /// The line of the value.
    #[must_use]
    pub fn line(&self) -> usize {
        self.node.line
    }

    /// The value as it was parsed, for shapes that depend on it.
    #[must_use]
    pub fn value(&self) -> &'n Value {
        &self.node.value
    }

    /// Notes that this value is wrong. Returns `None`, to end a getter with.
    pub fn fault<T>(&self, message: impl Display) -> Option<T> {
        self.fault_at(self.node.line, message)
    }

    fn fault_at<T>(&self, line: usize, message: impl Display) -> Option<T> {
        self.notes.faults.borrow_mut().push(Fault {
            file: self.notes.file.clone(),
            line,
            field: self.path.clone(),
            message: message.to_string(),
        });
        None
    }

    /// A non-empty text. A number or a boolean is taken as it is usually written.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.value() {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Integer(i) => Some(i.to_string()),
            Value::Float(f) => Some(f.to_string()),
            _ => self.fault("must be a text that is not empty"),
        }
    }

    /// A name: 1 to 64 of `a-z 0-9 - _`, beginning with a letter.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let text = self.text()?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(allowed)
        {
            Some(text)
        } else {
            self.fault(format!(
                "`{text}` must be 1 to 64 of a-z, 0-9, - and _, beginning with a letter"
            ))
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        match self.value() {
            Value::Bool(b) => Some(*b),
            _ => self.fault("must be true or false"),
        }
    }

    /// A whole number within `range`.
    #[must_use]
    pub fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        match self.value() {
            Value::Integer(i) if range.contains(i) => Some(*i),
            _ => self.fault(format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        }
    }

    /// A whole number within `range`, for counts.
    #[must_use]
    pub fn count(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = self.integer(i64::from(*range.start())..=i64::from(*range.end()))?;
        Some(u32::try_from(number).expect("the range was made of u32"))
    }

    /// A finite number within `range`.
    #[must_use]
    pub fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let number = match self.value() {
            Value::Float(f) => Some(*f),
            // Exact: YAML integers beyond 32 bits are refused here.
            Value::Integer(i) => i32::try_from(*i).ok().map(f64::from),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => self.fault(format!("must be a number from {} to {}", range.start(), range.end())),
        }
    }

    /// A share written with its sign: `40%`, `0.5%`. Returns percent.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let read = match self.value() {
            Value::Text(text) => text.strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok()),
            _ => None,
        };
        match read {
            Some(percent) if (0.0..=100.0).contains(&percent) => Some(percent),
            _ => self.fault("must be a share from 0% to 100%, written with the percent sign"),
        }
    }

    /// A duration within `range`, written as `250ms`, `90s`, `5m`, `2h` or `30d`.
    #[must_use]
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let read = match self.value() {
            Value::Text(text) => parse_duration(text),
            _ => None,
        };
        match read {
            Some(duration) if range.contains(&duration) => Some(duration),
            _ => self.fault(format!(
                "must be a duration from {} to {}, written as 250ms, 90s, 5m, 2h or 30d",
                print_duration(*range.start()),
                print_duration(*range.end())
            )),
        }
    }

    /// One of a fixed set of words.
    #[must_use]
    pub fn choice<T: Clone>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(value.clone());
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.fault(format!("`{text}` is none of {}", words.join(", ")))
    }

    /// The items of a list of `1..=items_max`, each read by `read`. Faulty items are left out.
    #[must_use]
    pub fn list<T>(
        &self,
        items_max: usize,
        mut read: impl FnMut(Field<'n>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::List(items) = self.value() else {
            return self.fault("must be a list");
        };
        if items.is_empty() || items.len() > items_max {
            return self.fault(format!("must be a list of 1 to {items_max}"));
        }
        let fields = items.iter().enumerate().map(|(index, node)| Field {
            notes: self.notes,
            path: format!("{}[{index}]", self.path),
            node,
        });
        Some(fields.filter_map(&mut read).collect())
    }

    /// A map whose keys are all among `known`. Others are faults, with the nearest known key.
    #[must_use]
    pub fn map(&self, known: &'static [&'static str]) -> Option<Map<'n>> {
        let map = self.open_map()?;
        for Entry { key, line, .. } in map.entries {
            if !known.contains(&key.as_str()) {
                let hint = match nearest(key, known.iter().copied()) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => format!("known here: {}", known.join(", ")),
                };
                self.fault_at::<()>(*line, format!("unknown key `{key}`; {hint}"));
            }
        }
        Some(Map { known: Some(known), ..map })
    }

    /// A map whose keys are names that the file's author chose.
    #[must_use]
    pub fn open_map(&self) -> Option<Map<'n>> {
        match self.value() {
            Value::Map(entries) => Some(Map { field: self.clone(), entries, known: None }),
            _ => self.fault("must be a map"),
        }
    }
}

/// A map whose fields can be asked for by key.
#[derive(Clone, Debug)]
pub struct Map<'n> {
    field: Field<'n>,
    entries: &'n [Entry],
    known: Option<&'static [&'static str]>,
}

impl<'n> Map<'n> {
    /// The map itself, to note a fault that concerns several of its keys.
    #[must_use]
    pub fn whole(&self) -> &Field<'n> {
        &self.field
    }

    /// The field of `key`; `None` when it is absent or null, which is no fault.
    ///
    /// # Panics
    ///
    /// If `key` is not among the keys that the map was opened with, which is a bug in the caller.
    #[must_use]
    pub fn optional(&self, key: &str) -> Option<Field<'n>> {
        assert!(self.known.is_none_or(|known| known.contains(&key)), "`{key}` was not declared");
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.value.value != Value::Null).then(|| self.child(entry))
    }

    /// The field of `key`; its absence is a fault.
    #[must_use]
    pub fn required(&self, key: &str) -> Option<Field<'n>> {
        let field = self.optional(key);
        if field.is_none() {
            self.field.fault::<()>(format!("`{key}` is missing"));
        }
        field
    }

    /// Reads `key`, or takes `default` when it is absent.
    #[must_use]
    pub fn or<T>(
        &self,
        key: &str,
        default: T,
        read: impl FnOnce(&Field<'n>) -> Option<T>,
    ) -> Option<T> {
        self.optional(key).map_or(Some(default), |field| read(&field))
    }

    /// All fields with their keys, in the order of the file.
    pub fn fields(&self) -> impl Iterator<Item = (&'n str, Field<'n>)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), self.child(entry)))
    }

    fn child(&self, entry: &'n Entry) -> Field<'n> {
        let path = match self.field.path.as_str() {
            "" => entry.key.clone(),
            path => format!("{path}.{}", entry.key),
        };
        Field { notes: self.field.notes, path, node: &entry.value }
    }
}

/// The word among `words` that `word` begins, or that is at most a third of its letters away.
#[must_use]
pub fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    words
        .into_iter()
        .map(|candidate| {
            let begun = word.len() >= 3 && candidate.starts_with(word);
            (if begun { 0 } else { edits(word, candidate) }, candidate)
        })
        .filter(|(edits, candidate)| *edits <= candidate.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, dropped or replaced to turn `a` into `b`.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Limits {
        low: u32,
        high: u32,
        share: f64,
        wait: Duration,
        kind: char,
        names: Vec<String>,
    }

    fn limits(root: Field<'_>) -> Option<Limits> {
        let map = root.map(&["low", "high", "share", "wait", "kind", "names"])?;
        let low = map.required("low").and_then(|f| f.count(1..=9));
        let high = map.or("high", 9, |f| f.count(1..=9));
        let share = map.required("share").and_then(|f| f.percent());
        let second = Duration::from_secs(1);
        let wait = map.or("wait", second, |f| f.duration(second..=second * 90));
        let kind = map.required("kind").and_then(|f| f.choice(&[("red", 'r'), ("blue", 'b')]));
        let names = map.or("names", vec![], |f| f.list(2, |item| item.name()));
        let (low, high) = (low?, high?);
        if low > high {
            map.whole().fault::<()>("`low` must not be above `high`");
        }
        Some(Limits { low, high, share: share?, wait: wait?, kind: kind?, names: names? })
    }

    fn faults(text: &str) -> Vec<(usize, String)> {
        let faults = decode("f.yaml", text, limits).expect_err("the text is faulty");
        faults.0.iter().map(|f| (f.line, format!("{}: {}", f.field, f.message))).collect()
    }

    #[test]
    fn a_sound_file_is_decoded_with_its_defaults() {
        let text = "low: 2\nshare: 0.5%\nkind: blue\nnames: [a, b-2]\n";
        let want = Limits {
            low: 2,
            high: 9,
            share: 0.5,
            wait: Duration::from_secs(1),
            kind: 'b',
            names: vec!["a".into(), "b-2".into()],
        };
        assert_eq!(decode("f.yaml", text, limits), Ok(want));
    }

    #[test]
    fn all_faults_of_a_file_are_reported_with_their_lines() {
        let text = "\
low: 0
hihg: 3
share: 40
wait: 2h
kind: green
names:
  - ok
  - Not A Name
";
        assert_eq!(
            faults(text),
            [
                (1, "low: must be a whole number from 1 to 9".to_owned()),
                (2, ": unknown key `hihg`; did you mean `high`?".to_owned()),
                (
                    3,
                    "share: must be a share from 0% to 100%, written with the percent sign"
                        .to_owned()
                ),
                (
                    4,
                    "wait: must be a duration from 1s to 90s, written as 250ms, 90s, 5m, 2h or 30d"
                        .to_owned()
                ),
                (5, "kind: `green` is none of red, blue".to_owned()),
                (
                    8,
                    "names[1]: `Not A Name` must be 1 to 64 of a-z, 0-9, - and _, beginning with \
                     a letter"
                        .to_owned()
                ),
            ]
        );
    }

    #[test]
    fn faults_of_the_file_itself_have_a_line_too() {
        #[rustfmt::skip]
        let table = [
            ("",                          1, "is empty"),
            ("low: [1",                   2, "is not YAML: "),
            ("low: 1\nlow: 2\n",          2, "is not YAML: duplicated key in mapping"),
            ("a: 1\n---\nb: 1\n",         3, "holds a second document; one file holds one"),
            ("a: !secret x\n",            1, "uses a YAML tag, which has no meaning"),
            ("a: 1\n? [1]\n: 2\n",        2, "holds a key that is not a word"),
            ("- 1\n",                     1, "must be a map"),
            ("low: 3\nhigh: 2\nshare: 1%\nkind: red", 1, "`low` must not be above `high`"),
            ("low: 3\nshare: 1%\n",       1, "`kind` is missing"),
            ("low: 3\nshare: 1%\nkind:\n", 1, "`kind` is missing"),
        ];
        for (text, line, message) in table {
            let got = faults(text);
            assert_eq!(got.len(), 1, "{text:?}: {got:?}");
            assert_eq!(got[0].0, line, "{text:?}: {got:?}");
            assert!(got[0].1.contains(message), "{text:?}: {got:?}");
        }
    }

    #[test]
    fn the_nearest_word_is_near() {
        let words = ["timeout", "every", "on_timeout", "effect"];
        assert_eq!(nearest("timout", words), Some("timeout"));
        assert_eq!(nearest("efect", words), Some("effect"));
        assert_eq!(nearest("zzz", words), None);
    }
}
