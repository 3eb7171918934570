//! An invented load: days with nights, weekends, surges and noise.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{DAY_S, times_a_day};
use crate::simulate::trace::{Offered, SLICE_S, Trace};

/// How the load moves. Rates are in requests per second.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The rate of a working day's busy hours.
    pub sustained: f64,
    /// What the highest surge reaches.
    pub peak: f64,
    /// The rate at 04:00 as a share of the sustained one.
    pub night: f64,
    /// What a weekend has of a working day, as a share.
    pub weekend: f64,
    /// How far a minute may be off, as a share.
    pub noise: f64,
    pub surges: Surges,
}

/// Campaigns, pay days, incidents elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surges {
    pub per_day: f64,
    /// From the usual rate to the surge's, in seconds: shortest and longest.
    pub rise_s: (i64, i64),
    pub for_s: (i64, i64),
}

/// Surges come between these hours.
const SURGE_HOURS: std::ops::Range<i64> = 8 * 3600..22 * 3600;
/// The quietest hour of a day, in hours after midnight.
const NIGHT_HOUR: f64 = 4.0;

#[derive(Clone, Copy, Debug)]
struct Surge {
    from: i64,
    rise_s: i64,
    for_s: i64,
    /// What it reaches.
    rate: f64,
}

impl Surge {
    /// The rate at least, at this second: up, along, and down as slowly as it rose.
    fn at_least(&self, usual: f64, second: i64) -> f64 {
        let since = second - self.from;
        let left = self.from + self.rise_s + self.for_s + self.rise_s - second;
        if since <= 0 || left <= 0 || self.rate <= usual {
            return usual;
        }
        let share = small(since.min(left)) / small(self.rise_s.max(1));
        usual + (self.rate - usual) * share.min(1.0)
    }
}

/// Exact: no trace is longer than 68 years.
fn small(seconds: i64) -> f64 {
    f64::from(i32::try_from(seconds).unwrap_or(i32::MAX))
}

impl Shape {
    /// Slice after slice of so many days.
    pub(super) fn trace(&self, start: DateTime<Utc>, days: u32, chance: &mut ChaCha8Rng) -> Trace {
        let surges = self.surges(days, chance);
        let seconds = i64::from(days) * DAY_S;
        let mut slices = Vec::new();
        let (mut wobble, mut second) = (0.0, 0);
        while second < seconds {
            if second % 60 == 0 {
                wobble = chance.random_range(-self.noise..=self.noise);
            }
            let usual = self.usual(start + TimeDelta::seconds(second));
            let near = surges.iter().filter(|one| (one.from - second).abs() < DAY_S);
            let rate = near.fold(usual, |rate, surge| rate.max(surge.at_least(usual, second)));
            slices.push(Offered { rate: rate * (1.0 + wobble), known: true });
            second += SLICE_S;
        }
        Trace { start, slices }
    }

    fn surges(&self, days: u32, chance: &mut ChaCha8Rng) -> Vec<Surge> {
        let mut surges = Vec::new();
        for day in 0..i64::from(days) {
            for at in times_a_day(self.surges.per_day, SURGE_HOURS, chance) {
                let (rise, lasting) = (self.surges.rise_s, self.surges.for_s);
                let height = chance.random_range(0.4..=1.0);
                surges.push(Surge {
                    from: day * DAY_S + at,
                    rise_s: chance.random_range(rise.0..=rise.1),
                    for_s: chance.random_range(lasting.0..=lasting.1),
                    rate: self.sustained + (self.peak - self.sustained) * height,
                });
            }
        }
        surges
    }

    /// Without surges: lowest at four in the morning, flat through the busy hours.
    fn usual(&self, at: DateTime<Utc>) -> f64 {
        let hour = f64::from(at.num_seconds_from_midnight()) / 3600.0;
        let angle = (hour - NIGHT_HOUR) / 24.0 * std::f64::consts::TAU;
        let day = ((1.0 - angle.cos()) * 0.8).min(1.0);
        let share = self.night + (1.0 - self.night) * day;
        let weekend = matches!(at.weekday(), Weekday::Sat | Weekday::Sun);
        self.sustained * share * if weekend { self.weekend } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn shape() -> Shape {
        let surges = Surges { per_day: 1.0, rise_s: (60, 60), for_s: (600, 600) };
        let (sustained, peak) = (1000.0, 3000.0);
        Shape { sustained, peak, night: 0.2, weekend: 0.5, noise: 0.05, surges }
    }

    #[test]
    fn a_week_has_nights_a_weekend_and_surges_within_their_bounds() {
        let monday = DateTime::parse_from_rfc3339("2026-03-02T00:00:00Z").unwrap().to_utc();
        let rate = |hours: i64| shape().usual(monday + TimeDelta::hours(hours));
        assert!((rate(4) - 200.0).abs() < 1e-6);
        assert!((rate(14) - 1000.0).abs() < 1e-6);
        assert!((rate(5 * 24 + 14) - 500.0).abs() < 1e-6, "half on Saturday");
        let trace = shape().trace(monday, 7, &mut ChaCha8Rng::seed_from_u64(7));
        assert_eq!(trace.slices.len(), 7 * 8640);
        let most = trace.slices.iter().map(|slice| slice.rate).fold(0.0, f64::max);
        assert!((1400.0..=3150.0).contains(&most), "{most}");
    }

    #[test]
    fn a_seed_is_a_load() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let of = |seed| shape().trace(start, 2, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }
}
