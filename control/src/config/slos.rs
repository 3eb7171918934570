//! Objectives, and the limits on how fast their budgets may be spent.

use chrono::TimeDelta;

use super::delta;
use crate::document::{Field, nearest};
use crate::readings::Signal;
use crate::slo::{BurnLimit, Slo};

const SLOS_MAX: usize = 20;
const DAY_S: u64 = 86_400;

/// All objectives. `signals` are those of the same file.
pub(super) fn read(field: &Field<'_>, signals: &[Signal]) -> Option<Vec<Slo>> {
    let mut seen = Vec::new();
    field.list(SLOS_MAX, |item| {
        let slo = slo(&item, signals)?;
        if seen.contains(&slo.name) {
            return item.fault(format!("`{}` is the name of another objective", slo.name));
        }
        seen.push(slo.name.clone());
        Some(slo)
    })
}

fn slo(field: &Field<'_>, signals: &[Signal]) -> Option<Slo> {
    let map = field.map(&["name", "total", "bad", "objective", "window", "requests_min"])?;
    let name = map.required("name").and_then(|f| f.name());
    let total = map.required("total").and_then(|f| counted(&f, signals));
    let bad = map.required("bad").and_then(|f| counted(&f, signals));
    let budget = map.required("objective").and_then(|f| budget(&f));
    let window = map.required("window").and_then(|f| delta(&f, DAY_S..=90 * DAY_S));
    let requests_min = map.required("requests_min").and_then(|f| f.number(1.0..=1e9));
    Some(Slo {
        name: name?,
        total: total?,
        bad: bad?,
        budget: budget?,
        window: window?,
        requests_min: requests_min?,
    })
}

/// Counts add up over any span; averages do not.
fn counted(field: &Field<'_>, signals: &[Signal]) -> Option<String> {
    let name = field.text()?;
    match signals.iter().find(|signal| signal.name == name) {
        Some(signal) if signal.statistic == "Sum" => Some(name),
        Some(signal) => {
            field.fault(format!("`{name}` is a {}; only a Sum can be counted", signal.statistic))
        }
        None => {
            let hint = nearest(&name, signals.iter().map(|signal| signal.name.as_str()));
            let hint = hint.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            field.fault(format!("`{name}` is no signal here{hint}"))
        }
    }
}

fn budget(field: &Field<'_>) -> Option<f64> {
    let percent = field.percent()?;
    if (50.0..=99.9999).contains(&percent) {
        Some((100.0 - percent) / 100.0)
    } else {
        field.fault("must be from 50% to 99.9999%: a budget of nothing is always overspent")
    }
}

/// `{ slo: NAME, factor: 14.4, long: 1h, short: 5m }`.
pub(super) fn burn(field: &Field<'_>, slos: &[Slo]) -> Option<(String, BurnLimit)> {
    let map = field.map(&["slo", "factor", "long", "short"])?;
    let slo = map.required("slo").and_then(|f| {
        let name = f.text()?;
        if slos.iter().any(|slo| slo.name == name) {
            return Some(name);
        }
        f.fault(format!("`{name}` is no objective here"))
    });
    let factor = map.required("factor").and_then(|f| f.number(0.1..=10_000.0));
    let long = map.required("long").and_then(|f| delta(&f, 600..=30 * DAY_S));
    let short = map.required("short").and_then(|f| delta(&f, 120..=7 * DAY_S));
    let (long, short) = (long?, short?);
    if short * 2 > long {
        return field.fault("short must be half of long at most, or both say the same");
    }
    // Longer windows are counted by hours.
    if long > TimeDelta::hours(6) && long.num_seconds() % 3_600 != 0 {
        return field.fault("long must be whole hours beyond 6h");
    }
    Some((slo?, BurnLimit { factor: factor?, long, short }))
}
