//! What each environment spent, as the journal tells it: what a restart begins with. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::page::Past;
use crate::journal::{Event, Fold};

/// What the subject of every event about an environment's cost ends with.
pub(super) const SUBJECT: &str = "/cost";

/// The past of each environment. Five weeks of hours and a bill are 75 KB: a hundred environments
/// fit into a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spendings(BTreeMap<String, Past>);

impl Spendings {
    /// Hands the past of an environment over; one that nothing is told of is empty.
    pub(super) fn take(&mut self, environment: &str) -> Past {
        self.0.remove(environment).unwrap_or_default()
    }
}

impl Fold for Spendings {
    const NAME: &'static str = "cost.1";
    const KINDS: &'static [&'static str] = &["cost."];

    fn fold(&mut self, event: &Event) {
        let Some(environment) = event.subject.strip_suffix(SUBJECT) else { return };
        self.0.entry(environment.to_owned()).or_default().fold(event);
    }
}
