//! Record batches (format v2) as bytes: read a header, check one from a client, stamp an offset.
//!
//! The broker stores batches verbatim and never decompresses them. Base offset and leader epoch lie
//! outside the checksum, which is why they can be stamped in place. Pure: no I/O, no clock.

use thiserror::Error;

/// Bytes of a batch before its first record.
pub(super) const HEADER_BYTES: usize = 61;
/// Bytes before the part that `batch_length` counts: the base offset and the length itself.
const PREFIX_BYTES: usize = 12;
/// Where the checksummed part starts.
const CHECKED_FROM: usize = 21;
const COMPRESSION_MASK: i16 = 0x07;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// Why bytes are not one whole, sound batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum BatchError {
    /// The bytes end before the batch does.
    #[error("the batch is cut short: {have} of {want} bytes")]
    Short {
        /// Bytes that are there.
        have: usize,
        /// Bytes that the batch needs.
        want: usize,
    },
    /// Formats before v2 are not stored.
    #[error("the batch has format {0}, and only format 2 is stored")]
    Format(i8),
    /// The length field contradicts the header.
    #[error("the batch says it is {0} bytes long")]
    Length(i32),
    /// The checksum does not match.
    #[error("the checksum of the batch is {actual:08x}, and its header says {expected:08x}")]
    Checksum {
        /// What the header says.
        expected: u32,
        /// What the bytes give.
        actual: u32,
    },
    /// Record count and offset span contradict each other.
    #[error("the batch counts {count} records over {span} offsets")]
    Count {
        /// Records by the count field.
        count: i32,
        /// Records by the last offset delta.
        span: i64,
    },
}

/// How a transaction ended, as written into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// Its records must not be seen by readers of committed data.
    Abort,
    /// Its records count.
    Commit,
}

/// The fields of a batch header, plus the marker when it is a control batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Offset of the first record.
    pub(super) base_offset: i64,
    /// Bytes of the whole batch.
    pub(super) bytes: usize,
    /// Epoch of the leader that appended it.
    pub(super) leader_epoch: i32,
    /// Compression, timestamp type, transactional and control bits.
    pub(super) attributes: i16,
    /// Offset of the last record less the base offset.
    pub(super) last_offset_delta: i32,
    /// Timestamp of the first record, milliseconds since 1970.
    pub(super) base_timestamp: i64,
    /// Newest timestamp of any record, milliseconds since 1970.
    pub(super) max_timestamp: i64,
    /// Id of an idempotent producer, or -1.
    pub(super) producer_id: i64,
    /// Epoch of that producer, or -1.
    pub(super) producer_epoch: i16,
    /// Sequence number of the first record, or -1.
    pub(super) base_sequence: i32,
    /// Number of records.
    pub(super) count: i32,
    /// Set on control batches that end a transaction.
    pub(super) marker: Option<Marker>,
    checksum: u32,
}

impl Header {
    /// Reads the header at the start of `bytes`; the records need not be there yet.
    ///
    /// # Errors
    /// The header is cut short, of another format, or its length is impossible.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        if bytes.len() < HEADER_BYTES {
            return Err(BatchError::Short { have: bytes.len(), want: HEADER_BYTES });
        }
        let format = i8::from_be_bytes(at(bytes, 16));
        if format != 2 {
            return Err(BatchError::Format(format));
        }
        let length = i32::from_be_bytes(at(bytes, 8));
        let total = usize::try_from(length)
            .ok()
            .and_then(|rest| rest.checked_add(PREFIX_BYTES))
            .filter(|total| *total >= HEADER_BYTES)
            .ok_or(BatchError::Length(length))?;
        let attributes = i16::from_be_bytes(at(bytes, 21));
        Ok(Self {
            base_offset: i64::from_be_bytes(at(bytes, 0)),
            bytes: total,
            leader_epoch: i32::from_be_bytes(at(bytes, 12)),
            attributes,
            last_offset_delta: i32::from_be_bytes(at(bytes, 23)),
            base_timestamp: i64::from_be_bytes(at(bytes, 27)),
            max_timestamp: i64::from_be_bytes(at(bytes, 35)),
            producer_id: i64::from_be_bytes(at(bytes, 43)),
            producer_epoch: i16::from_be_bytes(at(bytes, 51)),
            base_sequence: i32::from_be_bytes(at(bytes, 53)),
            count: i32::from_be_bytes(at(bytes, 57)),
            marker: if attributes & CONTROL == 0 { None } else { marker_of(bytes) },
            checksum: u32::from_be_bytes(at(bytes, 17)),
        })
    }

    /// Reads and verifies the whole batch at the start of `bytes`.
    ///
    /// # Errors
    /// Whatever makes it not a sound batch, the checksum included.
    pub(super) fn verify(bytes: &[u8]) -> Result<Self, BatchError> {
        let header = Self::parse(bytes)?;
        let Some(batch) = bytes.get(..header.bytes) else {
            return Err(BatchError::Short { have: bytes.len(), want: header.bytes });
        };
        let actual = crc32c::crc32c(&batch[CHECKED_FROM..]);
        if actual != header.checksum {
            return Err(BatchError::Checksum { expected: header.checksum, actual });
        }
        let span = i64::from(header.last_offset_delta) + 1;
        if span < 1 || i64::from(header.count) != span {
            return Err(BatchError::Count { count: header.count, span });
        }
        Ok(header)
    }

    /// Offset after the last record.
    pub(super) fn next_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta) + 1
    }

    /// Whether it belongs to a transaction.
    pub(super) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether it is the broker's own mark and no client data.
    pub(super) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether its records are compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.attributes & COMPRESSION_MASK != 0
    }
}

