//! One segment of a log as bytes: which prefix is sound, and where an offset is. Pure.
//!
//! The index is sparse and lives in memory only; it is rebuilt by the same walk that finds the torn
//! tail, so there is no index file that could disagree with the log.

use super::super::batch::{BatchError, Header};

/// Bytes of log per index entry. A lookup reads at most this much plus one batch.
const INDEX_EVERY_BYTES: u64 = 16 * 1024;

/// How far a walk over a segment came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walk {
    /// Bytes of whole, sound, consecutive batches from the start.
    pub(super) sound_bytes: u64,
    /// Offset after the last of them.
    pub(super) next_offset: i64,
    /// Why the walk stopped before the end.
    pub(super) fault: Option<Fault>,
}

/// What stopped a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A batch that is not sound.
    Batch(BatchError),
    /// A batch whose offset does not follow the one before.
    Gap {
        /// The offset that should have come.
        expected: i64,
        /// The offset that came.
        found: i64,
    },
}

/// Walks over the batches of a segment that starts at `base_offset`.
///
/// `visit` gets position and header of every sound batch. Checksums are verified unless
/// `trust_checksums`: closed segments were verified when they were written.
pub(super) fn walk(
    bytes: &[u8],
    base_offset: i64,
    trust_checksums: bool,
    mut visit: impl FnMut(u64, &Header),
) -> Walk {
    let mut done = Walk { sound_bytes: 0, next_offset: base_offset, fault: None };
    let mut rest = bytes;
    while !rest.is_empty() {
        let header = match whole(rest, trust_checksums) {
            Ok(header) => header,
            Err(error) => {
                done.fault = Some(Fault::Batch(error));
                break;
            }
        };
        if header.base_offset != done.next_offset {
            let (expected, found) = (done.next_offset, header.base_offset);
            done.fault = Some(Fault::Gap { expected, found });
            break;
        }
        visit(done.sound_bytes, &header);
        done.sound_bytes += header.bytes as u64;
        done.next_offset = header.next_offset();
        rest = &rest[header.bytes..];
    }
    done
}

fn whole(bytes: &[u8], trust_checksum: bool) -> Result<Header, BatchError> {
    if !trust_checksum {
        return Header::verify(bytes);
    }
    let header = Header::parse(bytes)?;
    if header.bytes > bytes.len() {
        return Err(BatchError::Short { have: bytes.len(), want: header.bytes });
    }
    Ok(header)
}

/// The part of `bytes` that consists of whole batches below `until`; `bytes` starts at a batch.
pub(super) fn whole_batches(bytes: &[u8], until: i64) -> usize {
    let mut length = 0;
    while let Ok(header) = Header::parse(&bytes[length..]) {
        if header.base_offset >= until || length + header.bytes > bytes.len() {
            break;
        }
        length += header.bytes;
    }
    length
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    offset: i64,
    position: u64,
    /// Newest timestamp of everything before this entry.
    newest_before: i64,
}

/// Sparse map from offset and time to a position at or before it.
#[derive(Debug, Clone)]
pub(super) struct Index {
    entries: Vec<Entry>,
    newest: i64,
}

impl Default for Index {
    fn default() -> Self {
        Self { entries: Vec::new(), newest: i64::MIN }
    }
}

impl Index {
    /// Takes note of a batch; calls come in log order.
    pub(super) fn push(&mut self, position: u64, batch: &Header) {
        let due =
            self.entries.last().is_none_or(|last| position - last.position >= INDEX_EVERY_BYTES);
        if due {
            let newest_before = self.newest;
            self.entries.push(Entry { offset: batch.base_offset, position, newest_before });
        }
        self.newest = self.newest.max(batch.max_timestamp);
    }

    /// Position of a batch at or before the one that holds `offset`.
    pub(super) fn before_offset(&self, offset: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        after.checked_sub(1).map_or(0, |at| self.entries[at].position)
    }

    /// Position of a batch at or before the first one that has a record at or after `timestamp`.
    pub(super) fn before_time(&self, timestamp: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.newest_before < timestamp);
        after.checked_sub(1).map_or(0, |at| self.entries[at].position)
    }

    /// Newest timestamp in the segment; `i64::MIN` when it is empty.
    pub(super) fn newest(&self) -> i64 {
        self.newest
    }
}

#[cfg(test)]
#[path = "segment_tests.rs"]
mod tests;
