//! A freshly installed data folder, made once per server version and copied for every start.

use crate::data::StartError;
use crate::program;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fills `to`, which must not exist, with an installed and empty data folder.
///
/// # Errors
///
/// A missing program, a failed installation, or a failed copy. Blocks for about a second.
pub(super) fn copy(to: &Path) -> Result<(), StartError> {
    let folder = |source| StartError::Folder { path: to.to_owned(), source };
    let template = ensure()?;
    copy_tree(&template, to).map_err(folder)
}

/// The template, made if this is the first start with this version of the server.
fn ensure() -> Result<PathBuf, StartError> {
    let server = program::locate("mariadbd", "mariadb-server")?;
    let cache = cache_folder();
    let folder = |source| StartError::Folder { path: cache.clone(), source };
    fs::create_dir_all(&cache).map_err(folder)?;
    let version = Command::new(&server).args(["--no-defaults", "--version"]).output();
    let version = version.map_err(folder)?.stdout;
    let version: String = String::from_utf8_lossy(&version)
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or("unknown")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect();
    let ready = cache.join(format!("mariadb-{version}"));
    // One installer at a time, over all processes; the others find its result.
    let lock = File::create(cache.join(format!("mariadb-{version}.lock"))).map_err(folder)?;
    lock.lock().map_err(folder)?;
    if !ready.exists() {
        install(&cache.join(format!("mariadb-{version}.unfinished")), &ready).map_err(folder)?;
    }
    Ok(ready)
}

/// Installs into `workspace` and moves the finished folder to `ready`.
fn install(workspace: &Path, ready: &Path) -> io::Result<()> {
    if workspace.exists() {
        fs::remove_dir_all(workspace)?;
    }
    let installer = program::locate("mariadb-install-db", "mariadb-server");
    let output = Command::new(installer.map_err(io::Error::other)?)
        .arg("--no-defaults")
        .arg(format!("--datadir={}", workspace.display()))
        // Root only over the socket and only as this system user: no password lies around.
        .args(["--auth-root-authentication-method=socket", "--skip-test-db"])
        .args(["--skip-name-resolve", "--innodb-log-file-size=8M"])
        .arg(format!("--user={}", super::server::system_user()?))
        .output()?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("mariadb-install-db failed: {words}")));
    }
    fs::rename(workspace, ready)
}

/// Cargo's target folder when this binary lies in one, else the system's temporary folder.
fn cache_folder() -> PathBuf {
    let running = std::env::current_exe().unwrap_or_default();
    let target = running.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    match target {
        Some(target) => target.join("sandbox-templates"),
        None => std::env::temp_dir().join(format!("sandbox-templates-{}", nix::unistd::getuid())),
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
