//! Where the programs are that the sandbox runs: the system's and our own.

use std::path::{Path, PathBuf};

/// Debian keeps daemons out of the ordinary search path, so it is not asked.
const FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// A program that is not on this machine.
#[derive(Debug, thiserror::Error)]
#[error("{program} is not installed: {remedy}")]
pub struct MissingProgram {
    program: String,
    remedy: String,
}

/// What the sandbox needs from the system, and the Debian package that has it.
pub const SYSTEM: [(&str, &str); 5] = [
    ("setpriv", "util-linux"),
    ("mariadbd", "mariadb-server"),
    ("mariadb-install-db", "mariadb-server"),
    ("mariadb-backup", "mariadb-backup"),
    ("redis-server", "redis-server"),
];

/// The path of a system program.
///
/// # Errors
///
/// It is in none of the usual folders; the text names the package to install.
pub fn locate(program: &str, package: &str) -> Result<PathBuf, MissingProgram> {
    FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| MissingProgram {
            program: program.to_owned(),
            remedy: format!("apt-get install {package} (looked in {})", FOLDERS.join(" ")),
        })
}

/// Fails with everything that is missing, in one text.
///
/// # Errors
///
/// At least one of [`SYSTEM`] is not installed.
pub fn require_all() -> Result<(), MissingProgram> {
    let missing: Vec<_> = SYSTEM.iter().filter(|(name, pkg)| locate(name, pkg).is_err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    let packages: std::collections::BTreeSet<_> = missing.iter().map(|(_, pkg)| *pkg).collect();
    let packages: Vec<_> = packages.into_iter().collect();
    Err(MissingProgram {
        program: names.join(", "),
        remedy: format!("apt-get install {}", packages.join(" ")),
    })
}

/// The path of one of our own binaries: beside the running one, or, for a test binary, which
/// cargo puts into `deps/`, one folder up.
///
/// # Errors
///
/// It was not built.
pub fn ours(name: &str) -> Result<PathBuf, MissingProgram> {
    let missing = || MissingProgram {
        program: name.to_owned(),
        remedy: format!("build it beside this program (cargo build -p {name})"),
    };
    let running = std::env::current_exe().map_err(|_| missing())?;
    running
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_the_package_that_has_it() {
        assert!(locate("sh", "dash").is_ok());
        let error = locate("no-such-program", "some-package").unwrap_err().to_string();
        assert!(error.contains("no-such-program is not installed"), "{error}");
        assert!(error.contains("apt-get install some-package"), "{error}");
        let error = ours("no-such-binary").unwrap_err().to_string();
        assert!(error.contains("cargo build -p no-such-binary"), "{error}");
    }
}
