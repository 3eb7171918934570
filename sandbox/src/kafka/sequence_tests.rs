//! The table of what a partition answers to a numbered batch.

use kafka_protocol::records::Compression;

use super::super::batch::{self, tests::batch_of};
use super::*;

/// A batch of `count` records of producer 7 from sequence number `first`.
fn numbered(epoch: i16, first: i32, count: usize, offset: i64) -> Header {
    let timestamps = vec![1; count];
    let bytes = batch_of(&timestamps, 0, Compression::None);
    let mut header = Header::verify(&bytes).unwrap();
    header.producer_epoch = epoch;
    header.base_sequence = first;
    header.base_offset = offset;
    header
}

fn transactional(epoch: i16, first: i32, offset: i64) -> Header {
    let mut header = numbered(epoch, first, 1, offset);
    header.attributes |= 0x10;
    header
}

fn marker(epoch: i16, marker: Marker, offset: i64) -> Header {
    let mut header = Header::verify(&batch::control(7, epoch, marker, 1)).unwrap();
    header.base_offset = offset;
    header
}

#[test]
fn every_outcome_has_a_row() {
    let mut seen = Sequences::default();
    for (first, offset) in [(0, 100), (10, 110), (20, 120), (30, 130), (40, 140), (50, 150)] {
        seen.record(&numbered(3, first, 10, offset));
    }
    let duplicate = |base_offset| Ok(Verdict::Duplicate { base_offset });
    let rows = [
        ("the next number", numbered(3, 60, 5, 0), Ok(Verdict::Append)),
        ("the newest again", numbered(3, 50, 10, 0), duplicate(150)),
        ("the oldest remembered again", numbered(3, 10, 10, 0), duplicate(110)),
        ("older than remembered", numbered(3, 0, 10, 0), Err(Refusal::OutOfOrder)),
        ("a gap", numbered(3, 61, 5, 0), Err(Refusal::OutOfOrder)),
        ("the same start, another length", numbered(3, 50, 9, 0), Err(Refusal::OutOfOrder)),
        ("an older epoch", numbered(2, 60, 5, 0), Err(Refusal::FencedEpoch)),
        ("a newer epoch from zero", numbered(4, 0, 5, 0), Ok(Verdict::Append)),
        ("a newer epoch not from zero", numbered(4, 60, 5, 0), Err(Refusal::OutOfOrder)),
    ];
    for (name, batch, expected) in rows {
        assert_eq!(seen.check(&batch), expected, "{name}");
    }
    let mut stranger = numbered(0, 999, 1, 0);
    stranger.producer_id = 8;
    assert_eq!(seen.check(&stranger), Ok(Verdict::Append), "a producer nobody remembers");
    stranger.producer_id = -1;
    assert_eq!(seen.check(&stranger), Ok(Verdict::Append), "no producer id at all");
}

#[test]
fn numbers_wrap_to_zero_after_the_largest() {
    let mut seen = Sequences::default();
    seen.record(&numbered(0, i32::MAX - 1, 4, 10)); // MAX-1, MAX, 0, 1
    assert_eq!(seen.check(&numbered(0, 2, 1, 0)), Ok(Verdict::Append));
    assert_eq!(seen.check(&numbered(0, 0, 1, 0)), Err(Refusal::OutOfOrder));
    let mut full = Sequences::default();
    full.record(&numbered(0, i32::MAX, 1, 10));
    assert_eq!(full.check(&numbered(0, 0, 1, 0)), Ok(Verdict::Append));
}

#[test]
fn a_transaction_is_open_from_its_first_batch_to_its_marker() {
    let mut seen = Sequences::default();
    seen.record(&transactional(0, 0, 10));
    seen.record(&transactional(0, 1, 11));
    assert_eq!((seen.first_unstable(), seen.is_open(7)), (Some(10), true));
    assert_eq!(seen.record(&marker(0, Marker::Commit, 12)), None);
    assert_eq!((seen.first_unstable(), seen.is_open(7)), (None, false));
    seen.record(&transactional(0, 2, 13));
    let aborted = Aborted { producer_id: 7, first_offset: 13, last_offset: 14 };
    assert_eq!(seen.record(&marker(1, Marker::Abort, 14)), Some(aborted));
    assert_eq!(
        seen.check(&transactional(0, 3, 0)),
        Err(Refusal::FencedEpoch),
        "the marker carried a newer epoch"
    );
    assert_eq!(seen.check(&transactional(1, 0, 0)), Ok(Verdict::Append));
    assert_eq!(seen.record(&marker(1, Marker::Abort, 15)), None, "nothing was open");
}

#[test]
fn the_producer_that_was_silent_longest_is_forgotten_first() {
    let mut seen = Sequences::default();
    for id in 0..1_001_i64 {
        let mut header = numbered(0, 0, 1, id);
        header.producer_id = id;
        seen.record(&header);
    }
    assert_eq!(seen.producers.len(), PRODUCERS_MAX);
    assert!(!seen.producers.contains_key(&0) && seen.producers.contains_key(&1_000));
}
