//! Reads every file again on SIGHUP, and puts all of it into force or none.
//!
//! A file with a fault changes nothing: the configuration from before goes on, the faults are in
//! the journal, and people are told, because a limit that somebody believes to be in force and that
//! is not is worse than one that was never changed. What a running process is built upon (which
//! environments there are, and what they are called in AWS) takes a restart, and says so.

use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::api::Trust;
use crate::api::identity::Identities;
use crate::app::App;
use crate::concern::CONFIGURATION_REFUSED;
use crate::config::Environment;
use crate::current::Current;
use crate::document::{Fault, Faults};
use crate::error::chain;
use crate::journal::{Entry, JournalError};
use crate::runbook::library::Library;
use crate::serve::{Configuration, Files, configuration};

/// Faults that are written down; whoever mends these finds the others with `control check`.
const FAULTS_MAX: usize = 50;
const SUBJECT: &str = "control/configuration";

/// Everything that a reload replaces.
#[derive(Clone)]
pub struct Reload {
    pub files: Files,
    pub app: App,
    pub library: Current<Library>,
    pub trust: Arc<Trust>,
}

impl Reload {
    /// Reloads because somebody asked. A journal that cannot be written is somebody else's worry:
    /// every loop says so.
    pub async fn on_signal(&self) {
        if let Err(error) = self.reload().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the files were not read again: nothing can be recorded");
        }
    }

    /// Reads the files and puts them into force, or says why not. Whether it did is in the journal.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written: then nothing has changed.
    pub async fn reload(&self) -> Result<(), JournalError> {
        let read = configuration(&self.files).and_then(|read| {
            self.takes_a_restart(&read)?;
            let identities = read.identity.clone().map(Identities::new).transpose();
            Ok((read, identities.map_err(|error| unusable(&self.files, &error))?))
        });
        match read {
            Ok((read, identities)) => self.put_into_force(read, identities).await,
            Err(faults) => self.refuse(&faults).await,
        }
    }

    async fn put_into_force(
        &self,
        read: Configuration,
        identities: Option<Identities>,
    ) -> Result<(), JournalError> {
        self.app.journal.append(loaded(&read)).await?;
        let Configuration { environments, library, tokens, identity: _ } = read;
        for wanted in environments {
            let live = self.app.environments.get(&wanted.name);
            live.expect("checked above: the environments are the same").want(wanted);
        }
        self.library.replace(library);
        self.trust.tokens.replace(tokens);
        self.trust.identities.replace(identities);
        self.app.concerns.clear(CONFIGURATION_REFUSED);
        tracing::info!("the files were read again and are in force");
        Ok(())
    }

    async fn refuse(&self, Faults(faults): &Faults) -> Result<(), JournalError> {
        let first = faults.first().map_or_else(String::new, ToString::to_string);
        let more = match faults.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let summary =
            format!("the files have a fault, and nothing of them is in force: {first}{more}");
        let told: Vec<String> = faults.iter().take(FAULTS_MAX).map(ToString::to_string).collect();
        let data = json!({ "faults": told, "count": faults.len() });
        tracing::warn!(faults = faults.len(), "{summary}");
        self.app.concerns.raise(CONFIGURATION_REFUSED, summary.clone());
        let entry = Entry::control(SUBJECT, "config.refused", summary, data);
        self.app.journal.append(entry).await.map(|_| ())
    }

    /// Faults of what is well formed and cannot be put into force while the process runs.
    fn takes_a_restart(&self, read: &Configuration) -> Result<(), Faults> {
        let mut faults = Vec::new();
        for wanted in &read.environments {
            match self.app.environments.get(&wanted.name) {
                Some(live) => compare(&live.wanted(), wanted, &mut faults),
                None => faults.push(fault(wanted, "name", "is new; this takes a restart")),
            }
        }
        for (name, live) in &self.app.environments {
            if read.environments.iter().all(|wanted| wanted.name != *name) {
                let message = format!("`{name}` is gone; this takes a restart");
                faults.push(fault(&live.wanted(), "name", &message));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }
}

/// The loops, the canary and the AWS client were made with these.
fn compare(before: &Environment, after: &Environment, faults: &mut Vec<Fault>) {
    let names = |one: &Environment| {
        let service = &one.service;
        [
            ("region", one.region.clone()),
            ("account", one.account.clone()),
            ("resources.service.cluster", service.cluster.clone()),
            ("resources.service.name", service.name.clone()),
            ("resources.service.target_group", service.target_group.clone()),
            ("resources.database", one.database.clone()),
            ("resources.cache", one.cache.clone()),
            ("resources.broker", one.broker.clone()),
            ("scaling.period", format!("{} s", one.scaling.period.num_seconds())),
        ]
    };
    for ((field, before), (_, now)) in names(before).into_iter().zip(names(after)) {
        if before != now {
            let message = format!("was `{before}` and is `{now}`; this takes a restart");
            faults.push(fault(after, field, &message));
        }
    }
}

fn fault(of: &Environment, field: &str, message: &str) -> Fault {
    let (file, field, message) = (of.file.clone(), field.to_owned(), message.to_owned());
    Fault { file, line: 1, field, message }
}

/// The identity file is well formed and cannot be used.
fn unusable(files: &Files, error: &dyn std::error::Error) -> Faults {
    let file = files.identity.as_ref().map_or_else(String::new, |path| path.display().to_string());
    Faults(vec![Fault { file, line: 1, field: String::new(), message: chain(error) }])
}

/// The event that says what is in force from here on. Its hash is over what the files mean: a
/// comment changes nothing.
#[must_use]
pub fn loaded(read: &Configuration) -> Entry {
    let hash = hex::encode(Sha256::digest(format!("{read:?}")));
    let names: Vec<&str> = read.environments.iter().map(|one| one.name.as_str()).collect();
    let (runbooks, drills) = (read.library.runbooks.len(), read.library.drills.len());
    let summary = format!(
        "in force: {} with {runbooks} runbooks and {drills} drills, {}",
        names.join(", "),
        &hash[..12]
    );
    let data = json!({
        "hash": hash, "environments": names, "runbooks": runbooks, "drills": drills,
    });
    Entry::control(SUBJECT, "config.loaded", summary, data)
}
