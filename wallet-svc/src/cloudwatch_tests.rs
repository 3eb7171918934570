//! What a window becomes in CloudWatch's terms.

use super::*;
use crate::{store::Mode, traffic::Ending};

fn stats() -> Stats {
    Stats {
        mode: Mode::Writable,
        queue_depths: vec![0, 0],
        batches: 0,
        commands: 0,
        outbox_pending: None,
        outbox_oldest_us: None,
        conflicts: 0,
        connects: 0,
        unknown_outcomes: 0,
        bisections: 0,
        expired: 0,
        published: 0,
        cache_hits: 0,
        cache_misses: 0,
        cache_dropped: 0,
        cache_failures: 0,
    }
}

fn built(traffic: &Traffic, before: &Stats, now: &Stats) -> Vec<MetricDatum> {
    data("local", &traffic.take(), before, now).into_iter().map(MetricDatumBuilder::build).collect()
}

/// The data of a metric with exactly this operation, or with none.
fn find<'a>(data: &'a [MetricDatum], name: &str, operation: Option<&str>) -> Vec<&'a MetricDatum> {
    let of = |datum: &&MetricDatum| {
        let found = datum.dimensions().iter().find(|d| d.name() == Some("Operation"));
        datum.metric_name() == Some(name) && found.and_then(Dimension::value) == operation
    };
    data.iter().filter(of).collect()
}

#[test]
fn a_task_that_served_nothing_says_zero() {
    let data = built(&Traffic::default(), &stats(), &stats());
    for operation in Operation::ALL.map(|o| Some(o.name())).into_iter().chain([None]) {
        for name in ["Requests", "Errors", "Declines"] {
            let found = find(&data, name, operation);
            assert_eq!(found.len(), 1, "{name} {operation:?}");
            assert_eq!(found[0].value(), Some(0.0), "{name} {operation:?}");
        }
        assert!(find(&data, "LatencyMs", operation).is_empty());
    }
    assert_eq!(find(&data, "CommandsPerBatch", None)[0].value(), Some(0.0));
    assert!(find(&data, "OutboxPending", None).is_empty(), "unknown is not zero");
}

#[test]
fn every_latency_is_in_the_values_once() {
    let traffic = Traffic::default();
    for ms in 1..=2_000 {
        traffic.record(Operation::Deposit, Ending::Success, Duration::from_millis(ms));
    }
    traffic.record(Operation::Balance, Ending::Error, Duration::from_millis(7));
    let data = built(&traffic, &stats(), &stats());
    let latency = find(&data, "LatencyMs", Some("deposit"));
    assert!(latency.len() > 1, "so many distinct values need several data");
    let counted: f64 = latency.iter().flat_map(|datum| datum.counts()).sum();
    assert!((counted - 2_000.0).abs() < 0.5, "{counted}");
    for datum in &latency {
        assert!(datum.values().len() <= VALUES_PER_DATUM_MAX);
        assert_eq!(datum.values().len(), datum.counts().len());
    }
    let sum: f64 = latency
        .iter()
        .flat_map(|datum| datum.values().iter().zip(datum.counts()))
        .map(|(value, count)| value * count)
        .sum();
    let truth = 2_000.0 * 2_001.0 / 2.0;
    assert!((sum / truth - 1.0).abs() < 0.01, "{sum} against {truth}");

    let total: f64 = find(&data, "LatencyMs", None).iter().flat_map(|d| d.counts()).sum();
    assert!((total - 2_001.0).abs() < 0.5, "{total}");
    assert_eq!(find(&data, "Errors", None)[0].value(), Some(1.0));
    assert_eq!(find(&data, "Requests", Some("deposit"))[0].value(), Some(2_000.0));
}

#[test]
fn the_ledgers_state_is_that_of_the_window() {
    let before = Stats { batches: 10, commands: 100, ..stats() };
    let now = Stats {
        batches: 14,
        commands: 130,
        queue_depths: vec![3, 9, 1],
        outbox_pending: Some(5),
        outbox_oldest_us: Some(2_500_000),
        ..stats()
    };
    let data = built(&Traffic::default(), &before, &now);
    for (name, want) in [
        ("CommandsPerBatch", 7.5),
        ("LaneQueueDepth", 9.0),
        ("OutboxPending", 5.0),
        ("OutboxOldestSeconds", 2.5),
    ] {
        assert_eq!(find(&data, name, None)[0].value(), Some(want), "{name}");
    }
}
