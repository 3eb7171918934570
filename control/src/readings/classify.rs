//! From points to a reading. Pure: `now` and everything heard so far go in, one of five values
//! comes out.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;

use super::{Absence, Signal};
use crate::aws::{Completeness, Series};

/// Everything heard of one signal that is still of use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// By the start of the period, scaled.
    points: BTreeMap<DateTime<Utc>, f64>,
    heard: Heard,
}

/// How the newest question about a signal was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Heard {
    /// Not asked yet, or no answer came.
    #[default]
    Nothing,
    Part,
    All,
}

impl History {
    /// Takes in an answer and forgets what is older than `keep_from`.
    pub fn hear(&mut self, series: &Series, scale: f64, keep_from: DateTime<Utc>) {
        self.heard = match series.completeness {
            Completeness::Complete => Heard::All,
            Completeness::Partial => Heard::Part,
            Completeness::Failed => Heard::Nothing,
        };
        let finite = series.points.iter().filter(|(_, value)| value.is_finite());
        self.points.extend(finite.map(|(at, value)| (*at, value * scale)));
        while self.points.first_key_value().is_some_and(|(at, _)| *at < keep_from) {
            self.points.pop_first();
        }
    }

    /// Notes that the question was not answered.
    pub fn hear_nothing(&mut self) {
        self.heard = Heard::Nothing;
    }

    /// The point of the period that starts at `at`.
    #[must_use]
    pub fn at(&self, at: DateTime<Utc>) -> Option<f64> {
        self.points.get(&at).copied()
    }

    /// The points from the one at `from` back, newest first.
    pub fn newest_first(&self, from: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, f64)> {
        self.points.range(..=from).rev().map(|(at, value)| (*at, *value))
    }

    /// The newest point whose period is closed at `now`: its start and its value.
    #[must_use]
    pub fn newest_closed(
        &self,
        now: DateTime<Utc>,
        period: TimeDelta,
    ) -> Option<(DateTime<Utc>, f64)> {
        let (at, value) = self.points.range(..=now - period).next_back()?;
        Some((*at, *value))
    }
}

/// The start of the period that contains `at`. Periods are counted from the epoch, as CloudWatch
/// counts them.
#[must_use]
pub fn period_start(at: DateTime<Utc>, period: TimeDelta) -> DateTime<Utc> {
    let since = at - DateTime::<Utc>::UNIX_EPOCH;
    let rest = since.num_milliseconds().rem_euclid(period.num_milliseconds().max(1));
    at - TimeDelta::milliseconds(rest) - TimeDelta::nanoseconds(sub_milli(at))
}

fn sub_milli(at: DateTime<Utc>) -> i64 {
    i64::from(at.timestamp_subsec_nanos() % 1_000_000)
}

/// The value of one closed period under the signal's absence rule; `None` is not known.
#[must_use]
pub fn value_at(
    signal: &Signal,
    history: &History,
    guard: Option<&History>,
    at: DateTime<Utc>,
) -> Option<f64> {
    history.at(at).or_else(|| {
        let zero = matches!(signal.absent, Absence::ZeroIf(_))
            && history.heard == Heard::All
            && guard.is_some_and(|guard| guard.at(at).is_some());
        zero.then_some(0.0)
    })
}

/// What may be believed of the signal at `now`. `guard` is the history of the signal that the
/// absence rule names; its periods are as long.
#[must_use]
pub fn classify(
    now: DateTime<Utc>,
    signal: &Signal,
    history: &History,
    guard: Option<&History>,
) -> Reading {
    let period = signal.period;
    let own = history.newest_closed(now, period);
    let guarded = guard
        .and_then(|guard| guard.newest_closed(now, period))
        .and_then(|(at, _)| Some((at, value_at(signal, history, guard, at)?)));
    // A zero that another signal proves counts when it is newer than the newest point.
    let newest = own.max_by_start(guarded);
    let Some((start, value)) = newest else {
        return match history.heard {
            Heard::Nothing => Reading::Error,
            Heard::Part | Heard::All => Reading::Absent,
        };
    };
    let at = start + period;
    let young = now - at <= signal.max_age;
    match (history.heard, young) {
        // One unanswered question does not age what is known; it only stops it from renewing.
        (Heard::All | Heard::Nothing, true) => Reading::Fresh { value, at },
        (Heard::Part, true) => Reading::Partial { value, at },
        (Heard::Nothing, false) => Reading::Error,
        (Heard::All | Heard::Part, false) => Reading::Stale { value, at },
    }
}

trait Newest {
    fn max_by_start(self, other: Self) -> Self;
}

impl Newest for Option<(DateTime<Utc>, f64)> {
    fn max_by_start(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) if b.0 > a.0 => Some(b),
            (Some(a), _) => Some(a),
            (None, b) => b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(absent: Absence) -> Signal {
        Signal {
            name: "errors".to_owned(),
            namespace: "Wallet".to_owned(),
            metric: "Errors".to_owned(),
            dimensions: vec![],
            statistic: "Sum".to_owned(),
            period: TimeDelta::seconds(10),
            max_age: TimeDelta::seconds(45),
            absent,
            scale: 1.0,
        }
    }

