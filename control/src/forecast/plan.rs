//! Chooses the forecast, plans the hours to come, and says how well it has done. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use protocol::control::{ForecastHour, ForecastView};

use super::backtest::{Backtest, backtest};
use super::history::{Hourly, hour_start};
use super::{model, naive};

/// Hours planned ahead. A plan that nobody renews for so long has ended.
const HORIZON: usize = 48;
/// Hours of the wall that these may reach into: a clock that is set forward skips some of them.
const WALLS: usize = HORIZON + 3;
/// A week to learn from and a week to be judged by.
const HISTORY_MIN: usize = 2 * naive::WEEK;
/// Hours of a backtest's day.
const DAY: usize = 24;
/// The model must be better than the week before by this factor, or its trouble is not worth it.
const WINS_BY: f64 = 0.9;
/// A forecast that is wrong by more than this, in percent, foretells nothing.
const ERROR_MAX: f64 = 50.0;
/// Nothing is planned beyond this factor of the busiest hour of four weeks: a trend that runs away
/// must not buy tasks.
const CAP: f64 = 1.5;

/// What an operator says of the forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The floor rises this long before the hour that needs it.
    pub lead: TimeDelta,
    /// In what share of the hours the floor shall suffice.
    pub coverage: f64,
    /// Requests per second that one task takes: the policy's own target.
    pub per_task: f64,
    /// The clock that the load follows.
    pub zone: Tz,
}

/// What the floor is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nothing is good enough, or known for long enough.
    None,
    /// The week before.
    Naive,
    /// The library's model.
    Model,
}

impl Choice {
    /// As the report card says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Naive => "naive",
            Self::Model => "model",
        }
    }
}

/// One hour to come, in requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hour {
    pub expected: f64,
    /// With the margin, and within the cap.
    pub planned: f64,
}

/// A forecast and its report card.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The start of the first hour.
    pub start: DateTime<Utc>,
    pub hours: Vec<Option<Hour>>,
    pub choice: Choice,
    pub why: String,
    pub hours_known: u32,
    pub hours_masked: u32,
    pub naive_error_percent: Option<f64>,
    pub model_error_percent: Option<f64>,
    pub coverage_percent: Option<f64>,
}

/// Foretells the hours after `history`.
#[must_use]
pub fn forecast(history: &Hourly, settings: &Settings) -> Forecast {
    let known = history.since_known();
    let judged = if known.len() >= HISTORY_MIN { known } else { &[] };
    let naive_test = backtest(judged, |past| Some(naive::forecast(past, DAY)));
    let model_test = backtest(judged, |past| modelled(past, DAY));
    let (choice, why) = choose(naive_test.as_ref(), model_test.as_ref());
    let (test, expected) = match choice {
        Choice::None => (None, Vec::new()),
        Choice::Naive => (naive_test.as_ref(), naive::forecast(known, WALLS)),
        Choice::Model => (model_test.as_ref(), modelled(known, WALLS).unwrap_or_default()),
    };
    let margin = test.map_or(0.0, |test| test.margin(settings.coverage));
    let cap = history.max().unwrap_or(0.0) * CAP;
    let planned = if expected.is_empty() { 0 } else { HORIZON };
    let plan = |expected: f64| Hour { expected, planned: (expected * (1.0 + margin)).min(cap) };
    Forecast {
        start: history.end,
        hours: history.ahead(&expected, planned).into_iter().map(|one| one.map(plan)).collect(),
        choice,
        why,
        hours_known: history.known(),
        hours_masked: history.masked,
        naive_error_percent: naive_test.as_ref().map(Backtest::error_percent),
        model_error_percent: model_test.as_ref().map(Backtest::error_percent),
        coverage_percent: test.map(|test| test.coverage_percent(settings.coverage)),
    }
}

fn modelled(history: &[Option<f64>], horizon: usize) -> Option<Vec<Option<f64>>> {
    let filled = naive::without_holes(history)?;
    let forecast = model::forecast(&filled, horizon).ok()?;
    Some(forecast.into_iter().map(Some).collect())
}

/// The week before, unless the model was better by enough; nothing, if neither was any good.
fn choose(naive: Option<&Backtest>, model: Option<&Backtest>) -> (Choice, String) {
    let Some(naive) = naive.map(Backtest::error_percent) else {
        let why = "less than two weeks of history are known".to_owned();
        return (Choice::None, why);
    };
    let model = model.map(Backtest::error_percent);
    let best = model.map_or(naive, |model| model.min(naive));
    if best > ERROR_MAX {
        let why = format!("the load does not repeat itself: {best:.0}% off over seven days");
        return (Choice::None, why);
    }
    match model {
        Some(model) if model < naive * WINS_BY => {
            (Choice::Model, format!("the model was {model:.1}% off, the week before {naive:.1}%"))
        }
        Some(model) => (
            Choice::Naive,
            format!("the week before was {naive:.1}% off, the model {model:.1}%: not worth it"),
        ),
        None => (
            Choice::Naive,
            format!("the week before was {naive:.1}% off; a model needs three weeks"),
        ),
    }
}

impl Forecast {
    /// The tasks that the hours between now and the lead ask for, and until when that holds.
    /// `None` once the plan has ended, or where it does not know.
    #[must_use]
    pub fn floor(&self, settings: &Settings, now: DateTime<Utc>) -> Option<(u32, DateTime<Utc>)> {
        let hours = [now, now + settings.lead].into_iter().filter_map(|at| self.hour(at));
        let planned = hours.map(|hour| hour.planned).reduce(f64::max)?;
        Some((tasks(planned, settings), hour_start(now) + TimeDelta::hours(1)))
    }

    fn hour(&self, at: DateTime<Utc>) -> Option<Hour> {
        let index = usize::try_from((at - self.start).num_hours()).ok()?;
        if at < self.start { None } else { self.hours.get(index).copied().flatten() }
    }

    /// The report card.
    #[must_use]
    pub fn view(&self, settings: &Settings, now: DateTime<Utc>) -> ForecastView {
        let hours = self.hours.iter().enumerate().filter_map(|(index, hour)| {
            let hour = (*hour)?;
            Some(ForecastHour {
                at: self.start + TimeDelta::hours(i64::try_from(index).ok()?),
                expected: hour.expected,
                planned: hour.planned,
                tasks: tasks(hour.planned, settings),
            })
        });
        ForecastView {
            at: now,
            in_use: self.choice.name().to_owned(),
            why: self.why.clone(),
            hours_known: self.hours_known,
            hours_masked: self.hours_masked,
            naive_error_percent: self.naive_error_percent,
            model_error_percent: self.model_error_percent,
            coverage_percent: self.coverage_percent,
            floor: self.floor(settings, now).map(|(tasks, _)| tasks),
            hours: hours.collect(),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u32 on the line of the cast"
)]
fn tasks(load: f64, settings: &Settings) -> u32 {
    (load / settings.per_task - 1e-9).ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}
