//! Text to tree, by precedence climbing.

use super::Fault;

/// AWS's limit for an expression in an alarm and in GetMetricData.
const CHARS_MAX: usize = 2048;
const DEPTH_MAX: usize = 40;

/// An expression as written.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Expression {
    Number(f64),
    Text(String),
    /// The id of another query.
    Name(String),
    List(Vec<Expression>),
    Call(String, Vec<Expression>),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
}

/// What stands between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Operator {
    Or,
    And,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

/// Longer spellings first, so that `<=` is not read as `<`. The number is the binding strength.
const OPERATORS: &[(&str, Operator, u8)] = &[
    ("||", Operator::Or, 1),
    ("OR ", Operator::Or, 1),
    ("&&", Operator::And, 2),
    ("AND ", Operator::And, 2),
    ("<=", Operator::LessOrEqual, 3),
    (">=", Operator::GreaterOrEqual, 3),
    ("==", Operator::Equal, 3),
    ("!=", Operator::Unequal, 3),
    ("<", Operator::Less, 3),
    (">", Operator::Greater, 3),
    ("+", Operator::Add, 4),
    ("-", Operator::Subtract, 4),
    ("*", Operator::Multiply, 5),
    ("/", Operator::Divide, 5),
    ("^", Operator::Power, 7),
];
/// Between multiplication and power: `-2 ^ 2` is -4.
const NEGATIVE: u8 = 6;

/// Reads an expression.
///
/// # Errors
/// It is too long, too deep or no expression; the fault says where.
pub(in super::super) fn parse(text: &str) -> Result<Expression, Fault> {
    if text.chars().count() > CHARS_MAX {
        return Err(Fault(format!("it is longer than {CHARS_MAX} characters")));
    }
    let mut reader = Reader { text, at: 0, depth: 0 };
    let expression = reader.operation(0)?;
    reader.space();
    if reader.rest().is_empty() { Ok(expression) } else { Err(reader.unexpected()) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn unexpected(&self) -> Fault {
        match self.rest().chars().next() {
            Some(found) => Fault(format!("unexpected '{found}' at position {}", self.at)),
            None => Fault("it ends too early".to_owned()),
        }
    }

    /// Whether the text goes on with `token`, which is then behind us.
    fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn operation(&mut self, strength_min: u8) -> Result<Expression, Fault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault(format!("it nests deeper than {DEPTH_MAX}")));
        }
        let mut left = self.operand()?;
        loop {
            self.space();
            let rest = self.rest();
            let Some((token, operator, strength)) = OPERATORS
                .iter()
                .find(|(token, _, strength)| rest.starts_with(token) && *strength > strength_min)
            else {
                self.depth -= 1;
                return Ok(left);
            };
            self.at += token.len();
            let right = self.operation(*strength)?;
            left = Expression::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    fn operand(&mut self) -> Result<Expression, Fault> {
        if self.take("-") {
            return Ok(Expression::Negative(Box::new(self.operation(NEGATIVE)?)));
        }
        if self.take("(") {
            let inner = self.operation(0)?;
            return if self.take(")") { Ok(inner) } else { Err(self.unexpected()) };
        }
        if self.take("[") {
            return Ok(Expression::List(self.items("]")?));
        }
        for quote in ["'", "\""] {
            if self.take(quote) {
                let Some((text, _)) = self.rest().split_once(quote) else {
                    return Err(Fault("a text is not closed".to_owned()));
                };
                self.at += text.len() + quote.len();
                return Ok(Expression::Text(text.to_owned()));
            }
        }
        match self.rest().chars().next() {
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            _ => Err(self.unexpected()),
        }
    }

    fn number(&mut self) -> Result<Expression, Fault> {
        let rest = self.rest();
        let digits =
            |text: &str| text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut end = digits(rest);
        if let Some(exponent) = rest[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            let length = digits(&exponent[sign..]);
            if length > 0 {
                end += 1 + sign + length;
            }
        }
        let number = rest[..end].parse().map_err(|_| self.unexpected())?;
        self.at += end;
        Ok(Expression::Number(number))
    }

    fn name(&mut self) -> Result<Expression, Fault> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        let name = rest[..end].to_owned();
        if self.take("(") {
            return Ok(Expression::Call(name.to_ascii_uppercase(), self.items(")")?));
        }
        Ok(Expression::Name(name))
    }

    fn items(&mut self, close: &str) -> Result<Vec<Expression>, Fault> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(self.operation(0)?);
            if self.take(close) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(self.unexpected());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expression: &Expression) -> String {
        match expression {
            Expression::Number(number) => number.to_string(),
            Expression::Text(text) => format!("'{text}'"),
            Expression::Name(name) => name.clone(),
            Expression::List(items) => format!("[{}]", joined(items)),
            Expression::Call(name, items) => format!("{name}({})", joined(items)),
            Expression::Negative(inner) => format!("-{}", shown(inner)),
            Expression::Binary(op, left, right) => {
                format!("({} {op:?} {})", shown(left), shown(right))
            }
        }
    }

    fn joined(items: &[Expression]) -> String {
        items.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        for (text, want) in [
            ("m1/m2*100", "((m1 Divide m2) Multiply 100)"),
            ("1 - 2 - 3", "((1 Subtract 2) Subtract 3)"),
            ("a + b * c ^ 2", "(a Add (b Multiply (c Power 2)))"),
            ("-a ^ 2", "-(a Power 2)"),
            ("a > 1 && b <= 2 || c", "(((a Greater 1) And (b LessOrEqual 2)) Or c)"),
            ("a AND b OR c", "((a And b) Or c)"),
            ("sum(METRICS('err'))", "SUM(METRICS('err'))"),
            ("IF(m1>1.5e2, [a, b], ())", "unexpected"),
            ("avg([a,b])", "AVG([a, b])"),
            ("RATE( m1 )", "RATE(m1)"),
        ] {
            match parse(text) {
                Ok(expression) => assert_eq!(shown(&expression), want, "{text}"),
                Err(fault) => assert!(fault.0.contains(want), "{text}: {fault}"),
            }
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = "(".repeat(5000);
        let minus = "-".repeat(2000);
        for text in
            ["", "1 +", "m1 m2", "f(", "[1", "'a", "1..2", "a,b", "ü", "(1", &deep, &minus, "a &b"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