/// Writes offset and leader epoch into a verified batch; the checksum stays right.
pub(super) fn stamp(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
    batch[..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// A control batch that ends the transaction of a producer.
pub(super) fn control(
    producer_id: i64,
    producer_epoch: i16,
    marker: Marker,
    now_ms: i64,
) -> Vec<u8> {
    let kind: i16 = match marker {
        Marker::Abort => 0,
        Marker::Commit => 1,
    };
    let mut record = vec![0, 0, 0, 8]; // attributes, timestamp and offset deltas, key length 4
    record.extend_from_slice(&0_i16.to_be_bytes());
    record.extend_from_slice(&kind.to_be_bytes());
    record.push(12); // value length 6: version and coordinator epoch
    record.extend_from_slice(&[0; 6]);
    record.push(0); // no headers
    let mut batch = vec![0; HEADER_BYTES];
    batch.push(u8::try_from(record.len() * 2).expect("a marker record is 16 bytes"));
    batch.extend_from_slice(&record);
    let length = i32::try_from(batch.len() - PREFIX_BYTES).expect("a marker is 78 bytes");
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[16] = 2;
    batch[21..23].copy_from_slice(&(TRANSACTIONAL | CONTROL).to_be_bytes());
    batch[27..35].copy_from_slice(&now_ms.to_be_bytes());
    batch[35..43].copy_from_slice(&now_ms.to_be_bytes());
    batch[43..51].copy_from_slice(&producer_id.to_be_bytes());
    batch[51..53].copy_from_slice(&producer_epoch.to_be_bytes());
    batch[53..57].copy_from_slice(&(-1_i32).to_be_bytes());
    batch[57..61].copy_from_slice(&1_i32.to_be_bytes());
    let checksum = crc32c::crc32c(&batch[CHECKED_FROM..]);
    batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    batch
}

/// Offset and timestamp of the first record at or after `timestamp` in a verified batch.
///
/// A compressed batch answers with its own first record, because it is never opened here: a reader
/// then sees a few records that are older, and misses none.
pub(super) fn first_at_or_after(
    batch: &[u8],
    header: &Header,
    timestamp: i64,
) -> Option<(i64, i64)> {
    if header.max_timestamp < timestamp {
        return None;
    }
    if header.is_compressed() {
        return Some((header.base_offset, header.max_timestamp));
    }
    let mut rest = batch.get(HEADER_BYTES..header.bytes)?;
    for _ in 0..header.count {
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        let (mut record, after) = rest.split_at_checked(length)?;
        rest = after;
        record = record.get(1..)?; // attributes
        let at = header.base_timestamp.checked_add(varint(&mut record)?)?;
        if at >= timestamp {
            return Some((header.base_offset.checked_add(varint(&mut record)?)?, at));
        }
    }
    None
}

/// A zigzag varint, taken from the front of `bytes`.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            let half = i64::try_from(value >> 1).ok()?;
            return Some(if value & 1 == 0 { half } else { -half - 1 });
        }
    }
    None
}

/// The marker in a control batch, whose single record starts right after the header.
fn marker_of(bytes: &[u8]) -> Option<Marker> {
    let kind = bytes.get(HEADER_BYTES + 7..HEADER_BYTES + 9)?;
    match kind {
        [0, 0] => Some(Marker::Abort),
        [0, 1] => Some(Marker::Commit),
        _ => None,
    }
}

/// `N` bytes at `from`; callers have checked that the header is whole.
fn at<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[from..from + N]);
    field
}

#[cfg(test)]
#[path = "batch_tests.rs"]
pub(in crate::kafka) mod tests;
