//! A log on disk: appended, cut, reopened, rolled, read from anywhere.

use kafka_protocol::records::Compression;

use super::super::batch::tests::batch_of;
use super::*;

/// A batch of `count` records at `timestamp` without a producer id.
fn batch(count: usize, timestamp: i64) -> Vec<u8> {
    let mut bytes = batch_of(&vec![timestamp; count], 0, Compression::None);
    bytes[43..51].copy_from_slice(&(-1_i64).to_be_bytes());
    let checksum = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn small_segments() -> TopicConfig {
    TopicConfig { segment_bytes: 2_000, ..TopicConfig::default() }
}

fn offsets(records: &[u8]) -> Vec<i64> {
    let (mut found, mut rest) = (Vec::new(), records);
    while !rest.is_empty() {
        let header = Header::verify(rest).unwrap();
        found.extend(header.base_offset..header.next_offset());
        rest = &rest[header.bytes..];
    }
    found
}

/// Everything from `offset`, read as a consumer does: answer by answer.
fn read_on(log: &Log, mut offset: i64) -> Vec<i64> {
    let mut all = Vec::new();
    while offset < log.next_offset() {
        let slice = log.read(offset, log.next_offset(), 700, true).unwrap();
        let found = offsets(&slice.records);
        offset = found.last().unwrap() + 1;
        all.extend(found);
    }
    all
}

#[test]
fn what_was_appended_is_there_after_reopening_and_readable_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), &small_segments(), false).unwrap();
    for at in 0..40 {
        assert_eq!(log.append(&batch(3, at), 1).unwrap(), at * 3);
    }
    assert!(log.segments.len() >= 3);
    let again = Log::open(folder.path(), &small_segments(), false).unwrap();
    for log in [&log, &again] {
        assert_eq!((log.start_offset(), log.next_offset()), (0, 120));
        for offset in 0..120 {
            let batch_start = offset / 3 * 3;
            assert_eq!(read_on(log, offset), (batch_start..120).collect::<Vec<_>>());
        }
        assert!(log.read(120, 120, 700, true).unwrap().records.is_empty());
        for offset in [-1, 121] {
            let refused = log.read(offset, 120, 700, true).unwrap_err();
            assert!(matches!(refused, LogError::OutOfRange { .. }));
        }
    }
}

#[test]
fn a_torn_tail_is_cut_and_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), &TopicConfig::default(), true).unwrap();
    for at in 0..3 {
        log.append(&batch(2, at), 1).unwrap();
    }
    let file = log.segments[0].file.try_clone().unwrap();
    file.set_len(log.segments[0].bytes - 1).unwrap();
    let mut again = Log::open(folder.path(), &TopicConfig::default(), true).unwrap();
    assert_eq!(again.next_offset(), 4);
    assert_eq!(again.append(&batch(2, 9), 2).unwrap(), 4);
    let last = Log::open(folder.path(), &TopicConfig::default(), true).unwrap();
    assert_eq!(read_on(&last, 0), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn damage_before_the_last_segment_is_refused_and_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), &small_segments(), false).unwrap();
    for at in 0..40 {
        log.append(&batch(3, at), 1).unwrap();
    }
    log.segments[1].file.set_len(log.segments[1].bytes - 1).unwrap();
    let refused = Log::open(folder.path(), &small_segments(), false).unwrap_err();
    assert!(matches!(refused, LogError::Damaged { .. }), "{refused}");
}

#[test]
fn a_resent_batch_keeps_its_offset_also_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), &TopicConfig::default(), false).unwrap();
    let first = batch_of(&[1, 2], 0, Compression::None);
    assert_eq!(log.append(&first, 1).unwrap(), 0);
    assert_eq!(log.append(&first, 1).unwrap(), 0);
    let mut again = Log::open(folder.path(), &TopicConfig::default(), false).unwrap();
    assert_eq!(again.append(&first, 2).unwrap(), 0);
    assert_eq!(again.next_offset(), 2);
    let gap = batch_of(&[3], 7, Compression::None);
    let refused = again.append(&gap, 2).unwrap_err();
    assert!(matches!(refused, LogError::Refused(Refusal::OutOfOrder)));
}

#[test]
fn a_time_is_found_across_segments() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), &small_segments(), false).unwrap();
    for at in 0..40 {
        log.append(&batch(3, at * 10), 1).unwrap();
    }
    assert_eq!(log.offset_at(0).unwrap(), Some((0, 0)));
    assert_eq!(log.offset_at(201).unwrap(), Some((63, 210)));
    assert_eq!(log.offset_at(390).unwrap(), Some((117, 390)));
    assert_eq!(log.offset_at(391).unwrap(), None);
}

#[test]
fn epochs_end_where_the_next_one_began() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), &TopicConfig::default(), false).unwrap();
    for epoch in [3, 3, 7] {
        log.append(&batch(2, 1), epoch).unwrap();
    }
    let again = Log::open(folder.path(), &TopicConfig::default(), false).unwrap();
    for (asked, told) in
        [(2, None), (3, Some((3, 4))), (5, Some((3, 4))), (7, Some((7, 6))), (9, Some((7, 6)))]
    {
        assert_eq!(again.end_of_epoch(asked), told, "epoch {asked}");
    }
}

#[test]
fn retention_deletes_the_oldest_closed_segments_only() {
    let folder = tempfile::tempdir().unwrap();
    let by_time = TopicConfig { retention_ms: Some(100), ..small_segments() };
    let mut log = Log::open(folder.path(), &by_time, false).unwrap();
    for at in 0..40 {
        log.append(&batch(3, at * 10), 1).unwrap();
    }
    assert_eq!(log.retain(90).unwrap(), 0);
    assert!(log.retain(300).unwrap() > 0);
    let start = log.start_offset();
    assert!(start > 0 && log.segments[0].index.newest() >= 200);
    assert!(matches!(log.read(start - 1, 120, 700, true), Err(LogError::OutOfRange { .. })));
    log.retain(i64::MAX).unwrap();
    assert_eq!(log.segments.len(), 1, "the segment that is written to stays");
    let again = Log::open(folder.path(), &by_time, false).unwrap();
    assert_eq!((again.start_offset(), again.next_offset()), (log.start_offset(), 120));
    let by_size = TopicConfig { retention_bytes: Some(1), ..small_segments() };
    let mut full = Log::open(folder.path(), &by_size, false).unwrap();
    (0..20).for_each(|at| drop(full.append(&batch(3, at), 1)));
    full.retain(0).unwrap();
    assert_eq!(full.segments.len(), 1);
}
