//! Proof that a holder on this machine is dead, so that its successor need not wait.
//!
//! Beside a journal file stands a lock file. The holder of the lease locks it and writes its name
//! into it; the kernel lets go of the lock when the process dies, however it dies, and not when it
//! is merely frozen. A lock that can be had and names the lease's holder proves its death. One that
//! names somebody else proves nothing: that holder leads without it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The lock file beside one journal.
pub(super) struct Lifeline {
    file: File,
    held: bool,
}

impl Lifeline {
    /// The lock file of a journal: its name with `-leader` behind it.
    pub(super) fn path(journal: &Path) -> PathBuf {
        let mut name = journal.as_os_str().to_owned();
        name.push("-leader");
        name.into()
    }

    pub(super) fn open(journal: &Path) -> io::Result<Self> {
        let path = Self::path(journal);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file, held: false })
    }

    /// True when `holder` had locked it and lives no more. What cannot be told is false.
    pub(super) fn proves_dead(&mut self, holder: &str) -> bool {
        if !self.lock() {
            return false;
        }
        let mut name = String::new();
        let read = self.file.rewind().and_then(|()| self.file.read_to_string(&mut name));
        let dead = read.is_ok() && name == holder;
        if !dead {
            self.let_go();
        }
        dead
    }

    /// Locks it in the name of the lease's new holder. Without the lock its successor waits longer,
    /// and nothing else changes.
    pub(super) fn hold(&mut self, holder: &str) -> bool {
        if !self.lock() {
            return false;
        }
        let written = self.file.set_len(0).and_then(|()| self.file.rewind());
        let written = written.and_then(|()| self.file.write_all(holder.as_bytes()));
        if written.is_err() {
            self.let_go();
        }
        written.is_ok()
    }

    fn lock(&mut self) -> bool {
        self.held = self.held || self.file.try_lock().is_ok();
        self.held
    }

    fn let_go(&mut self) {
        // A lock that stays only makes a successor wait.
        self.held = self.file.unlock().is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_that_names_the_holder_and_is_free_proves_its_death() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let open = || Lifeline::open(&path).unwrap();
        let (mut first, mut second) = (open(), open());
        assert!(!second.proves_dead("a"), "a lock that nobody wrote proves nothing");
        assert!(first.hold("a"));
        assert!(!second.proves_dead("a"), "it lives");
        drop(first);
        assert!(!second.proves_dead("b"), "b leads without the lock");
        assert!(second.proves_dead("a"));
        assert!(second.hold("b"));
        assert!(!open().hold("c"), "there is one");
        drop(second);
        assert!(open().proves_dead("b"), "a shorter or longer name before it leaves nothing");
    }
}
