//! What goes beyond following the load: boosts, the fallback of the blind, and the forecast.

use chrono_tz::Tz;

use super::super::delta;
use super::schedule::zone;
use super::share;
use crate::document::Field;
use crate::forecast::Settings;
use crate::reconcile::capacity::{Boost, Fallback, Policy, Rise};

/// `boost: { error_percent: 2, p95_ms: 250, add: 50%, rise: { share: 50%, periods: 3 } }`
pub(super) fn boost(field: &Field<'_>) -> Option<Boost> {
    let map = field.map(&["error_percent", "p95_ms", "add", "rise"])?;
    let error_percent = map.optional("error_percent").map(|f| f.number(0.1..=100.0));
    let p95_ms = map.optional("p95_ms").map(|f| f.number(1.0..=60_000.0));
    let rise = map.optional("rise").map(|f| rise(&f));
    if error_percent.is_none() && p95_ms.is_none() && rise.is_none() {
        return field.fault("must name at least one of error_percent, p95_ms, rise");
    }
    let add = map.or("add", 0.5, |f| share(f, 10.0, 100.0));
    Some(Boost {
        error_percent: super::given(error_percent)?,
        p95_ms: super::given(p95_ms)?,
        add: add?,
        rise: super::given(rise)?,
    })
}

/// Less growth than a fifth from one point to the next is noise.
fn rise(field: &Field<'_>) -> Option<Rise> {
    let map = field.map(&["share", "periods"])?;
    let share = map.required("share").and_then(|f| share(&f, 20.0, 100.0));
    let periods = map.required("periods").and_then(|f| f.number(0.5..=30.0));
    Some(Rise { share: share?, periods: periods? })
}

/// `fallback: { after: 5m, tasks: 6 }`. Without `tasks`: the most that ran within seven days.
pub(super) fn fallback(field: &Field<'_>, most: u32) -> Option<Fallback> {
    let map = field.map(&["after", "tasks"])?;
    let after = map.required("after").and_then(|f| delta(&f, 60..=3_600));
    let tasks = map.optional("tasks").map(|f| f.count(1..=most));
    Some(Fallback { after: after?, tasks: super::given(tasks)? })
}

/// Where the wallet's users live.
const ZONE: Tz = Tz::America__Sao_Paulo;

/// `forecast: { lead: 15m, coverage: 95%, zone: America/Sao_Paulo }`
/// `rules` are those that it is a part of; without them, only its own faults are told.
pub(super) fn forecast_settings(field: &Field<'_>, rules: Option<&Policy>) -> Option<Settings> {
    let map = field.map(&["lead", "coverage", "zone"])?;
    let lead = map.required("lead").and_then(|f| delta(&f, 60..=7_200));
    let coverage = map.required("coverage").and_then(|f| share(&f, 50.0, 99.0));
    let zone = map.or("zone", ZONE, zone);
    let Some(per_task) = rules?.targets.iter().find(|one| one.metric.exact()) else {
        return field.fault(
            "needs the target requests_per_task: a load cannot be turned into tasks without it",
        );
    };
    Some(Settings { lead: lead?, coverage: coverage?, per_task: per_task.value, zone: zone? })
}
