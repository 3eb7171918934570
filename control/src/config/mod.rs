//! What people configure: the environment files, and the little that the process environment says.
//!
//! The only module that reads the process environment. A wrong file is refused whole, with every
//! fault and its line, before a port opens. The types live where they are used; here they are
//! read and checked against each other.

mod alerts;
mod cost;
mod daemon;
mod environment;
mod notify;
mod prices;
mod scaling;
mod signals;
mod slos;
#[cfg(test)]
mod tests;
mod variant;

use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use crate::api::{Tokens, identity::Policy};
use crate::document::{Fault, Faults, Field};
pub use daemon::Daemon;
pub use environment::{Environment, ServiceNames};
pub use prices::read as read_prices;
pub(crate) use variant::read_policy;
pub use variant::{Variant, read_variant, read_variant_text};

/// The file with the token by which the canary moves money, if the process has one.
pub const WALLET_TOKEN_FILE: &str = "CONTROL_WALLET_TOKEN_FILE";

/// The file with the password of a journal that is a database.
pub const JOURNAL_PASSWORD_FILE: &str = "CONTROL_JOURNAL_PASSWORD_FILE";

const HOST: &str = "HOSTNAME";
const LOG_FILTER: &str = "RUST_LOG";

/// What the process environment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Where the canary's bearer token is read from; without it there is no canary.
    pub wallet_token_file: Option<PathBuf>,
    /// Where the password of the journal's database is read from.
    pub journal_password_file: Option<PathBuf>,
    /// Names this machine or container among the holders of the lease.
    pub host: String,
    /// What is logged, as `info,control=debug`.
    pub log_filter: String,
}

impl Process {
    /// Reads the process environment.
    #[must_use]
    pub fn read() -> Self {
        let read = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name| read(name).and_then(|text| text.into_string().ok());
        Self {
            journal_password_file: read(JOURNAL_PASSWORD_FILE).map(PathBuf::from),
            host: text(HOST).unwrap_or_else(|| "control".to_owned()),
            wallet_token_file: read(WALLET_TOKEN_FILE).map(PathBuf::from),
            log_filter: text(LOG_FILTER).unwrap_or_else(|| "info".to_owned()),
        }
    }
}

/// Reads the environment files, with the price files that they name.
///
/// # Errors
///
/// Every fault of every file.
pub fn read_environments(paths: &[PathBuf]) -> Result<Vec<Environment>, Faults> {
    let mut environments: Vec<Environment> = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        match environment::read(path) {
            Ok(environment) => environments.push(environment),
            Err(Faults(more)) => faults.extend(more),
        }
    }
    for (index, one) in environments.iter().enumerate() {
        let earlier = &environments[..index];
        if let Some(twin) = earlier.iter().find(|other| other.name == one.name) {
            let message = format!("`{}` is the name of {} too", one.name, twin.file);
            faults.push(fault(&one.file, "name", message));
        }
        if let Some(other) = earlier.iter().find(|other| other.region != one.region) {
            let message = format!(
                "`{}` is another region than that of {}; one process serves one",
                one.region, other.file
            );
            faults.push(fault(&one.file, "region", message));
        }
    }
    if faults.is_empty() { Ok(environments) } else { Err(Faults(faults)) }
}

/// Reads the tokens file.
///
/// # Errors
///
/// Every fault in it.
pub fn read_tokens(path: &Path) -> Result<Tokens, Faults> {
    let text = read_text(path)?;
    crate::api::tokens(&path.display().to_string(), &text)
}

/// Reads the identity provider's file.
///
/// # Errors
///
/// Every fault in it.
pub fn read_identity(path: &Path) -> Result<Policy, Faults> {
    let text = read_text(path)?;
    crate::api::identity::read(&path.display().to_string(), &text)
}

/// The text of a file, or the fault that it cannot be read.
pub(crate) fn read_text(path: &Path) -> Result<String, Faults> {
    let file = path.display().to_string();
    std::fs::read_to_string(path)
        .map_err(|error| Faults(vec![fault(&file, "", format!("cannot be read: {error}"))]))
}

fn fault(file: &str, field: &str, message: String) -> Fault {
    Fault { file: file.to_owned(), line: 1, field: field.to_owned(), message }
}

/// A duration as the pure parts want it.
fn delta(field: &Field<'_>, seconds: std::ops::RangeInclusive<u64>) -> Option<TimeDelta> {
    let bound = std::time::Duration::from_secs;
    let read = field.duration(bound(*seconds.start())..=bound(*seconds.end()))?;
    Some(TimeDelta::from_std(read).expect("the range above is days at most"))
}
