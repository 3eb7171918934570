//! An environment's cost as text for a terminal. Pure.

use std::fmt::Write;

use protocol::control::{AdviceView, CostView, MonthView};

use super::{HOURS_PER_MONTH, dollars, signed};

/// Everything that is known, and why the rest is not.
#[must_use]
pub(super) fn text(name: &str, page: &CostView) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = rate(&mut out, name, page);
    if let Some(month) = &page.month {
        let _ = of_month(&mut out, month);
    }
    for one in &page.unusual {
        let _ = writeln!(out, "out of the usual: {one}");
    }
    let _ = advice(&mut out, &page.advice);
    out
}

fn rate(out: &mut String, name: &str, page: &CostView) -> std::fmt::Result {
    let month = |hourly: u64| dollars(signed(hourly.saturating_mul(HOURS_PER_MONTH)));
    match (page.micros_per_hour, page.at_least_micros_per_hour) {
        (Some(hourly), _) => writeln!(
            out,
            "{name}: {}/h, {} in a month of {HOURS_PER_MONTH} h",
            dollars(signed(hourly)),
            month(hourly)
        )?,
        (None, Some(known)) => {
            writeln!(out, "{name}: not known; at least {}/h", dollars(signed(known)))?;
        }
        (None, None) => writeln!(out, "{name}: not known")?,
    }
    writeln!(out, "prices: {}", page.prices)?;
    for one in &page.components {
        let (hourly, sources) = (dollars(signed(one.micros_per_hour)), one.sources.join(", "));
        writeln!(out, "  {hourly:>9}/h  {:<19} {}  [{sources}]", one.name, one.basis)?;
    }
    for one in &page.unknown {
        writeln!(out, "  not known    {one}")?;
    }
    for one in &page.not_counted {
        writeln!(out, "  not counted  {one}")?;
    }
    Ok(())
}

fn of_month(out: &mut String, month: &MonthView) -> std::fmt::Result {
    writeln!(out, "month from {}, budget {}", month.month, dollars(signed(month.budget_micros)))?;
    if let (Some(billed), Some(until)) = (month.billed_micros, month.billed_until) {
        let as_of = month.as_of.map(|at| at.format("%Y-%m-%d %H:%M UTC").to_string());
        let as_of = as_of.unwrap_or_default();
        writeln!(out, "  billed    {} before {until}, as of {as_of}", dollars(billed))?;
    }
    let percent = |share: Option<i64>| share.map_or(String::new(), |share| format!(", {share} %"));
    if let Some(spent) = month.spent_micros {
        writeln!(out, "  spent     {}{}", dollars(spent), percent(month.budget_percent))?;
    }
    if let (Some(end), Some(low), Some(high)) =
        (month.forecast_micros, month.forecast_low_micros, month.forecast_high_micros)
    {
        let share = percent(month.forecast_percent);
        let (end, low, high) = (dollars(end), dollars(low), dollars(high));
        writeln!(out, "  forecast  {end}{share}; {low} to {high}: {}", month.band)?;
    }
    if let Some(drift) = month.drift_percent {
        writeln!(out, "  drift     {drift:+} % billed over the live rate")?;
    }
    if !month.unknown.is_empty() {
        writeln!(out, "  not known {}", month.unknown)?;
    }
    Ok(())
}

fn advice(out: &mut String, advice: &[AdviceView]) -> std::fmt::Result {
    writeln!(out, "advice")?;
    for one in advice {
        match one.saves_micros_per_month {
            Some(micros) => writeln!(
                out,
                "  {:>11} a month  {}: {} ({:?} confidence: {})",
                dollars(signed(micros)),
                one.name,
                one.action,
                one.confidence,
                one.assumption
            )?,
            None => writeln!(out, "  not known            {}: {}", one.name, one.unknown)?,
        }
    }
    Ok(())
}
