//! The log of one partition: segment files, what was recovered from them, and reading.
//!
//! A batch is acknowledged after `write` returned, so it survives the death of the process; with
//! `fsync` it survives the death of the machine too. There is one copy and no replication: the high
//! watermark is the end of the log.

mod segment;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tracing::warn;

use super::batch::{self, Header};
use super::catalogue::TopicConfig;
use super::sequence::{Aborted, Refusal, Sequences, Verdict};
use segment::{Index, walk, whole_batches};

/// Bytes read at once while looking for a batch.
const SEEK_BYTES: usize = 64 * 1024;

/// Why a log could not be opened, written or read.
#[derive(Debug, Error)]
pub(super) enum LogError {
    /// The file system refused.
    #[error("{doing} {path}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A segment before the last one is damaged: that is no torn tail, and data would be lost.
    #[error("segment {path} is damaged after {sound_bytes} bytes: {fault}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How much of it is sound.
        sound_bytes: u64,
        /// What is wrong there.
        fault: String,
    },
    /// The producer of the batch may not write it.
    #[error("the producer's batch is refused: {0:?}")]
    Refused(Refusal),
    /// The offset lies before or after what the log holds.
    #[error("offset {offset} is outside of {start}..={end}")]
    OutOfRange {
        /// The offset asked for.
        offset: i64,
        /// First offset of the log.
        start: i64,
        /// Offset after the last record.
        end: i64,
    },
}

/// One file of the log.
#[derive(Debug)]
struct Segment {
    base_offset: i64,
    path: PathBuf,
    file: File,
    bytes: u64,
    index: Index,
}

/// The log of one partition.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    fsync: bool,
    config: TopicConfig,
    /// Oldest first; never empty; the last one is written to.
    segments: Vec<Segment>,
    next_offset: i64,
    sequences: Sequences,
    aborted: Vec<Aborted>,
    /// Leader epochs with the offset each began at, ascending.
    epochs: Vec<(i32, i64)>,
}

/// Records for a reader, and what it must know to read them.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// Whole batches.
    pub(super) records: Vec<u8>,
    /// Transactions among them that ended by abort.
    pub(super) aborted: Vec<Aborted>,
}

impl Log {
    /// Opens the log in `folder`, creating it when absent, and cuts a torn tail off.
    ///
    /// # Errors
    /// The file system refuses, or a segment before the last one is damaged.
    pub(super) fn open(folder: &Path, config: &TopicConfig, fsync: bool) -> Result<Self, LogError> {
        fs::create_dir_all(folder).map_err(file("creating", folder))?;
        let mut log = Self {
            folder: folder.to_owned(),
            fsync,
            config: config.clone(),
            segments: Vec::new(),
            next_offset: 0,
            sequences: Sequences::default(),
            aborted: Vec::new(),
            epochs: Vec::new(),
        };
        let bases = base_offsets(folder)?;
        log.next_offset = bases.first().copied().unwrap_or(0);
        for (at, base_offset) in bases.iter().enumerate() {
            log.recover(*base_offset, at + 1 == bases.len())?;
        }
        if log.segments.is_empty() {
            log.roll()?;
        }
        Ok(log)
    }

    /// First offset that can be read.
    pub(super) fn start_offset(&self) -> i64 {
        self.segments.first().map_or(self.next_offset, |segment| segment.base_offset)
    }

    /// Offset that the next record will get.
    pub(super) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Offset below which every transaction has ended.
    pub(super) fn stable_offset(&self) -> i64 {
        self.sequences.first_unstable().unwrap_or(self.next_offset)
    }

    /// Whether this producer has an open transaction here.
    pub(super) fn has_open_transaction(&self, producer_id: i64) -> bool {
        self.sequences.is_open(producer_id)
    }

