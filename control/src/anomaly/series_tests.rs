//! Faults of series and label files, each with its line.

use super::{read_labels, read_series};

fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("series.csv");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn all_faults_of_a_series_are_told_at_once() {
    let text = "time,value\n2026-01-01 00:00:00,1\nyesterday,2\n2026-01-01 00:10:00,many\nx\n";
    let (_dir, path) = written(text);
    let faults = read_series(&path).unwrap_err().to_string();
    for want in [
        ":1: must begin with the line `timestamp,value`",
        ":3: timestamp: `yesterday` must be as 2026-01-31 23:59:59",
        ":4: value: `many` must be a finite number, or nothing",
        ":5: must be `timestamp,value`",
    ] {
        assert!(faults.contains(want), "{want} in {faults}");
    }
}

#[test]
fn a_series_comes_in_order_with_its_gaps_and_one_value_an_instant() {
    let text = "timestamp,value\n2026-01-01 00:10:00,3\n2026-01-01 00:00:00,1\n\
                2026-01-01 00:05:00,\n2026-01-01 00:10:00,4\n";
    let (_dir, path) = written(text);
    let values: Vec<_> = read_series(&path).unwrap().iter().map(|point| point.value).collect();
    assert_eq!(values, [Some(1.0), None, Some(4.0)]);
}

#[test]
fn labels_are_found_by_file_name_whatever_the_folder_and_faults_by_line() {
    let (_dir, path) =
        written("{\"realAWS/a.csv\": [[\"2026-01-01 00:00:00.000000\", \"2026-01-02 00:00:00\"]]}");
    assert_eq!(read_labels(&path).unwrap()["a.csv"].len(), 1);
    let (_dir, path) = written(
        "{\"a.csv\": [\n[\"2026-01-03 00:00:00\", \"2026-01-02 00:00:00\"],\n[\"soon\", \"later\"]]}",
    );
    let faults = read_labels(&path).unwrap_err().to_string();
    assert!(faults.contains(":2: a.csv[0]: ends at 2026-01-02 00:00:00 UTC, before"), "{faults}");
    assert!(faults.contains(":3: a.csv[1]: `soon` must be as"), "{faults}");
}
