//! The books of all environments, as the journal tells them: what a restart begins with. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::book::Book;
use crate::journal::{Event, Fold};

/// One book for each environment that ever had an alert, a message or a silence. A book that is
/// full, with fifty resolved episodes and four messages of each, is 85 KB: a hundred fit into a
/// snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Books(BTreeMap<String, Book>);

impl Books {
    /// Hands the book of an environment over; one that nothing is told of is empty.
    pub(super) fn take(&mut self, environment: &str) -> Book {
        self.0.remove(environment).unwrap_or_default()
    }
}

impl Fold for Books {
    const NAME: &'static str = "alerts.1";
    const KINDS: &'static [&'static str] = &["alert.", "delivery.", "silence."];

    fn fold(&mut self, event: &Event) {
        let Some((environment, _)) = event.subject.split_once("/alert/") else { return };
        let book = self.0.entry(environment.to_owned()).or_default();
        book.fold(event);
        // Only these end anything that others hang on.
        if event.kind == "alert.resolved" || event.kind.starts_with("silence.") {
            book.prune(event.at);
        }
    }
}
