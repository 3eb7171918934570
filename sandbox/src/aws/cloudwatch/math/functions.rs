//! The functions of metric math, by name.

use super::{
    Fault, Line, Value,
    apply::{is_true, map},
};
use std::collections::BTreeMap;

/// The span that FILL fills: starts of periods from `start` on and before `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

type Function = fn(&[Value], Span) -> Result<Value, Fault>;

const FUNCTIONS: &[(&str, Function)] = &[
    ("ABS", |args, _| pointwise(args, f64::abs)),
    ("CEIL", |args, _| pointwise(args, f64::ceil)),
    ("FLOOR", |args, _| pointwise(args, f64::floor)),
    ("LOG", |args, _| pointwise(args, f64::ln)),
    ("LOG10", |args, _| pointwise(args, f64::log10)),
    ("EXP", |args, _| pointwise(args, f64::exp)),
    ("AVG", |args, _| reduce(args, mean)),
    ("MAX", |args, _| reduce(args, |v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max))),
    ("MIN", |args, _| reduce(args, |v| v.iter().copied().fold(f64::INFINITY, f64::min))),
    ("STDDEV", |args, _| reduce(args, deviation)),
    ("SUM", |args, _| reduce(args, |values| values.iter().sum())),
    ("DATAPOINT_COUNT", |args, _| reduce(args, |values| count(values.len()))),
    ("METRIC_COUNT", |args, _| match one(args)? {
        Value::Lines(lines) => Ok(Value::Scalar(count(lines.len()))),
        _ => Err(Fault("METRIC_COUNT wants an array".to_owned())),
    }),
    ("FIRST", |args, _| end_of(args, |lines| lines.first().cloned())),
    ("LAST", |args, _| end_of(args, |lines| lines.last().cloned())),
    ("PERIOD", |args, _| match one(args)? {
        #[expect(clippy::cast_precision_loss, reason = "a period is at most some days")]
        Value::Line(line) => Ok(Value::Scalar(line.period as f64)),
        _ => Err(Fault("PERIOD wants one time series".to_owned())),
    }),
    ("RATE", |args, _| stepwise(args, |earlier, later, seconds| (later - earlier) / seconds)),
    ("DIFF", |args, _| stepwise(args, |earlier, later, _| later - earlier)),
    ("DIFF_TIME", |args, _| stepwise(args, |_, _, seconds| seconds)),
    ("RUNNING_SUM", |args, _| each(one(args)?, &running_sum)),
    ("TIME_SERIES", |args, span| match one(args)? {
        Value::Scalar(value) => Ok(Value::Line(constant(*value, 60, span))),
        _ => Err(Fault("TIME_SERIES wants a number".to_owned())),
    }),
    ("FILL", fill),
    ("IF", condition),
];

/// Calls a function.
pub(super) fn call(name: &str, args: &[Value], span: Span) -> Result<Value, Fault> {
    match FUNCTIONS.iter().find(|(known, _)| *known == name) {
        Some((_, function)) => function(args, span),
        None => Err(Fault(format!("the function {name} is not supported"))),
    }
}

fn one(args: &[Value]) -> Result<&Value, Fault> {
    match args {
        [only] => Ok(only),
        _ => Err(Fault(format!("one argument is wanted, not {}", args.len()))),
    }
}

fn count(length: usize) -> f64 {
    u32::try_from(length).map_or(f64::INFINITY, f64::from)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

/// Of the population, not of a sample.
fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    (squares / count(values.len())).sqrt()
}

/// Applies to the line, or to every line of the array.
fn each(value: &Value, function: &dyn Fn(&Line) -> Line) -> Result<Value, Fault> {
    match value {
        Value::Line(line) => Ok(Value::Line(function(line))),
        Value::Lines(lines) => Ok(Value::Lines(lines.iter().map(function).collect())),
        _ => Err(Fault("a time series or an array of them is wanted".to_owned())),
    }
}

fn pointwise(args: &[Value], function: fn(f64) -> f64) -> Result<Value, Fault> {
    match one(args)? {
        Value::Scalar(value) => Ok(Value::Scalar(function(*value))),
        other => each(other, &|line| map(line, function)),
    }
}

/// A line becomes a number; an array becomes a line, of the values that exist at each time.
fn reduce(args: &[Value], function: fn(&[f64]) -> f64) -> Result<Value, Fault> {
    match one(args)? {
        Value::Scalar(value) => Ok(Value::Scalar(function(&[*value]))),
        Value::Line(line) => {
            let values: Vec<f64> = line.points.values().copied().collect();
            // Of no point there is neither sum nor mean: such an expression has no data.
            Ok(Value::Scalar(if values.is_empty() { f64::NAN } else { function(&values) }))
        }
        Value::Lines(lines) => {
            let mut columns: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            for (at, value) in lines.iter().flat_map(|line| &line.points) {
                columns.entry(*at).or_default().push(*value);
            }
            let points = columns.into_iter().map(|(at, values)| (at, function(&values))).collect();
            let period = lines.iter().map(|line| line.period).max().unwrap_or(60);
            Ok(Value::Line(Line { label: String::new(), period, points }))
        }
        Value::Text(_) => Err(Fault("a text has no values".to_owned())),
    }
}

