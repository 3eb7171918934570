//! Tree and series to series; expressions may name each other, in any order but no circle.

use super::{
    Expression, Fault, Line, Value, apply,
    functions::{self, Span},
};
use std::collections::BTreeMap;

/// Together with the depth of one expression this bounds the stack.
const CHAIN_MAX: usize = 10;

/// What an expression may refer to.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Scope {
    /// The metrics of the request by id, in the order of ids.
    pub(in super::super) metrics: BTreeMap<String, Line>,
    /// The other expressions by id.
    pub(in super::super) expressions: BTreeMap<String, Expression>,
    /// The asked range in seconds since 1970; what is not over by now is left out.
    pub(in super::super) start: i64,
    pub(in super::super) end: i64,
}

/// The lines of the expression with this id.
///
/// # Errors
/// It names something unknown or itself, uses a function wrongly, or ends in a plain number.
pub(in super::super) fn evaluate(scope: &Scope, id: &str) -> Result<Vec<Line>, Fault> {
    let mut evaluation = Evaluation { scope, known: BTreeMap::new(), open: Vec::new() };
    match evaluation.named(id)? {
        Value::Line(line) => Ok(vec![line]),
        Value::Lines(lines) => Ok(lines),
        Value::Scalar(_) | Value::Text(_) => {
            Err(Fault("it must end in a time series or an array of them".to_owned()))
        }
    }
}

struct Evaluation<'a> {
    scope: &'a Scope,
    known: BTreeMap<String, Value>,
    /// Ids that are being computed: seeing one again is a circle.
    open: Vec<String>,
}

