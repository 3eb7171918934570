//! When an alarm changes its state: pure.
//!
//! As AWS does it, the range that is read is longer than the evaluation periods, and while it
//! holds enough points the newest of these count, so that late data do not flap an alarm. Only
//! when too few are there does the treatment of missing data matter.

/// What an alarm may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum State {
    Ok,
    Alarm,
    Insufficient,
}

/// The states by their names on the wire.
pub(in super::super) const STATES: [(&str, State); 3] =
    [("OK", State::Ok), ("ALARM", State::Alarm), ("INSUFFICIENT_DATA", State::Insufficient)];

impl State {
    pub(in super::super) fn name(self) -> &'static str {
        STATES.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }
}

/// How a value is held against the threshold.
pub(super) type Comparison = fn(f64, f64) -> bool;

/// The comparisons by their names on the wire, and in words.
pub(super) const COMPARISONS: [(&str, &str, Comparison); 4] = [
    ("GreaterThanThreshold", "greater than", |v, t| v > t),
    ("GreaterThanOrEqualToThreshold", "greater than or equal to", |v, t| v >= t),
    ("LessThanThreshold", "less than", |v, t| v < t),
    ("LessThanOrEqualToThreshold", "less than or equal to", |v, t| v <= t),
];

/// What a missing point counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Unknown,
    Ignore,
    Breaching,
    NotBreaching,
}

/// The treatments by their names on the wire.
pub(super) const TREATMENTS: [(&str, Missing); 4] = [
    ("missing", Missing::Unknown),
    ("ignore", Missing::Ignore),
    ("breaching", Missing::Breaching),
    ("notBreaching", Missing::NotBreaching),
];

/// When the alarm is on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) threshold: f64,
    /// Index into [`COMPARISONS`].
    pub(super) comparison: usize,
    pub(super) evaluation_periods: usize,
    pub(super) datapoints_to_alarm: usize,
    pub(super) missing: Missing,
}

/// The state that follows from the points of the range, newest last, and why.
pub(super) fn decide(rule: &Rule, points: &[f64], current: State) -> (State, String) {
    let newest = &points[points.len().saturating_sub(rule.evaluation_periods)..];
    let absent = rule.evaluation_periods - newest.len();
    let (_, words, breaches) = COMPARISONS[rule.comparison];
    let breaching = newest.iter().filter(|value| breaches(**value, rule.threshold)).count();
    let assumed = if rule.missing == Missing::Breaching { absent } else { 0 };
    if newest.is_empty() {
        return match rule.missing {
            Missing::Unknown => (
                State::Insufficient,
                format!("Insufficient Data: {absent} datapoints were unknown."),
            ),
            Missing::Ignore => (current, "No datapoints were received.".to_owned()),
            Missing::Breaching => (
                State::Alarm,
                format!(
                    "Threshold Crossed: no datapoints were received for {absent} \
                    periods and missing datapoints were treated as [Breaching]."
                ),
            ),
            Missing::NotBreaching => (
                State::Ok,
                format!(
                    "Threshold Crossed: no datapoints were received for {absent} \
                    periods and missing datapoints were treated as [NonBreaching]."
                ),
            ),
        };
    }
    let state =
        if breaching + assumed >= rule.datapoints_to_alarm { State::Alarm } else { State::Ok };
    let shown: Vec<String> = newest.iter().map(ToString::to_string).collect();
    let not = if state == State::Alarm { "" } else { "not " };
    let reason = format!(
        "Threshold Crossed: {} out of the last {} datapoints [{}] were {not}{words} the threshold \
         ({}).",
        if state == State::Alarm { breaching } else { newest.len() - breaching },
        rule.evaluation_periods,
        shown.join(", "),
        rule.threshold,
    );
    (state, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Missing::{Breaching, Ignore, NotBreaching, Unknown};
    use State::{Alarm, Insufficient, Ok};

    #[test]
    fn states_follow_from_points_and_treatment() {
        for (points, m, n, missing, want) in [
            (&[90.0][..], 1, 1, Unknown, Alarm),
            (&[80.0], 1, 1, Unknown, Ok), // Equal is not greater.
            (&[10.0], 1, 1, Breaching, Ok),
            (&[90.0, 10.0, 90.0], 2, 3, Unknown, Alarm),
            (&[90.0, 10.0, 10.0], 2, 3, Unknown, Ok),
            (&[90.0, 90.0, 10.0, 10.0], 1, 2, Unknown, Ok), // Only the newest two count.
            (&[90.0], 2, 2, Unknown, Ok),
            (&[90.0], 2, 2, Breaching, Alarm),
            (&[90.0], 2, 2, NotBreaching, Ok),
            (&[], 1, 1, Unknown, Insufficient),
            (&[], 1, 1, Ignore, Alarm), // Stays what it was.
            (&[], 1, 1, Breaching, Alarm),
            (&[], 1, 1, NotBreaching, Ok),
        ] {
            let rule = Rule {
                threshold: 80.0,
                comparison: 0,
                evaluation_periods: n,
                datapoints_to_alarm: m,
                missing,
            };
            let (state, reason) = decide(&rule, points, Alarm);
            assert_eq!(state, want, "{points:?} {m} of {n} {missing:?}: {reason}");
        }
    }
}
