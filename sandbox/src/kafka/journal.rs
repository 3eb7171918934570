//! The file behind the catalogue: facts, each with length and checksum, appended before they count.
//!
//! A torn tail is cut off at start. When the file has grown far beyond what its facts add up to, it
//! is rewritten as a snapshot beside the old one and renamed over it.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;
use tracing::{info, warn};

use super::catalogue::{Catalogue, Fact};

/// Bytes before each fact: its length and its checksum.
const PREFIX_BYTES: usize = 8;
/// Growth since the last snapshot at which a new one is written.
const GROWTH_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why facts could not be read or written.
#[derive(Debug, Error)]
pub(super) enum JournalError {
    /// The file system refused.
    #[error("{doing} the journal {path}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A fact could not be put into words.
    #[error("encoding a fact")]
    Encode(#[source] serde_json::Error),
}

/// The open journal and the state its facts add up to.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    snapshot_bytes: u64,
    fsync: bool,
    catalogue: Catalogue,
}

impl Journal {
    /// Opens or creates the journal, cuts a torn tail off and folds the facts.
    ///
    /// # Errors
    /// The file system refuses.
    pub(super) fn open(path: &Path, fsync: bool) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        let opened = options.create(true).read(true).append(true).open(path);
        let file = opened.map_err(failed("opening", path))?;
        let bytes = fs::read(path).map_err(failed("reading", path))?;
        let (facts, sound) = decode(&bytes);
        if sound < bytes.len() {
            warn!("cutting a torn tail of {} bytes off the journal", bytes.len() - sound);
            file.set_len(sound as u64).map_err(failed("cutting", path))?;
        }
        let mut catalogue = Catalogue::default();
        facts.into_iter().for_each(|fact| catalogue.apply(fact));
        let bytes = sound as u64;
        Ok(Self { path: path.to_owned(), file, bytes, snapshot_bytes: 0, fsync, catalogue })
    }

    /// The state that all recorded facts add up to.
    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Writes facts, all or none, and then takes them into account.
    ///
    /// # Errors
    /// The file system refuses: then none of the facts counts.
    pub(super) fn record(&mut self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let bytes = encode(&facts)?;
        if let Err(source) = write(&mut self.file, &bytes, self.fsync) {
            if let Err(error) = self.file.set_len(self.bytes) {
                warn!(%error, "could not cut half a fact off the journal");
            }
            return Err(failed("appending to", &self.path)(source));
        }
        self.bytes += bytes.len() as u64;
        facts.into_iter().for_each(|fact| self.catalogue.apply(fact));
        if self.bytes > self.snapshot_bytes + GROWTH_BYTES_MAX
            && let Err(error) = self.compact()
        {
            // The facts are safe in the old file; the next try comes after as much growth again.
            self.snapshot_bytes = self.bytes;
            warn!(error = %error, cause = ?error.source(), "could not shrink the journal");
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<(), JournalError> {
        let bytes = encode(&self.catalogue.snapshot())?;
        let beside = self.path.with_extension("new");
        if beside.exists() {
            fs::remove_file(&beside).map_err(failed("removing a leftover of", &beside))?;
        }
        let created = OpenOptions::new().create_new(true).append(true).open(&beside);
        let mut file = created.map_err(failed("creating", &beside))?;
        write(&mut file, &bytes, true).map_err(failed("writing", &beside))?;
        fs::rename(&beside, &self.path).map_err(failed("replacing", &self.path))?;
        self.file = file;
        info!(before = self.bytes, after = bytes.len(), "rewrote the journal as a snapshot");
        self.bytes = bytes.len() as u64;
        self.snapshot_bytes = self.bytes;
        Ok(())
    }
}

fn write(file: &mut File, bytes: &[u8], fsync: bool) -> io::Result<()> {
    file.write_all(bytes)?;
    if fsync { file.sync_data() } else { Ok(()) }
}

fn encode(facts: &[Fact]) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    for fact in facts {
        let words = serde_json::to_vec(fact).map_err(JournalError::Encode)?;
        let length = u32::try_from(words.len()).expect("a fact comes from a request of < 4 GiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&words).to_be_bytes());
        bytes.extend_from_slice(&words);
    }
    Ok(bytes)
}

/// The facts in the sound prefix of `bytes`, and its length.
fn decode(bytes: &[u8]) -> (Vec<Fact>, usize) {
    let (mut facts, mut sound) = (Vec::new(), 0);
    while let Some((fact, length)) = decode_one(&bytes[sound..]) {
        facts.push(fact);
        sound += length;
    }
    (facts, sound)
}

fn decode_one(bytes: &[u8]) -> Option<(Fact, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let words = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    if crc32c::crc32c(words) != u32::from_be_bytes(*checksum) {
        return None;
    }
    Some((serde_json::from_slice(words).ok()?, PREFIX_BYTES + words.len()))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::File { doing, path, source }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(count: i32) -> Vec<Fact> {
        (0..count).map(Fact::Generation).collect()
    }

    proptest! {
        #[test]
        fn a_cut_at_any_byte_leaves_the_whole_facts_before_it(
            count in 1_i32..20,
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = encode(&facts(count)).unwrap();
            let kept = cut.index(bytes.len() + 1);
            let (found, sound) = decode(&bytes[..kept]);
            prop_assert!(sound <= kept);
            prop_assert_eq!(encode(&found).unwrap(), &bytes[..sound]);
            prop_assert_eq!(found.len() == usize::try_from(count).unwrap(), kept == bytes.len());
        }
    }

    #[test]
    fn facts_survive_reopening_a_torn_tail_and_a_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::open(&path, true).unwrap();
        journal.record(vec![Fact::Named("c".into()), Fact::ProducerIds(9)]).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&[0, 0, 0, 50, 1, 2]).unwrap();
        let mut torn = Journal::open(&path, false).unwrap();
        assert_eq!(torn.catalogue(), journal.catalogue());
        torn.record(facts(500)).unwrap();
        let before = torn.bytes;
        torn.compact().unwrap();
        assert!(torn.bytes < before / 10);
        torn.record(vec![Fact::ProducerIds(10)]).unwrap();
        let again = Journal::open(&path, false).unwrap();
        assert_eq!(again.catalogue(), torn.catalogue());
        assert_eq!((again.catalogue().next_producer_id, again.catalogue().generation), (10, 499));
    }
}
