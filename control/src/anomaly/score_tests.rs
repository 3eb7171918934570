//! How detections are held against labels, by example and on a recorded series.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Score, Window, score};

fn hour(n: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(n)
}

fn counts(score: Score) -> [u32; 6] {
    let Score { windows, windows_found, points, points_true, episodes, episodes_true } = score;
    [windows_found, windows, points_true, points, episodes_true, episodes]
}

#[test]
fn detections_are_counted_by_point_and_by_episode() {
    let windows =
        [Window { from: hour(100), to: hour(110) }, Window { from: hour(200), to: hour(210) }];
    let table: [(&str, &[i64], [u32; 6]); 7] = [
        ("nothing found", &[], [0, 2, 0, 0, 0, 0]),
        ("one window found", &[105], [1, 2, 1, 1, 1, 1]),
        ("both ends count", &[100, 210], [2, 2, 2, 2, 2, 2]),
        ("found twice is found once", &[101, 102], [1, 2, 2, 2, 1, 1]),
        ("one outside", &[105, 150], [1, 2, 1, 2, 1, 2]),
        ("an episode that runs into a window", &[95, 101], [1, 2, 1, 2, 1, 1]),
        ("half a day apart is another episode", &[140, 152], [0, 2, 0, 2, 0, 2]),
    ];
    for (why, detections, want) in table {
        let detections: Vec<_> = detections.iter().map(|n| hour(*n)).collect();
        assert_eq!(counts(score(&detections, &windows)), want, "{why}");
    }
}

#[test]
fn without_detections_there_is_no_precision_and_without_windows_no_recall() {
    let none = score(&[], &[]);
    assert_eq!((none.recall(), none.precision_of_points()), (None, None));
}

/// A recorded latency series with three labelled failures, and nothing else worth a page.
#[test]
fn every_failure_in_a_recorded_series_is_found_and_nothing_else() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nab");
    let name = "ec2_request_latency_system_failure.csv";
    let points = super::read_series(&data.join(name)).unwrap();
    let labels = super::read_labels(&data.join("labels.json")).unwrap();
    let score = score(&super::command::detections(&points), &labels[name]);
    assert_eq!((score.windows_found, score.windows), (3, 3));
    assert_eq!((score.episodes_true, score.episodes), (3, 3));
}