    fn second(n: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(n)
    }

    fn heard(completeness: Completeness, points: &[(i64, f64)]) -> History {
        let mut history = History::default();
        let points = points.iter().map(|(at, value)| (second(*at), *value)).collect();
        let series = Series { id: "m0".to_owned(), completeness, points };
        history.hear(&series, 1.0, second(-900));
        history
    }

    #[test]
    fn a_reading_says_how_far_it_can_be_trusted() {
        use Completeness::{Complete, Failed, Partial};
        let fresh = |value, at| Reading::Fresh { value, at: second(at) };
        let stale = |value, at| Reading::Stale { value, at: second(at) };
        let partial = |value, at| Reading::Partial { value, at: second(at) };
        let unknown = || Absence::Unknown;
        let zero_if = || Absence::ZeroIf("requests".to_owned());
        type Points = &'static [(i64, f64)];
        type Row = (&'static str, Absence, Completeness, Points, Points, Reading);
        let none: Points = &[];
        #[rustfmt::skip]
        let table: [Row; 15] = [
            // why                         rule       answer    own points           guard's       at 100 s
            ("newest closed period",       unknown(), Complete, &[(80, 1.), (90, 2.)], none,        fresh(2., 100)),
            ("the open period grows still", unknown(), Complete, &[(80, 1.), (95, 9.)], none,       fresh(1., 90)),
            ("a point of the future",      unknown(), Complete, &[(80, 1.), (400, 9.)], none,       fresh(1., 90)),
            ("exactly at the age limit",   unknown(), Complete, &[(45, 5.)],           none,        fresh(5., 55)),
            ("beyond the age limit",       unknown(), Complete, &[(44, 5.)],           none,        stale(5., 54)),
            ("twelve minutes old",         unknown(), Complete, &[(-620, 5.)],         none,        stale(5., -610)),
            ("answered in part",           unknown(), Partial,  &[(90, 2.)],           none,        partial(2., 100)),
            ("in part, and old",           unknown(), Partial,  &[(30, 2.)],           none,        stale(2., 40)),
            ("answered with nothing",      unknown(), Complete, none,                  none,        Reading::Absent),
            ("not answered, known young",  unknown(), Failed,   &[(90, 2.)],           none,        fresh(2., 100)),
            ("not answered, known old",    unknown(), Failed,   &[(30, 2.)],           none,        Reading::Error),
            ("not answered, never known",  unknown(), Failed,   none,                  none,        Reading::Error),
            ("zero is proven",             zero_if(), Complete, &[(70, 4.)],           &[(90, 8.)], fresh(0., 100)),
            ("zero is not proven",         zero_if(), Complete, none,                  none,        Reading::Absent),
            ("a part proves no zero",      zero_if(), Partial,  none,                  &[(90, 8.)], Reading::Absent),
        ];
        for (why, rule, answer, own, guard, want) in table {
            let guard = heard(Complete, guard);
            let got = classify(second(100), &signal(rule), &heard(answer, own), Some(&guard));
            assert_eq!(got, want, "{why}");
        }
    }

    #[test]
    fn a_missing_period_under_the_rule_unknown_is_never_zero() {
        let history = heard(Completeness::Complete, &[(80, 1.0)]);
        let guard = heard(Completeness::Complete, &[(80, 7.0), (90, 7.0)]);
        let value = value_at(&signal(Absence::Unknown), &history, Some(&guard), second(90));
        assert_eq!(value, None);
    }

    #[test]
    fn values_that_are_no_numbers_are_not_heard() {
        let history = heard(Completeness::Complete, &[(80, f64::NAN), (90, f64::INFINITY)]);
        assert_eq!(
            classify(second(100), &signal(Absence::Unknown), &history, None),
            Reading::Absent
        );
    }

    #[test]
    fn what_is_too_old_to_be_of_use_is_forgotten() {
        let mut history = heard(Completeness::Complete, &[(-800, 1.0), (90, 2.0)]);
        let series = Series {
            id: "m0".to_owned(),
            completeness: Completeness::Complete,
            points: vec![(second(100), 3.0)],
        };
        history.hear(&series, 1.0, second(0));
        assert_eq!((history.at(second(-800)), history.at(second(90))), (None, Some(2.0)));
    }

    #[test]
    fn periods_are_counted_from_the_epoch() {
        let at = second(123) + TimeDelta::milliseconds(456) + TimeDelta::nanoseconds(7);
        assert_eq!(period_start(at, TimeDelta::seconds(10)), second(120));
        assert_eq!(period_start(second(120), TimeDelta::seconds(60)), second(120));
    }
}
