//! Recovery: whatever byte a crash cuts at, exactly the whole batches before it remain.

use kafka_protocol::records::Compression;
use proptest::prelude::*;

use super::super::super::batch::{self, tests::batch_of};
use super::*;

/// A segment from offset 100 of batches with the given record counts, and each batch's end.
fn segment(counts: &[usize]) -> (Vec<u8>, Vec<(usize, i64)>) {
    let (mut bytes, mut ends, mut offset) = (Vec::new(), Vec::new(), 100);
    for count in counts {
        let mut one = batch_of(&vec![offset; *count], 0, Compression::None);
        batch::stamp(&mut one, offset, 1);
        bytes.extend_from_slice(&one);
        offset += i64::try_from(*count).unwrap();
        ends.push((bytes.len(), offset));
    }
    (bytes, ends)
}

/// What must be left when only `kept` bytes of the segment are there.
fn expected(ends: &[(usize, i64)], kept: usize) -> (u64, i64) {
    let whole = ends.iter().rev().find(|(end, _)| *end <= kept);
    whole.map_or((0, 100), |(end, offset)| (*end as u64, *offset))
}

proptest! {
    #[test]
    fn a_cut_at_any_byte_leaves_the_whole_batches_before_it(
        counts in prop::collection::vec(1_usize..6, 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let (bytes, ends) = segment(&counts);
        let kept = cut.index(bytes.len() + 1);
        let mut visited = 0;
        let walk = walk(&bytes[..kept], 100, false, |_, _| visited += 1);
        prop_assert_eq!((walk.sound_bytes, walk.next_offset), expected(&ends, kept));
        prop_assert_eq!(walk.fault.is_none(), walk.sound_bytes == kept as u64);
        prop_assert_eq!(visited, ends.iter().filter(|(end, _)| *end <= kept).count());
    }

    #[test]
    fn a_flipped_bit_is_never_taken_for_a_sound_batch(
        counts in prop::collection::vec(1_usize..6, 1..8),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let (mut bytes, ends) = segment(&counts);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let walk = walk(&bytes, 100, false, |_, _| {});
        // The leader epoch is the only field that neither checksum nor neighbours protect.
        let start = ends.iter().rev().find(|(end, _)| *end <= at).map_or(0, |(end, _)| *end);
        if !(12..16).contains(&(at - start)) {
            prop_assert_eq!((walk.sound_bytes, walk.next_offset), expected(&ends, at));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        walk(&bytes, 0, false, |_, _| {});
        walk(&bytes, 0, true, |_, _| {});
        whole_batches(&bytes, i64::MAX);
    }
}

#[test]
fn a_batch_out_of_line_ends_the_walk() {
    let (bytes, _) = segment(&[2]);
    let walk = walk(&bytes, 99, false, |_, _| {});
    assert_eq!(walk.fault, Some(Fault::Gap { expected: 99, found: 100 }));
}

#[test]
fn the_index_points_at_or_before_what_is_sought() {
    let (bytes, ends) = segment(&vec![3; 900]);
    let mut index = Index::default();
    walk(&bytes, 100, true, |position, header| index.push(position, header));
    assert!(index.entries.len() > 2, "{} bytes are worth several entries", bytes.len());
    for (end, next_offset) in &ends {
        let last = next_offset - 1;
        for position in [index.before_offset(last), index.before_time(last - 2)] {
            assert!(position < *end as u64);
            assert!(*end as u64 - position <= INDEX_EVERY_BYTES + 400, "offset {last}");
        }
    }
    assert_eq!(index.newest(), ends.last().unwrap().1 - 3);
}

#[test]
fn whole_batches_stop_at_the_limit_and_at_a_cut() {
    let (bytes, ends) = segment(&[1, 1, 1]);
    assert_eq!(whole_batches(&bytes, i64::MAX), bytes.len());
    assert_eq!(whole_batches(&bytes, 102), ends[1].0);
    assert_eq!(whole_batches(&bytes[..bytes.len() - 1], i64::MAX), ends[1].0);
    assert_eq!(whole_batches(&bytes[..20], i64::MAX), 0);
}
