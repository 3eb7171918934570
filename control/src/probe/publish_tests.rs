//! What of the canary's outcomes becomes metrics, and that none is published twice.

use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, Probes, Publish};
use crate::aws::sample::SampleCloud;
use crate::driver::Pass;
use crate::fleet::samples::second;

fn outcome(at: i64, ok: bool) -> Outcome {
    let latency = Duration::from_millis(12);
    Outcome { at: second(at), ok, latency, detail: String::new() }
}

/// What was published so far, as `metric value @second`.
fn published(cloud: &SampleCloud) -> Vec<String> {
    let published = cloud.published.lock().unwrap();
    let line = |one: &crate::aws::Datum| {
        assert_eq!(one.dimensions, [("Environment".to_owned(), "local".to_owned())]);
        format!("{} {} @{}", one.metric, one.value, (one.at - second(0)).num_seconds())
    };
    published.iter().map(line).collect()
}

#[tokio::test]
async fn each_probe_is_published_once_and_a_failed_one_has_no_latency() {
    let (cloud, probes) = (Arc::new(SampleCloud::with_tasks(3)), Probes::default());
    let shared: Arc<SampleCloud> = Arc::clone(&cloud);
    let mut publish = Publish::new("local", shared, probes.clone(), second(0));
    publish.pass(second(1)).await.unwrap();
    assert!(published(&cloud).is_empty(), "nothing happened yet");
    probes.note(outcome(2, true));
    probes.note(outcome(3, false));
    publish.pass(second(30)).await.unwrap();
    publish.pass(second(60)).await.unwrap();
    probes.note(outcome(61, true));
    publish.pass(second(90)).await.unwrap();
    assert_eq!(
        published(&cloud),
        [
            "CanarySuccess 1 @2",
            "CanaryLatencyMs 12 @2",
            "CanarySuccess 0 @3",
            "CanarySuccess 1 @61",
            "CanaryLatencyMs 12 @61",
        ]
    );
}

#[tokio::test]
async fn what_could_not_be_published_for_long_is_left_out() {
    let (cloud, probes) = (Arc::new(SampleCloud::with_tasks(3)), Probes::default());
    let shared: Arc<SampleCloud> = Arc::clone(&cloud);
    let mut publish = Publish::new("local", shared, probes.clone(), second(0));
    // Four probes a second for ten minutes, as during a run that AWS did not answer in.
    for quarter in 0..2_400 {
        let at = second(0) + chrono::TimeDelta::milliseconds(quarter * 250);
        probes.note(Outcome { at, ..outcome(0, true) });
    }
    publish.pass(second(600)).await.unwrap();
    let published = cloud.published.lock().unwrap();
    assert!(published.len() <= 1_000, "{} values are more than one call takes", published.len());
    assert!(published.iter().all(|one| one.at > second(480)));
}