    /// Appends a verified batch and returns the offset of its first record; a batch that is in the
    /// log already is not written again and keeps its offset.
    ///
    /// # Errors
    /// The producer is refused, or the file system refuses: then nothing has changed.
    pub(super) fn append(&mut self, batch: &[u8], leader_epoch: i32) -> Result<i64, LogError> {
        let mut header = Header::parse(batch).expect("the caller has verified the batch");
        match self.sequences.check(&header).map_err(LogError::Refused)? {
            Verdict::Duplicate { base_offset } => return Ok(base_offset),
            Verdict::Append => {}
        }
        let active = self.segments.last().expect("a log has at least one segment");
        if active.bytes > 0 && active.bytes + batch.len() as u64 > self.config.segment_bytes {
            self.roll()?;
        }
        let mut stamped = batch.to_vec();
        batch::stamp(&mut stamped, self.next_offset, leader_epoch);
        header.base_offset = self.next_offset;
        header.leader_epoch = leader_epoch;
        let active = self.segments.last_mut().expect("a log has at least one segment");
        let position = active.bytes;
        if let Err(source) = write(&mut active.file, &stamped, self.fsync) {
            // Half a batch must not stay: the next append would be lost behind it.
            if let Err(error) = active.file.set_len(position) {
                warn!(%error, "could not cut half a batch off {}", active.path.display());
            }
            let path = active.path.clone();
            return Err(LogError::File { doing: "appending to", path, source });
        }
        active.bytes += stamped.len() as u64;
        active.index.push(position, &header);
        self.next_offset = header.next_offset();
        self.note(&header);
        Ok(header.base_offset)
    }

    /// Reads whole batches from the one that holds `offset`, below `until`, at most `bytes_max`;
    /// the first batch is returned however large it is when `at_least_one`.
    ///
    /// # Errors
    /// The offset is out of range, or the file system refuses.
    pub(super) fn read(
        &self,
        offset: i64,
        until: i64,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Result<Slice, LogError> {
        let (start, end) = (self.start_offset(), self.next_offset);
        if offset < start || offset > end {
            return Err(LogError::OutOfRange { offset, start, end });
        }
        if offset >= until {
            return Ok(Slice::default());
        }
        let after = self.segments.partition_point(|segment| segment.base_offset <= offset);
        let segment = &self.segments[after - 1];
        let from = segment.index.before_offset(offset);
        let Some((position, first)) = segment.seek(from, |header| header.next_offset() > offset)?
        else {
            return Ok(Slice::default());
        };
        if first.base_offset >= until || (first.bytes > bytes_max && !at_least_one) {
            return Ok(Slice::default());
        }
        let rest = usize::try_from(segment.bytes - position).unwrap_or(usize::MAX);
        let mut records = segment.read(position, rest.min(bytes_max.max(first.bytes)))?;
        records.truncate(whole_batches(&records, until));
        let aborted = self.aborted.iter().filter(|aborted| aborted.last_offset >= offset);
        Ok(Slice { records, aborted: aborted.copied().collect() })
    }

    /// Offset and timestamp of the first record at or after `timestamp`.
    ///
    /// # Errors
    /// The file system refuses.
    pub(super) fn offset_at(&self, timestamp: i64) -> Result<Option<(i64, i64)>, LogError> {
        let newer = |segment: &&Segment| segment.index.newest() >= timestamp;
        let Some(segment) = self.segments.iter().find(newer) else {
            return Ok(None);
        };
        let from = segment.index.before_time(timestamp);
        let wanted = |header: &Header| header.max_timestamp >= timestamp;
        let Some((position, header)) = segment.seek(from, wanted)? else {
            return Ok(None);
        };
        let bytes = segment.read(position, header.bytes)?;
        Ok(batch::first_at_or_after(&bytes, &header, timestamp))
    }

    /// The newest epoch at or before `epoch`, and the offset at which it ended.
    pub(super) fn end_of_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        let after = self.epochs.partition_point(|(known, _)| *known <= epoch);
        let (known, _) = self.epochs.get(after.checked_sub(1)?)?;
        let end = self.epochs.get(after).map_or(self.next_offset, |(_, start)| *start);
        Some((*known, end))
    }

    /// Deletes closed segments that are beyond the retention of the topic; returns how many.
    ///
    /// # Errors
    /// The file system refuses.
    pub(super) fn retain(&mut self, now_ms: i64) -> Result<usize, LogError> {
        let mut bytes: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let mut expired = 0;
        for segment in &self.segments[..self.segments.len() - 1] {
            let too_old = self
                .config
                .retention_ms
                .is_some_and(|limit| segment.index.newest().saturating_add(limit) < now_ms);
            let too_many = self
                .config
                .retention_bytes
                .is_some_and(|limit| bytes.saturating_sub(segment.bytes) >= limit);
            if !too_old && !too_many {
                break;
            }
            bytes -= segment.bytes;
            expired += 1;
        }
        for segment in self.segments.drain(..expired) {
            fs::remove_file(&segment.path).map_err(file("deleting", &segment.path))?;
        }
        let start = self.start_offset();
        self.aborted.retain(|aborted| aborted.last_offset >= start);
        Ok(expired)
    }

