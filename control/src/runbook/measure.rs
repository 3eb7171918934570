//! The step that says how long clients went without. Pure.

use super::{
    book::Step,
    event::Event,
    state::{Run, StepRun},
    world::World,
};
use crate::probe::{Recovery, recovery};
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::BTreeMap, time::Duration};

/// Probes must have been good for this long before "no outage" may be said: a failover is accepted
/// seconds before it is felt.
const SETTLE: Duration = Duration::from_secs(10);

/// The measurement, then the end of the step. What cannot be measured in time is said to be so.
pub(super) fn measured(
    run: &Run,
    step: &Step,
    timeout: Duration,
    world: &World,
    now: DateTime<Utc>,
) -> Option<Event> {
    if let Some(measured) = &run.measured {
        let detail = format!("{}; {}", measured.words, phases(run));
        return Some(Event::StepDone { step: step.id.clone(), detail, outputs: BTreeMap::new() });
    }
    let Some(injected_at) = run.injected_at() else {
        let words = "nothing was injected, so there is nothing to measure".to_owned();
        return Some(Event::Measured { rto_ms: None, resolution_ms: 0, words });
    };
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match recovery(&world.probe, injected_at, SETTLE) {
        Recovery::Recovered { rto, resolution, .. } => {
            let low = ms(rto.saturating_sub(resolution));
            let words = format!("recovery time {low} to {} ms", ms(rto));
            let (rto_ms, resolution_ms) = (Some(ms(rto)), ms(resolution));
            Some(Event::Measured { rto_ms, resolution_ms, words })
        }
        Recovery::NoOutage { resolution } => {
            let words = format!("no outage as long as {} ms was seen", ms(resolution));
            let (rto_ms, resolution_ms) = (Some(ms(resolution)), ms(resolution));
            Some(Event::Measured { rto_ms, resolution_ms, words })
        }
        unknown => {
            let waited = TimeDelta::from_std(timeout).unwrap_or(TimeDelta::MAX);
            let since = run.step(step).counts_from?;
            let words = match unknown {
                Recovery::NotYet => "recovery was not seen",
                _ => "no probe succeeded before the outage",
            };
            (now - since >= waited).then(|| Event::Measured {
                rto_ms: None,
                resolution_ms: 0,
                words: format!("recovery time unknown: {words}"),
            })
        }
    }
}

/// How long each step that waited took.
fn phases(run: &Run) -> String {
    let took = |stands: &StepRun| {
        let (from, to) = stands.started_at.zip(stands.ended_at)?;
        Some((to - from).num_milliseconds())
    };
    let steps = run.book.steps().filter_map(|step| {
        let ms = took(run.step(step)).filter(|ms| *ms > 0)?;
        Some(format!("{} {ms} ms", step.id))
    });
    steps.collect::<Vec<_>>().join(", ")
}
