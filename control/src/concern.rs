//! What control has to say against itself: not of AWS, and in no signal.
//!
//! Each concern has the name of the alert rule by which people hear of it, and stands until whoever
//! raised it clears it. Concerns are made anew after a restart, from what is true then.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// A reload was refused, and the configuration from before goes on.
pub const CONFIGURATION_REFUSED: &str = "configuration-refused";
/// An intent has been open for longer than anything takes.
pub const INTENT_UNRESOLVED: &str = "intent-unresolved";

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
