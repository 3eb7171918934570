//! How long clients went without, by our own probe's outcomes. Pure.
//!
//! `t0` is the last success before the first of three failures in a row, `t1` the first of five
//! successes in a row after it. The outage began between `t0` and the probe after it, and ended
//! between `t1` and the probe before it: with a probe every `p`, the recovery time lies in
//! `[t1 - t0 - 2p, t1 - t0]`. Single failures are no outage, and events of the database are
//! evidence, never the measure.

use super::Outcome;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// Failures in a row that make an outage.
pub const CONSECUTIVE_BAD: usize = 3;
/// Successes in a row that end it.
pub const CONSECUTIVE_GOOD: usize = 5;

/// What the probe says about an outage after an injection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Clients were without it from `t0` to `t1`.
    Recovered {
        t0: DateTime<Utc>,
        t1: DateTime<Utc>,
        /// `t1 - t0`: the recovery time is at most this.
        rto: Duration,
        /// The recovery time is at least `rto` less this.
        resolution: Duration,
    },
    /// Nothing that lasted three probes: the recovery time is below `resolution`.
    NoOutage { resolution: Duration },
    /// It has not recovered yet, or has not been quiet for long enough to tell.
    NotYet,
    /// There was no success before the failure, so nothing can be said.
    Unknown,
}

/// Measures the outage that began after `injected_at`. `settle` is how long probes must have been
/// good after the injection before "no outage" may be said.
#[must_use]
pub fn recovery(outcomes: &[Outcome], injected_at: DateTime<Utc>, settle: Duration) -> Recovery {
    // The failure may be of a probe that was sent just before the injection and met it in flight.
    let first = outcomes.partition_point(|one| one.at + in_flight(one) < injected_at);
    let Some(bad) = find_row(&outcomes[first..], CONSECUTIVE_BAD, false).map(|at| first + at)
    else {
        let quiet = |one: &Outcome| one.ok && one.at > injected_at + delta(settle);
        let quiet = outcomes.last().is_some_and(quiet)
            && find_row(&outcomes[first..], CONSECUTIVE_GOOD, true).is_some();
        // Two failures in a row may hide in three gaps, and anything where nobody looked.
        let gap = widest_gap(&outcomes[first.saturating_sub(1)..]);
        let blind = match outcomes.first() {
            Some(earliest) => (earliest.at - injected_at).to_std().unwrap_or_default(),
            None => Duration::ZERO,
        };
        let resolution = gap * 2 + gap.max(blind);
        return if quiet { Recovery::NoOutage { resolution } } else { Recovery::NotYet };
    };
    let Some(last_good) = outcomes[..bad].iter().rposition(|one| one.ok) else {
        return Recovery::Unknown;
    };
    let Some(good) = find_row(&outcomes[bad..], CONSECUTIVE_GOOD, true).map(|at| bad + at) else {
        return Recovery::NotYet;
    };
    let (t0, t1) = (outcomes[last_good].at, outcomes[good].at);
    let rto = (t1 - t0).to_std().unwrap_or_default();
    let resolution =
        widest_gap(&outcomes[last_good..=last_good + 1]) + widest_gap(&outcomes[good - 1..=good]);
    Recovery::Recovered { t0, t1, rto, resolution }
}

/// For how long the newest probes have all failed; zero when the newest one succeeded.
#[must_use]
pub fn failing_for(outcomes: &[Outcome], now: DateTime<Utc>) -> Duration {
    let failing = outcomes.iter().rev().take_while(|one| !one.ok).last();
    failing.map_or(Duration::ZERO, |first| (now - first.at).to_std().unwrap_or_default())
}

/// The start of the first row of `length` outcomes that are all `ok`, or all not.
fn find_row(outcomes: &[Outcome], length: usize, ok: bool) -> Option<usize> {
    outcomes.windows(length).position(|row| row.iter().all(|one| one.ok == ok))
}

/// The longest time between two probes that follow each other.
fn widest_gap(outcomes: &[Outcome]) -> Duration {
    let gaps = outcomes.windows(2).map(|pair| (pair[1].at - pair[0].at).to_std());
    gaps.map(Result::unwrap_or_default).max().unwrap_or_default()
}

fn in_flight(outcome: &Outcome) -> TimeDelta {
    delta(outcome.latency)
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(ms)
    }

    /// One outcome every 250 ms: `+` succeeded, `-` failed, a space is a probe that was not made.
    fn outcomes(picture: &str) -> Vec<Outcome> {
        let made = picture.chars().zip(0i64..).filter(|(mark, _)| *mark != ' ');
        made.map(|(mark, index)| Outcome {
            at: at(index * 250),
            ok: mark == '+',
            latency: Duration::from_millis(5),
            detail: String::new(),
        })
        .collect()
    }

    #[test]
    fn recovery_is_measured_from_the_last_success_to_the_first_of_five() {
        let recovered = |t0, t1, resolution| {
            Some((at(t0), at(t1), u64::try_from(t1 - t0).unwrap(), resolution))
        };
        #[rustfmt::skip]
        let table = [
            // picture, injected at (ms)   t0    t1   resolution
            ("++++----+++++",      900, recovered(750, 2000, 500)),
            // Before the injection nothing counts.
            ("+---+++++----+++++", 2100, recovered(2000, 3250, 500)),
            // Fewer than three failures are no outage of their own.
            ("++++-+---+++++",     900, recovered(1250, 2250, 500)),
            // Four good ones in between do not end it.
            ("++++---++++-+++++",  900, recovered(750, 3000, 500)),
            // A probe that hung right before the recovery widens the doubt.
            ("++++-  -- +++++",    900, recovered(750, 2500, 750)),
        ];
        for (picture, injected, want) in table {
            let got = match recovery(&outcomes(picture), at(injected), Duration::from_secs(1)) {
                Recovery::Recovered { t0, t1, rto, resolution } => {
                    let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap();
                    Some((t0, t1, ms(rto), ms(resolution)))
                }
                other => panic!("{picture}: {other:?}"),
            };
            assert_eq!(got, want, "{picture}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        let second = Duration::from_secs(1);
        let resolution = Duration::from_millis(750);
        #[rustfmt::skip]
        let table = [
            ("",                 0,   Recovery::NotYet),
            ("++++",             900, Recovery::NotYet),
            ("++++++++",         900, Recovery::NotYet),
            ("++++++++++",       900, Recovery::NoOutage { resolution }),
            ("++++-+++++++",     900, Recovery::NoOutage { resolution }),
            ("++++--",           900, Recovery::NotYet),
            ("++++----",         900, Recovery::NotYet),
            ("++++----++++",     900, Recovery::NotYet),
            ("-----+++++",       0,   Recovery::Unknown),
            // Nobody looked for the first 1,500 ms after the injection.
            ("      ++++++++",   0,   Recovery::NoOutage { resolution: second * 2 }),
        ];
        for (picture, injected, want) in table {
            assert_eq!(recovery(&outcomes(picture), at(injected), second), want, "{picture:?}");
        }
    }

    #[test]
    fn failing_lasts_since_the_first_failure_of_the_newest_row() {
        #[rustfmt::skip]
        let table = [("", 0), ("++", 0), ("+-", 250), ("-+--", 500), ("----", 1000)];
        for (picture, ms) in table {
            let now = at(i64::try_from(picture.len()).unwrap() * 250);
            assert_eq!(
                failing_for(&outcomes(picture), now),
                Duration::from_millis(ms),
                "{picture:?}"
            );
        }
    }
}
