//! Puts the cost of one environment on a page: what the loop publishes and the command prints.
//!
//! Reads the newest of everything and what is remembered; asks nobody and changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{AdviceView, CostView, MonthView};
use serde::{Deserialize, Serialize};

use super::advice::{self, Basis};
use super::bill::Bill;
use super::budget::{self, Finding};
use super::hours::{Hours, Sample};
use super::month::{self, Known, Month};
use super::{HOURS_PER_MONTH, Rate, Sight, rate, unusual, view};
use crate::app::{Live, Signals};
use crate::config::Environment;
use crate::fleet::Fleet;
use crate::journal::Event;
use crate::readings::schedule::asked_per_month;
use crate::reconcile::capacity::Metric;

/// What the service's tasks are counted by; older than this they are not counted.
const SEEN_AGE_MAX: TimeDelta = TimeDelta::seconds(15);
/// Hours between two questions to Cost Explorer: four a day, whatever becomes of them.
pub(super) const BILL_HOURS: u64 = 6;

/// What is remembered of an environment's spending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    pub hours: Hours,
    pub bill: Option<Bill>,
    /// When Cost Explorer was asked last, whatever it answered.
    pub asked_at: Option<DateTime<Utc>>,
}

impl Past {
    /// Takes in one event of the journal.
    pub fn fold(&mut self, event: &Event) {
        // An event of an older form is as if it had not been written.
        match event.kind.as_str() {
            "cost.asked" => self.asked_at = Some(event.at),
            "cost.bill" => {
                if let Ok(bill) = serde_json::from_value(event.data.clone()) {
                    self.bill = Some(bill);
                }
            }
            "cost.hour" => {
                if let Ok(hour) = serde_json::from_value(event.data.clone()) {
                    self.hours.push(hour);
                }
            }
            _ => {}
        }
    }
}

/// The rate as it is now.
#[derive(Clone, Debug)]
pub struct Look {
    pub rate: Rate,
    pub sample: Sample,
    /// The rate with the fewest and the most tasks that scaling allows.
    pub range: Option<(u64, u64)>,
}

/// Works the rate out of the newest of everything.
#[must_use]
pub fn look(live: &Live, now: DateTime<Utc>) -> Look {
    let wanted = live.wanted();
    let fleet = live.fleet.borrow();
    let signals = live.signals.borrow();
    let rate = rate(&sight(&fleet, &signals, &wanted, now));
    let tasks = tasks(&fleet, now);
    let micros = rate.micros_per_hour();
    let task = fleet.service.as_ref().and_then(|seen| seen.value.tasks.first());
    let price = task.and_then(|task| wanted.prices.task(task));
    let range = micros.zip(tasks).zip(price).and_then(|((micros, tasks), price)| {
        let of = |count: u32| price.checked_mul(u64::from(count));
        let others = micros.checked_sub(of(tasks)?)?;
        let with = |count| others.checked_add(of(count)?);
        Some((with(wanted.scaling.tasks_min)?, with(wanted.scaling.tasks_max)?))
    });
    let load = signals.reading("tps").fresh();
    Look { rate, sample: Sample { micros, tasks, load }, range }
}

/// Everything that the rate of an environment is made of.
#[must_use]
pub fn sight<'a>(
    fleet: &'a Fleet,
    signals: &'a Signals,
    wanted: &'a Environment,
    now: DateTime<Utc>,
) -> Sight<'a> {
    let asked = signals.asked.and_then(|asked| asked.per_month(now));
    Sight {
        fleet,
        readings: &signals.readings,
        signals: &wanted.signals,
        declared: &wanted.declared,
        prices: &wanted.prices,
        metrics_asked_per_month: asked.unwrap_or_else(|| asked_per_month(&wanted.signals)),
        bills_asked_per_month: HOURS_PER_MONTH.div_ceil(BILL_HOURS),
    }
}

fn tasks(fleet: &Fleet, now: DateTime<Utc>) -> Option<u32> {
    let seen = fleet.service.as_ref().filter(|seen| now - seen.at <= SEEN_AGE_MAX)?;
    let paid = seen.value.tasks.iter().filter(|task| task.status != "STOPPED").count();
    u32::try_from(paid).ok()
}

/// The page, and what the alerts shall know of it.
#[must_use]
pub fn page(live: &Live, look: &Look, past: &Past, now: DateTime<Utc>) -> (CostView, Vec<Finding>) {
    let wanted = live.wanted();
    let budget = wanted.budget_micros_per_month;
    let known = Known {
        bill: past.bill.as_ref(),
        hours: &past.hours,
        micros_per_hour: look.sample.micros,
        range: look.range,
    };
    let month = month::month(&known, now);
    let mut findings = budget::findings(&month, budget);
    let daily = unusual::daily(past.bill.as_ref());
    let jump = unusual::jump(&past.hours, now);
    let told = [&daily, &jump].into_iter().filter(|one| one.holds == Some(true));
    let told = told.map(|one| one.summary.clone()).collect();
    findings.push(unusual::either(daily, jump));
    let page = CostView {
        month: Some(month_view(&month, budget)),
        unusual: told,
        advice: advised(live, past, now),
        ..view(&look.rate, &wanted.prices)
    };
    (page, findings)
}

fn advised(live: &Live, past: &Past, now: DateTime<Utc>) -> Vec<AdviceView> {
    let wanted = live.wanted();
    let signals = live.signals.borrow();
    let mut targets = wanted.scaling.targets.iter();
    let target = targets.find(|target| target.metric == Metric::RequestsPerTask);
    let basis = Basis {
        fleet: &live.fleet.borrow(),
        hours: &past.hours,
        readings: &signals.readings,
        signals: &wanted.signals,
        declared: &wanted.declared,
        prices: &wanted.prices,
        tasks_min: wanted.scaling.tasks_min,
        requests_per_task: target.map(|target| target.value),
    };
    advice::advice(&basis, now)
}

fn month_view(month: &Month, budget_micros: u64) -> MonthView {
    let percent = |micros: Option<i64>| budget::percent(micros?, budget_micros);
    let forecast = month.forecast.as_ref();
    MonthView {
        month: month.first,
        billed_micros: month.billed.map(|(micros, _)| micros),
        billed_until: month.billed.map(|(_, until)| until),
        as_of: month.as_of,
        spent_micros: month.spent,
        forecast_micros: forecast.map(|one| one.micros),
        forecast_low_micros: forecast.map(|one| one.low),
        forecast_high_micros: forecast.map(|one| one.high),
        band: forecast.map(|one| one.band.clone()).unwrap_or_default(),
        budget_micros,
        budget_percent: percent(month.spent),
        forecast_percent: percent(forecast.map(|one| one.micros)),
        drift_percent: month.drift_percent,
        unknown: month.unknown.clone(),
    }
}
