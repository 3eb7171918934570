//! Batches: what is accepted, what is refused and why, and what stamping leaves alone.

use super::*;
use bytes::BytesMut;
use kafka_protocol::records::{
    Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

/// A batch as a client would send it: one record per timestamp, idempotent producer 7.
pub(in crate::kafka) fn batch_of(
    timestamps: &[i64],
    base_sequence: i32,
    compression: Compression,
) -> Vec<u8> {
    let records: Vec<Record> = timestamps
        .iter()
        .enumerate()
        .map(|(at, timestamp)| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id: 7,
            producer_epoch: 0,
            timestamp_type: TimestampType::Creation,
            offset: i64::try_from(at).unwrap(),
            sequence: base_sequence + i32::try_from(at).unwrap(),
            timestamp: *timestamp,
            key: Some(format!("wallet-{at}").into()),
            value: Some(format!("event {at}").into()),
            headers: Default::default(),
        })
        .collect();
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
    bytes.to_vec()
}

#[test]
fn a_batch_of_a_real_encoder_is_sound() {
    let batch = batch_of(&[1_000, 1_005, 1_010], 40, Compression::None);
    let header = Header::verify(&batch).unwrap();
    assert_eq!(
        (header.bytes, header.count, header.last_offset_delta, header.base_sequence),
        (batch.len(), 3, 2, 40)
    );
    assert_eq!((header.producer_id, header.producer_epoch, header.max_timestamp), (7, 0, 1_010));
    assert!(!header.is_control() && !header.is_transactional() && !header.is_compressed());
}

#[test]
fn each_flaw_is_named() {
    let sound = batch_of(&[1, 2], 0, Compression::None);
    let with = |at: usize, value: u8| {
        let mut bytes = sound.clone();
        bytes[at] = value;
        Header::verify(&bytes).unwrap_err()
    };
    assert!(matches!(
        Header::verify(&sound[..60]).unwrap_err(),
        BatchError::Short { want: 61, .. }
    ));
    assert!(matches!(
        Header::verify(&sound[..sound.len() - 1]).unwrap_err(),
        BatchError::Short { .. }
    ));
    assert_eq!(with(16, 1), BatchError::Format(1));
    assert!(matches!(with(8, 0xff), BatchError::Length(_)));
    assert!(matches!(with(11, 3), BatchError::Length(3)));
    assert!(matches!(with(70, 0xee), BatchError::Checksum { .. }));
    let mut miscounted = sound.clone();
    miscounted[60] = 9;
    let checksum = crc32c::crc32c(&miscounted[CHECKED_FROM..]);
    miscounted[17..21].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(Header::verify(&miscounted).unwrap_err(), BatchError::Count { count: 9, span: 2 });
}

#[test]
fn stamping_keeps_the_checksum_right() {
    let mut batch = batch_of(&[5], 0, Compression::None);
    stamp(&mut batch, 123_456_789_012, 9);
    let header = Header::verify(&batch).unwrap();
    assert_eq!(
        (header.base_offset, header.leader_epoch, header.next_offset()),
        (123_456_789_012, 9, 123_456_789_013)
    );
}

#[test]
fn markers_are_sound_batches_that_say_how_it_ended() {
    for marker in [Marker::Abort, Marker::Commit] {
        let header = Header::verify(&control(5, 2, marker, 77)).unwrap();
        assert_eq!(header.marker, Some(marker));
        assert!(header.is_control() && header.is_transactional());
        assert_eq!((header.producer_id, header.producer_epoch, header.count), (5, 2, 1));
    }
}

#[test]
fn a_timestamp_finds_the_first_record_that_is_not_older() {
    let mut batch = batch_of(&[100, 200, 300], 0, Compression::None);
    stamp(&mut batch, 50, 0);
    let header = Header::verify(&batch).unwrap();
    for (wanted, found) in [
        (0, Some((50, 100))),
        (100, Some((50, 100))),
        (101, Some((51, 200))),
        (300, Some((52, 300))),
        (301, None),
    ] {
        assert_eq!(first_at_or_after(&batch, &header, wanted), found, "timestamp {wanted}");
    }
    let mut packed = batch_of(&[100, 200, 300], 0, Compression::Gzip);
    stamp(&mut packed, 50, 0);
    let header = Header::verify(&packed).unwrap();
    assert_eq!(first_at_or_after(&packed, &header, 150), Some((50, 300)));
}
