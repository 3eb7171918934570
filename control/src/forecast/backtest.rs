//! How good a forecast would have been on each of the last seven days, made the evening before.
//! Pure.
//!
//! Each day is foretold from what was known before it, so no forecast is judged by what it was
//! made from. The margin that is planned on top is the error that the other days would have had
//! to allow for, and the coverage is counted on the day itself: a promise tested, not fitted.

/// Days that are foretold.
pub(super) const DAYS: usize = 7;
/// Hours of each.
const DAY: usize = 24;
/// An hour with less than this share of the busiest one is no place to measure percent.
const LOAD_MIN: f64 = 0.02;

/// Hours foretold and what they became: one list for each day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Backtest {
    days: Vec<Vec<Pair>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    expected: f64,
    actual: f64,
}

/// Foretells the last seven days of `history`, each by `forecast` from what came before it.
/// `None` when a day cannot be foretold, or too little of what happened is known.
pub(super) fn backtest(
    history: &[Option<f64>],
    forecast: impl Fn(&[Option<f64>]) -> Option<Vec<Option<f64>>>,
) -> Option<Backtest> {
    let first = history.len().checked_sub(DAYS * DAY)?;
    let most = history.iter().flatten().copied().reduce(f64::max)?;
    let mut days = Vec::with_capacity(DAYS);
    for origin in (first..history.len()).step_by(DAY) {
        let expected = forecast(&history[..origin])?;
        let actual = &history[origin..origin + DAY];
        let pairs = expected.iter().zip(actual).filter_map(|(expected, actual)| {
            Some(Pair { expected: (*expected)?, actual: (*actual)? })
        });
        days.push(pairs.filter(|pair| pair.actual >= most * LOAD_MIN).collect::<Vec<_>>());
    }
    let pairs: usize = days.iter().map(Vec::len).sum();
    // Half of the hours: fewer would be a verdict on the holes.
    (pairs >= DAYS * DAY / 2).then_some(Backtest { days })
}

impl Backtest {
    /// The mean absolute error in percent.
    pub(super) fn error_percent(&self) -> f64 {
        let errors = self.pairs().map(|pair| (pair.expected - pair.actual).abs() / pair.actual);
        let (sum, count) =
            errors.fold((0.0, 0.0), |(sum, count), error| (sum + error, count + 1.0));
        sum / count * 100.0
    }

    /// What must be planned on top of the forecast, as a share of it, to hold in so many cases.
    pub(super) fn margin(&self, coverage: f64) -> f64 {
        margin(self.pairs(), coverage)
    }

    /// In how many percent of the hours the load stayed within forecast and margin, each day
    /// with the margin of the others.
    pub(super) fn coverage_percent(&self, coverage: f64) -> f64 {
        let (mut held, mut count) = (0.0, 0.0);
        for (today, pairs) in self.days.iter().enumerate() {
            let others = self.days.iter().enumerate().filter(|(day, _)| *day != today);
            let margin = margin(others.flat_map(|(_, pairs)| pairs), coverage);
            for pair in pairs {
                count += 1.0;
                if pair.actual <= pair.expected * (1.0 + margin) {
                    held += 1.0;
                }
            }
        }
        held / count * 100.0
    }

    fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.days.iter().flatten()
    }
}

/// The quantile of how far the load was above the forecast; never less than nothing.
fn margin<'p>(pairs: impl Iterator<Item = &'p Pair>, coverage: f64) -> f64 {
    let above =
        pairs.filter(|pair| pair.expected > 0.0).map(|pair| pair.actual / pair.expected - 1.0);
    let mut above: Vec<f64> = above.collect();
    above.sort_by(f64::total_cmp);
    let rank = (above.len() as f64 * coverage).ceil();
    let index = index(rank, above.len());
    above.get(index).copied().unwrap_or(0.0).max(0.0)
}

/// From a rank that begins at one to a place within `len`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is between one and the length of a short list"
)]
fn index(rank: f64, len: usize) -> usize {
    (rank.max(1.0) as usize - 1).min(len.saturating_sub(1))
}
