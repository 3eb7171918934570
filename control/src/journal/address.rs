//! Where a journal is: a file on this machine, or a MySQL database for a pair of daemons.
//!
//! A password never stands in an address, because addresses are seen in process lists and logs.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How the address of a database begins.
const MYSQL: &str = "mysql://";

/// Where a journal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An `SQLite` file, created if it does not exist.
    File(PathBuf),
    /// `mysql://user@host:port/database`.
    MySql {
        url: String,
        /// True when somebody wrote a password into the address. It was dropped, and is refused.
        had_password: bool,
    },
}

impl FromStr for Address {
    /// Never fails, because whoever reports a failure would print the address, password and all.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let Some(rest) = text.strip_prefix(MYSQL) else { return Ok(Self::File(text.into())) };
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (user, place),
            None => return Ok(Self::MySql { url: text.to_owned(), had_password: false }),
        };
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let url = format!("{MYSQL}{name}@{place}");
        Ok(Self::MySql { url, had_password: !password.is_empty() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::MySql { url, .. } => f.write_str(url),
        }
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// An address with where its password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub address: Address,
    /// Only a database has a password.
    pub password_file: Option<PathBuf>,
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self { address: path.into(), password_file: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_file_unless_it_names_a_database_and_keeps_no_password() {
        let mysql = |url: &str, had_password| Address::MySql { url: url.to_owned(), had_password };
        for (text, want) in [
            ("journal.db", Address::File("journal.db".into())),
            ("/var/lib/control/journal.db", Address::File("/var/lib/control/journal.db".into())),
            ("mysql://ctl@db:3306/journal", mysql("mysql://ctl@db:3306/journal", false)),
            ("mysql://db/journal", mysql("mysql://db/journal", false)),
            ("mysql://ctl:se@cret@db/journal", mysql("mysql://ctl@db/journal", true)),
            ("mysql://ctl:@db/journal", mysql("mysql://ctl@db/journal", false)),
        ] {
            let Ok(address) = text.parse::<Address>();
            assert_eq!(address, want, "{text}");
            assert!(!format!("{address} {address:?}").contains("cret"), "{address:?}");
        }
    }
}
