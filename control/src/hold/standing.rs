//! What stands until it ends or expires: kept in the journal, asked for in memory.
//!
//! Everything that a person puts in control's way is kept like this, because what cannot expire
//! is forgotten, and what a restart forgets was never safe.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::{Mutex, watch};

use crate::journal::{Entry, Event, Fold, Journal, JournalError};

/// Standing at once of one kind, over all environments. More than that is a fault, not a practice.
pub(super) const STANDING_MAX: usize = 64;

/// Something with an author, a reason and an end.
pub trait Stands: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind of event that begins it: `hold.taken`.
    const BEGUN: &'static str;
    /// The kind of event that ends it before its time: `hold.released`.
    const ENDED: &'static str;
    /// What both begin with: `hold.`.
    const PREFIX: &'static str;
    /// Names what these events make, with the version of its shape: `holds.1`.
    const FOLD: &'static str;

    /// Beginning one with the id of a standing one replaces it.
    fn id(&self) -> &str;
    /// The environment; `None`: all of them.
    fn environment(&self) -> Option<&str>;
    /// A token's name, or `control` for a run.
    fn by(&self) -> &str;
    /// From then on it stands no more.
    fn expires_at(&self) -> DateTime<Utc>;
    /// What it does, in a sentence without its end.
    fn say(&self) -> String;
}

/// Those that events tell of, by id. What expired before the newest of them is forgotten.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "T: Stands")]
pub struct Told<T>(BTreeMap<String, T>);

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Stands> Fold for Told<T> {
    const NAME: &'static str = T::FOLD;
    const KINDS: &'static [&'static str] = &[T::PREFIX];

    fn fold(&mut self, event: &Event) {
        self.0.retain(|_, one| one.expires_at() > event.at);
        if event.kind == T::BEGUN {
            if let Ok(one) = serde_json::from_value::<T>(event.data.clone()) {
                self.0.insert(one.id().to_owned(), one);
            }
        } else {
            self.0.remove(event.data["id"].as_str().unwrap_or_default());
        }
    }
}

/// Why it does not stand.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("beginning another on {scope}: {STANDING_MAX} stand already")]
    TooMany { scope: String },
    #[error("recording a hold")]
    Journal(#[from] JournalError),
}

/// All that stand. A clone is another handle on the same ones.
pub struct Standing<T> {
    journal: Journal,
    standing: Arc<watch::Sender<BTreeMap<String, T>>>,
    /// Makes the order of events the order of changes.
    writing: Arc<Mutex<()>>,
}

impl<T> Clone for Standing<T> {
    fn clone(&self) -> Self {
        Self {
            journal: self.journal.clone(),
            standing: Arc::clone(&self.standing),
            writing: Arc::clone(&self.writing),
        }
    }
}

impl<T: Stands> Standing<T> {
    /// Those that the journal tells of.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(journal: Journal) -> Result<Self, JournalError> {
        let Told(standing) = journal.recall::<Told<T>>().await?;
        let standing = Arc::new(watch::Sender::new(standing));
        Ok(Self { journal, standing, writing: Arc::default() })
    }

    /// Begins one, or moves the standing one with its id.
    ///
    /// # Errors
    ///
    /// When there are too many, or the journal cannot be written.
    pub async fn take(&self, one: T, now: DateTime<Utc>) -> Result<(), HoldError> {
        let _turn = self.writing.lock().await;
        let mut standing = self.standing.borrow().clone();
        standing.retain(|_, other| other.expires_at() > now);
        let scope = one.environment().unwrap_or("all").to_owned();
        if standing.len() >= STANDING_MAX && !standing.contains_key(one.id()) {
            return Err(HoldError::TooMany { scope });
        }
        let until = one.expires_at().format("%H:%M:%S");
        let summary = format!("{} until {until}", one.say());
        let data = serde_json::to_value(&one).expect("it has only text keys");
        let subject = format!("{scope}/{}{}", T::PREFIX.replace('.', "/"), one.id());
        self.journal.append(Entry::by(one.by(), subject, T::BEGUN, summary, data)).await?;
        standing.insert(one.id().to_owned(), one);
        self.standing.send_replace(standing);
        Ok(())
    }

    /// Ends one before it expires. Returns false when none with this id stands.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written: then it stands.
    pub async fn release(&self, id: &str, by: &str) -> Result<bool, JournalError> {
        let _turn = self.writing.lock().await;
        let Some(one) = self.standing.borrow().get(id).cloned() else { return Ok(false) };
        let scope = one.environment().unwrap_or("all");
        let summary = format!("ended: {}", one.say());
        let subject = format!("{scope}/{}{id}", T::PREFIX.replace('.', "/"));
        let entry = Entry::by(by, subject, T::ENDED, summary, json!({ "id": id }));
        self.journal.append(entry).await?;
        self.standing.send_modify(|standing| {
            standing.remove(id);
        });
        Ok(true)
    }

    /// Those that stand at `now`, by id.
    #[must_use]
    pub fn standing(&self, now: DateTime<Utc>) -> Vec<T> {
        self.standing.borrow().values().filter(|one| one.expires_at() > now).cloned().collect()
    }

    /// Those that stand at `now` and concern this environment.
    #[must_use]
    pub fn of(&self, environment: &str, now: DateTime<Utc>) -> Vec<T> {
        let mut standing = self.standing(now);
        standing.retain(|one| one.environment().is_none_or(|scope| scope == environment));
        standing
    }
}
