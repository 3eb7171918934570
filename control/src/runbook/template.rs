//! `${…}` in a runbook: names of parameters, of outputs of earlier steps, and of the run itself.

use std::{collections::BTreeMap, fmt};

/// A text with names in it. Every name is checked when the file is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `cluster`, `before.writer`, `run.id`.
    Name(String),
}

/// Values by name, as a run knows them.
pub type Names = BTreeMap<String, String>;

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// In words, when a `${` is not closed or holds no name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, tail)) = after.split_once('}') else {
                return Err(format!("`{text}` opens a `${{` that it does not close"));
            };
            let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            if name.is_empty() || !name.chars().all(allowed) {
                return Err(format!("`${{{name}}}` is not a name"));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Name(name.to_owned()));
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The names that it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The one name that it is made of, if it is nothing else.
    #[must_use]
    pub fn only_name(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// The text, when it holds no name.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with every name replaced; `None` while one of them has no value yet.
    #[must_use]
    pub fn resolve(&self, names: &Names) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Name(name) => names.get(name).map(String::as_str),
            })
            .collect()
    }

    /// The text with what is known filled in and the rest left as it is written.
    #[must_use]
    pub fn show(&self, names: &Names) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Name(name) => match names.get(name) {
                    Some(value) => text.push_str(value),
                    None => text.push_str(&format!("${{{name}}}")),
                },
            }
        }
        text
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(&Names::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_filled_in() {
        let names = Names::from([("a".into(), "1".into()), ("b.c".into(), "2".into())]);
        #[rustfmt::skip]
        let table = [
            // text          names            resolved     shown
            ("plain",        vec![],          Some("plain"), "plain"),
            ("${a}",         vec!["a"],       Some("1"),     "1"),
            ("= ${b.c}!",    vec!["b.c"],     Some("= 2!"),  "= 2!"),
            ("${a}${b.c}",   vec!["a","b.c"], Some("12"),    "12"),
            ("${a}-${x.y}",  vec!["a","x.y"], None,          "1-${x.y}"),
            ("$a {b}",       vec![],          Some("$a {b}"), "$a {b}"),
        ];
        for (text, want, resolved, shown) in table {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.names().collect::<Vec<_>>(), want, "{text}");
            assert_eq!(template.resolve(&names).as_deref(), resolved, "{text}");
            assert_eq!(template.show(&names), shown, "{text}");
            assert_eq!(template.to_string(), text);
        }
    }

    #[test]
    fn broken_names_are_refused() {
        for text in ["${", "a ${b", "${}", "${a b}", "${${a}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