impl Evaluation<'_> {
    fn named(&mut self, id: &str) -> Result<Value, Fault> {
        if let Some(line) = self.scope.metrics.get(id) {
            return Ok(Value::Line(line.clone()));
        }
        if let Some(value) = self.known.get(id) {
            return Ok(value.clone());
        }
        let Some(expression) = self.scope.expressions.get(id) else {
            return Err(Fault(format!("there is no query with the id {id}")));
        };
        if self.open.iter().any(|open| open == id) {
            return Err(Fault(format!("{id} refers to itself")));
        }
        if self.open.len() >= CHAIN_MAX {
            return Err(Fault(format!("expressions refer to each other deeper than {CHAIN_MAX}")));
        }
        self.open.push(id.to_owned());
        let value = self.value(expression)?;
        self.open.pop();
        self.known.insert(id.to_owned(), value.clone());
        Ok(value)
    }

    fn value(&mut self, expression: &Expression) -> Result<Value, Fault> {
        match expression {
            Expression::Number(number) => Ok(Value::Scalar(*number)),
            Expression::Text(text) => Ok(Value::Text(text.clone())),
            Expression::Name(name) => self.named(name),
            Expression::List(items) => self.list(items),
            Expression::Negative(inner) => {
                let inner = self.value(inner)?;
                apply::binary(super::parse::Operator::Multiply, Value::Scalar(-1.0), inner)
            }
            Expression::Binary(operator, left, right) => {
                let left = self.value(left)?;
                apply::binary(*operator, left, self.value(right)?)
            }
            Expression::Call(name, args) if name == "METRICS" => self.metrics(args),
            Expression::Call(name, args) => {
                let args =
                    args.iter().map(|arg| self.argument(arg)).collect::<Result<Vec<_>, _>>()?;
                let span = Span { start: self.scope.start, end: self.scope.end };
                functions::call(name, &args, span)
            }
        }
    }

    /// REPEAT and LINEAR are words of FILL, not ids.
    fn argument(&mut self, expression: &Expression) -> Result<Value, Fault> {
        match expression {
            Expression::Name(name) if name == "REPEAT" || name == "LINEAR" => {
                Ok(Value::Text(name.clone()))
            }
            other => self.value(other),
        }
    }

    fn list(&mut self, items: &[Expression]) -> Result<Value, Fault> {
        let mut lines = Vec::with_capacity(items.len());
        for item in items {
            match self.value(item)? {
                Value::Line(line) => lines.push(line),
                Value::Lines(more) => lines.extend(more),
                Value::Scalar(_) | Value::Text(_) => {
                    return Err(Fault("an array holds time series only".to_owned()));
                }
            }
        }
        Ok(Value::Lines(lines))
    }

    /// `METRICS()`: every metric of the request; `METRICS('err')`: those with `err` in their id.
    fn metrics(&self, args: &[Expression]) -> Result<Value, Fault> {
        let part = match args {
            [] => "",
            [Expression::Text(part)] => part,
            _ => return Err(Fault("METRICS wants no argument, or a text".to_owned())),
        };
        let chosen = self.scope.metrics.iter().filter(|(id, _)| id.contains(part));
        Ok(Value::Lines(chosen.map(|(_, line)| line.clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(i64, f64)]) -> Line {
        Line { label: String::new(), period: 60, points: points.iter().copied().collect() }
    }

    fn evaluated(text: &str) -> Result<Vec<Vec<(i64, f64)>>, Fault> {
        let mut scope = Scope { start: 0, end: 300, ..Scope::default() };
        scope.metrics.insert("m1".into(), line(&[(0, 2.0), (60, 4.0), (180, 8.0)]));
        scope.metrics.insert("m2".into(), line(&[(0, 1.0), (60, 0.0), (120, 5.0)]));
        for (id, text) in [("e", text), ("twice", "m1 * 2"), ("circle", "circle + 1")] {
            scope.expressions.insert(id.into(), super::super::parse(text)?);
        }
        let lines = evaluate(&scope, "e")?;
        Ok(lines.into_iter().map(|line| line.points.into_iter().collect()).collect())
    }

    #[test]
    fn expressions_are_computed_point_by_point() {
        for (text, want) in [
            ("m1 + m2", &[&[(0, 3.0), (60, 4.0)][..]][..]),
            ("m1 / m2", &[&[(0, 2.0)]]), // A division by zero is no point.
            ("100 * m1", &[&[(0, 200.0), (60, 400.0), (180, 800.0)]]),
            ("-m1 + 1", &[&[(0, -1.0), (60, -3.0), (180, -7.0)]]),
            ("m1 > 3", &[&[(0, 0.0), (60, 1.0), (180, 1.0)]]),
            ("twice / 2", &[&[(0, 2.0), (60, 4.0), (180, 8.0)]]),
            ("SUM([m1, m2])", &[&[(0, 3.0), (60, 4.0), (120, 5.0), (180, 8.0)]]),
            ("AVG(METRICS())", &[&[(0, 1.5), (60, 2.0), (120, 5.0), (180, 8.0)]]),
            ("MAX(METRICS('2'))", &[&[(0, 1.0), (60, 0.0), (120, 5.0)]]),
            ("m1 * MIN(m1)", &[&[(0, 4.0), (60, 8.0), (180, 16.0)]]),
            ("IF(m2 > 0, m1, -1)", &[&[(0, 2.0), (60, -1.0)]]),
            ("IF(m1 > 3, m1)", &[&[(60, 4.0), (180, 8.0)]]),
            ("RATE(m1)", &[&[(60, 2.0 / 60.0), (180, 4.0 / 120.0)]]),
            ("RUNNING_SUM(m2)", &[&[(0, 1.0), (60, 1.0), (120, 6.0)]]),
            ("FILL(m2, 0)", &[&[(0, 1.0), (60, 0.0), (120, 5.0), (180, 0.0), (240, 0.0)]]),
            ("FILL(m1, REPEAT)", &[&[(0, 2.0), (60, 4.0), (120, 4.0), (180, 8.0), (240, 8.0)]]),
            ("FILL(m1, LINEAR)", &[&[(0, 2.0), (60, 4.0), (120, 6.0), (180, 8.0)]]),
            (
                "[m2, m2] * 0",
                &[&[(0, 0.0), (60, 0.0), (120, 0.0)], &[(0, 0.0), (60, 0.0), (120, 0.0)]],
            ),
        ] {
            let got = evaluated(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn faults_say_what_is_wrong() {
        for (text, want) in [
            ("m3", "no query with the id m3"),
            ("circle", "circle refers to itself"),
            ("SUM(m1)", "must end in a time series"),
            ("SEARCH('x', 'Sum')", "SEARCH is not supported"),
            ("FILL(m1)", "FILL wants"),
            ("m1 + 'x'", "a text is no operand"),
            ("[m1, 1]", "time series only"),
        ] {
            let fault = evaluated(text).expect_err(text);
            assert!(fault.0.contains(want), "{text}: {fault}");
        }
    }
}