    fn note(&mut self, header: &Header) {
        if self.epochs.last().is_none_or(|(epoch, _)| *epoch < header.leader_epoch) {
            self.epochs.push((header.leader_epoch, header.base_offset));
        }
        self.aborted.extend(self.sequences.record(header));
    }

    fn recover(&mut self, base_offset: i64, is_last: bool) -> Result<(), LogError> {
        let mut segment = Segment::open(&self.folder, base_offset)?;
        let bytes = fs::read(&segment.path).map_err(file("reading", &segment.path))?;
        let expected = self.next_offset;
        let walk = walk(&bytes, expected, !is_last, |position, header| {
            segment.index.push(position, header);
            self.note(header);
        });
        if let Some(fault) = walk.fault {
            if !is_last {
                let (path, sound_bytes) = (segment.path, walk.sound_bytes);
                return Err(LogError::Damaged { path, sound_bytes, fault: format!("{fault:?}") });
            }
            let lost = bytes.len() as u64 - walk.sound_bytes;
            warn!(?fault, "cutting a torn tail of {lost} bytes off {}", segment.path.display());
            segment.file.set_len(walk.sound_bytes).map_err(file("cutting", &segment.path))?;
        }
        segment.bytes = walk.sound_bytes;
        self.next_offset = walk.next_offset;
        self.segments.push(segment);
        Ok(())
    }

    fn roll(&mut self) -> Result<(), LogError> {
        self.segments.push(Segment::open(&self.folder, self.next_offset)?);
        if self.fsync {
            // The name of the new file is the folder's content, and not the file's.
            let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
            folder.map_err(file("syncing", &self.folder))?;
        }
        Ok(())
    }
}

impl Segment {
    fn open(folder: &Path, base_offset: i64) -> Result<Self, LogError> {
        let path = folder.join(format!("{base_offset:020}.log"));
        let mut options = OpenOptions::new();
        let file_of_segment = options.create(true).read(true).append(true).open(&path);
        let file = file_of_segment.map_err(file("opening", &path))?;
        Ok(Self { base_offset, path, file, bytes: 0, index: Index::default() })
    }

    /// The first batch from `position` that is `wanted`, with its position.
    fn seek(
        &self,
        mut position: u64,
        wanted: impl Fn(&Header) -> bool,
    ) -> Result<Option<(u64, Header)>, LogError> {
        while position < self.bytes {
            let window = self.read(position, SEEK_BYTES)?;
            let mut at = 0;
            while let Some(Ok(header)) = window.get(at..).map(Header::parse) {
                if wanted(&header) {
                    return Ok(Some((position + at as u64, header)));
                }
                at += header.bytes;
            }
            if at == 0 {
                return Ok(None);
            }
            position += at as u64;
        }
        Ok(None)
    }

    fn read(&self, position: u64, bytes_max: usize) -> Result<Vec<u8>, LogError> {
        let rest = usize::try_from(self.bytes.saturating_sub(position)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; rest.min(bytes_max)];
        self.file.read_exact_at(&mut bytes, position).map_err(file("reading", &self.path))?;
        Ok(bytes)
    }
}

fn write(file: &mut File, bytes: &[u8], fsync: bool) -> io::Result<()> {
    file.write_all(bytes)?;
    if fsync { file.sync_data() } else { Ok(()) }
}

/// The base offsets of the segments in a folder, ascending.
fn base_offsets(folder: &Path) -> Result<Vec<i64>, LogError> {
    let mut offsets = Vec::new();
    for entry in fs::read_dir(folder).map_err(file("listing", folder))? {
        let path = entry.map_err(file("listing", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(offset) = name.strip_suffix(".log").and_then(|digits| digits.parse().ok()) {
            offsets.push(offset);
        }
    }
    offsets.sort_unstable();
    Ok(offsets)
}

/// Says what was being done to which file when it failed.
fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::File { doing, path, source }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
