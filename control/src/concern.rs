//! What control has to say against itself: not of AWS, and in no signal.
//!
//! Each concern has the name of the alert rule by which people hear of it, and stands until whoever
//! raised it clears it. Concerns are made anew after a restart, from what is true then.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::alert::Findings;
use crate::alert::rule::Verdict;
use crate::driver::Pass;

/// A reload was refused, and the configuration from before goes on.
pub const CONFIGURATION_REFUSED: &str = "configuration-refused";
/// An intent has been open for longer than anything takes.
pub const INTENT_UNRESOLVED: &str = "intent-unresolved";

/// All of them: one that does not stand is known not to.
const NAMES: [&str; 2] = [CONFIGURATION_REFUSED, INTENT_UNRESOLVED];

/// The concerns that stand, by name, each in one sentence. A clone is another handle on them.
#[derive(Clone, Debug, Default)]
pub struct Concerns(Arc<watch::Sender<BTreeMap<&'static str, String>>>);

impl Concerns {
    /// Raises a concern, or says the standing one in new words.
    pub fn raise(&self, name: &'static str, summary: String) {
        self.0.send_modify(|standing| {
            standing.insert(name, summary);
        });
    }

    /// Ends a concern, if it stands.
    pub fn clear(&self, name: &'static str) {
        self.0.send_if_modified(|standing| standing.remove(name).is_some());
    }

    /// What stands now.
    #[must_use]
    pub fn standing(&self) -> BTreeMap<&'static str, String> {
        self.0.borrow().clone()
    }
}

/// The loop that tells the alerts of every environment what stands: control is one process, and
/// whoever is on call for any of them must know.
pub struct Report {
    concerns: Concerns,
    findings: Vec<Findings>,
}

impl Report {
    #[must_use]
    pub fn new(concerns: Concerns, findings: Vec<Findings>) -> Self {
        Self { concerns, findings }
    }
}

impl Pass for Report {
    type Error = Infallible;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), Infallible> {
        let standing = self.concerns.standing();
        for name in NAMES {
            let (verdict, text) = match standing.get(name) {
                Some(summary) => (Verdict::Holds, summary.as_str()),
                None => (Verdict::Clear, "all is well"),
            };
            self.findings.iter().for_each(|one| one.report(name, verdict, text, now));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::BUILT_IN;
    use crate::fleet::samples::second;

    #[tokio::test]
    async fn a_concern_is_told_to_every_environment_while_it_stands_and_has_a_rule() {
        let (concerns, ours) = (Concerns::default(), [Findings::default(), Findings::default()]);
        let mut report = Report::new(concerns.clone(), ours.to_vec());
        for (at, raised, verdict) in [(0, false, Verdict::Clear), (1, true, Verdict::Holds)] {
            if raised {
                concerns.raise(CONFIGURATION_REFUSED, "the files have a fault".to_owned());
            }
            report.pass(second(at)).await.unwrap();
            for findings in &ours {
                let found = findings.look(CONFIGURATION_REFUSED, second(at));
                assert_eq!(found.verdict, verdict, "at {at}");
            }
        }
        for name in NAMES {
            assert!(BUILT_IN.iter().any(|(rule, _)| *rule == name), "{name} has no rule");
        }
    }
}