fn end_of(args: &[Value], pick: fn(&[Line]) -> Option<Line>) -> Result<Value, Fault> {
    match one(args)? {
        Value::Lines(lines) => {
            pick(lines).map(Value::Line).ok_or_else(|| Fault("the array is empty".to_owned()))
        }
        _ => Err(Fault("an array is wanted".to_owned())),
    }
}

/// From every point and the one before it, with the seconds between.
fn stepwise(args: &[Value], function: fn(f64, f64, f64) -> f64) -> Result<Value, Fault> {
    each(one(args)?, &|line| {
        let steps = line.points.iter().zip(line.points.iter().skip(1));
        let points = steps.map(|((earlier, a), (later, b))| {
            #[expect(clippy::cast_precision_loss, reason = "two weeks of seconds are exact")]
            let seconds = (later - earlier) as f64;
            (*later, function(*a, *b, seconds))
        });
        Line { points: points.collect(), ..line.clone() }
    })
}

fn running_sum(line: &Line) -> Line {
    let mut sum = 0.0;
    let points = line.points.iter().map(|(at, value)| {
        sum += value;
        (*at, sum)
    });
    Line { points: points.collect(), ..line.clone() }
}

fn constant(value: f64, period: i64, span: Span) -> Line {
    let points = starts(period, span).map(|at| (at, value)).collect();
    Line { label: String::new(), period, points }
}

/// Starts of the periods of a span.
fn starts(period: i64, span: Span) -> impl Iterator<Item = i64> {
    let first = span.start.div_euclid(period) * period;
    (0..).map(move |index| first + index * period).take_while(move |at| *at < span.end)
}

/// Fills periods without a point, also at the ends of the asked range.
fn fill(args: &[Value], span: Span) -> Result<Value, Fault> {
    let [series, filler] = args else {
        return Err(Fault("FILL wants a time series and what to fill in".to_owned()));
    };
    match filler {
        Value::Scalar(value) => each(series, &|line| filled(line, span, |_, _| Some(*value))),
        Value::Line(other) => {
            each(series, &|line| filled(line, span, |at, _| other.points.get(&at).copied()))
        }
        Value::Text(how) if how == "REPEAT" => each(series, &|line| {
            filled(line, span, |at, line| line.points.range(..at).next_back().map(|(_, v)| *v))
        }),
        Value::Text(how) if how == "LINEAR" => each(series, &|line| filled(line, span, between)),
        _ => Err(Fault("FILL fills in a number, a time series, REPEAT or LINEAR".to_owned())),
    }
}

fn filled(line: &Line, span: Span, value: impl Fn(i64, &Line) -> Option<f64>) -> Line {
    let mut full = line.clone();
    for at in starts(line.period.max(1), span) {
        if !line.points.contains_key(&at)
            && let Some(value) = value(at, line)
        {
            full.points.insert(at, value);
        }
    }
    full
}

/// On the straight line between the points before and after; nothing at the ends.
fn between(at: i64, line: &Line) -> Option<f64> {
    let (before, low) = line.points.range(..at).next_back()?;
    let (after, high) = line.points.range(at..).next()?;
    #[expect(clippy::cast_precision_loss, reason = "two weeks of seconds are exact")]
    let share = (at - before) as f64 / (after - before) as f64;
    Some(low + (high - low) * share)
}

/// `IF(condition, then, else)`; without `else` there is no point where the condition fails.
fn condition(args: &[Value], _: Span) -> Result<Value, Fault> {
    let (test, then, otherwise) = match args {
        [test, then] => (test, then, None),
        [test, then, otherwise] => (test, then, Some(otherwise)),
        _ => return Err(Fault("IF wants two or three arguments".to_owned())),
    };
    let at = |value: &Value, at: i64| match value {
        Value::Scalar(value) => Some(*value),
        Value::Line(line) => line.points.get(&at).copied(),
        Value::Text(_) | Value::Lines(_) => None,
    };
    if let Some(Value::Lines(_) | Value::Text(_)) = [Some(then), otherwise]
        .into_iter()
        .flatten()
        .find(|value| matches!(value, Value::Lines(_) | Value::Text(_)))
    {
        return Err(Fault("IF chooses between numbers and time series".to_owned()));
    }
    let chosen = |truth: f64| if is_true(truth) { Some(then) } else { otherwise };
    match test {
        Value::Line(line) => {
            let points = line.points.iter().filter_map(|(time, truth)| {
                chosen(*truth).and_then(|value| at(value, *time)).map(|value| (*time, value))
            });
            Ok(Value::Line(Line { points: points.collect(), ..line.clone() }))
        }
        Value::Scalar(truth) => {
            Ok(chosen(*truth).cloned().unwrap_or_else(|| Value::Line(Line::default())))
        }
        Value::Text(_) | Value::Lines(_) => {
            Err(Fault("the condition of IF is a number or a time series".to_owned()))
        }
    }
}
