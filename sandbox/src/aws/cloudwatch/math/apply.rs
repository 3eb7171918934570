//! Operators between scalars, lines and arrays of lines.

use super::{Fault, Line, Value, parse::Operator};

/// One operator on two numbers; truth is 1 and 0.
fn compute(operator: Operator, a: f64, b: f64) -> f64 {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    match operator {
        Operator::Or => truth(is_true(a) || is_true(b)),
        Operator::And => truth(is_true(a) && is_true(b)),
        Operator::Less => truth(a < b),
        Operator::LessOrEqual => truth(a <= b),
        Operator::Greater => truth(a > b),
        Operator::GreaterOrEqual => truth(a >= b),
        Operator::Equal => truth(a.total_cmp(&b).is_eq()),
        Operator::Unequal => truth(a.total_cmp(&b).is_ne()),
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Power => a.powf(b),
    }
}

/// Everything but zero.
pub(super) fn is_true(number: f64) -> bool {
    number.abs() > 0.0
}

/// A point that is no number (a division by zero) is no point.
pub(super) fn map(line: &Line, function: impl Fn(f64) -> f64) -> Line {
    let points = line.points.iter().map(|(at, value)| (*at, function(*value)));
    Line { points: points.filter(|(_, value)| value.is_finite()).collect(), ..line.clone() }
}

/// Point by point where both have one. The period is the longer one.
pub(super) fn zip(left: &Line, right: &Line, function: impl Fn(f64, f64) -> f64) -> Line {
    let both = left.points.iter().filter_map(|(at, a)| {
        let value = function(*a, *right.points.get(at)?);
        value.is_finite().then_some((*at, value))
    });
    Line {
        label: left.label.clone(),
        period: left.period.max(right.period),
        points: both.collect(),
    }
}

/// An operator on two values of any kind but text.
pub(super) fn binary(operator: Operator, left: Value, right: Value) -> Result<Value, Fault> {
    use Value::{Line as One, Lines as Many, Scalar};
    let of = |a: f64, b: f64| compute(operator, a, b);
    Ok(match (left, right) {
        (Scalar(a), Scalar(b)) => Scalar(of(a, b)),
        (One(line), Scalar(b)) => One(map(&line, |a| of(a, b))),
        (Scalar(a), One(line)) => One(map(&line, |b| of(a, b))),
        (One(a), One(b)) => One(zip(&a, &b, of)),
        (Many(lines), Scalar(b)) => Many(lines.iter().map(|l| map(l, |a| of(a, b))).collect()),
        (Scalar(a), Many(lines)) => Many(lines.iter().map(|l| map(l, |b| of(a, b))).collect()),
        (Many(lines), One(b)) => Many(lines.iter().map(|a| zip(a, &b, of)).collect()),
        (One(a), Many(lines)) => {
            let lines = lines.iter();
            Many(lines.map(|b| Line { label: b.label.clone(), ..zip(&a, b, of) }).collect())
        }
        (Many(a), Many(b)) if a.len() == b.len() => {
            Many(a.iter().zip(&b).map(|(a, b)| zip(a, b, of)).collect())
        }
        (Many(_), Many(_)) => {
            return Err(Fault("two arrays of different length cannot be combined".to_owned()));
        }
        (Value::Text(_), _) | (_, Value::Text(_)) => {
            return Err(Fault("a text is no operand".to_owned()));
        }
    })
}
