//! What is computed from the values of a period: pure arithmetic.
//!
//! A percentile is interpolated linearly between the closest ranks: with `n` values in order, `p99`
//! stands at rank `0.99 × (n − 1)`, so p99 of 1…100 is 99.01. A value with a count stands for that
//! many values. AWS does not publish its own rule; the difference is below one rank.

use super::super::wire::AwsError;

/// A statistic as a query names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Statistic {
    Average,
    Sum,
    Minimum,
    Maximum,
    SampleCount,
    /// `p99.9`, in percent.
    Percentile(f64),
    /// `tm90` and `TM(10%:90%)`: the mean of the values between two percentages of their number.
    TrimmedMean(f64, f64),
}

impl Statistic {
    /// Reads `Average`, `p99.9`, `tm90` or `TM(10%:90%)`.
    ///
    /// # Errors
    /// It is none of these.
    pub(super) fn parse(name: &str) -> Result<Self, AwsError> {
        Self::read(name).ok_or_else(|| {
            AwsError::refused(
                "InvalidParameterValue",
                format!("The value {name} for parameter Stat is invalid."),
            )
        })
    }

    fn read(name: &str) -> Option<Self> {
        let percent = |text: &str| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let share = text.parse::<f64>().ok().filter(|p| plain && (0.0..=100.0).contains(p));
            share.map(|percent| percent / 100.0)
        };
        Some(match name {
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "SampleCount" => Self::SampleCount,
            _ => {
                if let Some(p) = name.strip_prefix('p') {
                    Self::Percentile(percent(p)?)
                } else if let Some(high) = name.strip_prefix("tm") {
                    Self::TrimmedMean(0.0, percent(high)?)
                } else {
                    let (low, high) =
                        name.strip_prefix("TM(")?.strip_suffix(')')?.split_once(':')?;
                    let bound = |text: &str, open: f64| match text.strip_suffix('%') {
                        Some(text) => percent(text),
                        None => text.is_empty().then_some(open),
                    };
                    let (low, high) = (bound(low, 0.0)?, bound(high, 1.0)?);
                    if low >= high {
                        return None;
                    }
                    Self::TrimmedMean(low, high)
                }
            }
        })
    }
}

/// The values of one datum or of one period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distribution {
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
    /// Value and count, unordered; `None` when only a summary was published.
    values: Option<Vec<(f64, f64)>>,
}

impl Distribution {
    /// Of values with their counts; `None` when nothing was counted.
    pub(super) fn of_values(values: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let values: Vec<_> = values.into_iter().filter(|(_, count)| *count > 0.0).collect();
        let mut whole =
            Self { count: 0.0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, values: None };
        for (value, count) in &values {
            whole.count += count;
            whole.sum += value * count;
            whole.min = whole.min.min(*value);
            whole.max = whole.max.max(*value);
        }
        whole.values = Some(values);
        (whole.count > 0.0).then_some(whole)
    }

    /// Of a published summary, whose inside is only known if all its values are equal.
    pub(super) fn of_summary(count: f64, sum: f64, min: f64, max: f64) -> Option<Self> {
        let equal = count <= 1.0 || min >= max;
        let values = equal.then(|| vec![(min, count)]);
        (count > 0.0).then_some(Self { count, sum, min, max, values })
    }

    /// Adds another's values to these.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match (&mut self.values, &other.values) {
            (Some(values), Some(more)) => values.extend_from_slice(more),
            (values, _) => *values = None,
        }
    }

    /// Joins equal values, then neighbours until at most `distinct_max` are left. Count, sum and
    /// extremes stay exact; a percentile moves by at most half the distance of two neighbours.
    pub(super) fn compact(&mut self, distinct_max: usize) {
        let Some(values) = &mut self.values else { return };
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        values.dedup_by(|next, kept| {
            let same = next.0.total_cmp(&kept.0).is_eq();
            if same {
                kept.1 += next.1;
            }
            same
        });
        while values.len() > distinct_max {
            *values = values.chunks(2).map(joined).collect();
        }
        values.shrink_to_fit();
    }

    /// The statistic; `None` if it needs values and only a summary is known.
    pub(super) fn statistic(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::Average => Some(self.sum / self.count),
            Statistic::Sum => Some(self.sum),
            Statistic::Minimum => Some(self.min),
            Statistic::Maximum => Some(self.max),
            Statistic::SampleCount => Some(self.count),
            Statistic::Percentile(share) => self.sorted().map(|v| percentile(&v, share)),
            Statistic::TrimmedMean(low, high) => {
                self.sorted().and_then(|v| trimmed_mean(&v, low, high))
            }
        }
    }

    fn sorted(&self) -> Option<Vec<(f64, f64)>> {
        let mut values = self.values.clone()?;
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(values)
    }
}

/// One or two neighbours as their weighted mean.
fn joined(pair: &[(f64, f64)]) -> (f64, f64) {
    let count: f64 = pair.iter().map(|(_, count)| count).sum();
    (pair.iter().map(|(value, weight)| value * (weight / count)).sum(), count)
}

/// The value at a share of the ranks of sorted values, interpolated between the closest ranks.
fn percentile(sorted: &[(f64, f64)], share: f64) -> f64 {
    let total: f64 = sorted.iter().map(|(_, count)| count).sum();
    let rank = share * (total - 1.0).max(0.0);
    let (below, above) = (at_rank(sorted, rank.floor()), at_rank(sorted, rank.floor() + 1.0));
    below + (above - below) * rank.fract()
}

/// The value that covers a rank; the last one covers every rank beyond.
fn at_rank(sorted: &[(f64, f64)], rank: f64) -> f64 {
    let mut covered = 0.0;
    for (value, count) in sorted {
        covered += count;
        if covered > rank {
            return *value;
        }
    }
    sorted.last().map_or(f64::NAN, |(value, _)| *value)
}

/// The mean of what lies between two shares of the number of sorted values.
fn trimmed_mean(sorted: &[(f64, f64)], low: f64, high: f64) -> Option<f64> {
    let total: f64 = sorted.iter().map(|(_, count)| count).sum();
    let (from, to) = (low * total, high * total);
    let (mut before, mut sum, mut kept) = (0.0_f64, 0.0, 0.0);
    for (value, count) in sorted {
        let inside = ((before + count).min(to) - before.max(from)).max(0.0);
        sum += value * inside;
        kept += inside;
        before += count;
    }
    (kept > 0.0).then(|| sum / kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[(f64, f64)], name: &str) -> Option<f64> {
        let statistic = Statistic::parse(name).expect("a statistic");
        Distribution::of_values(values.iter().copied())?.statistic(statistic)
    }

    #[test]
    fn statistics_of_one_to_a_hundred() {
        let values: Vec<_> = (1..=100).map(|n| (f64::from(n), 1.0)).collect();
        for (name, want) in [
            ("Average", 50.5),
            ("Sum", 5050.0),
            ("Minimum", 1.0),
            ("Maximum", 100.0),
            ("SampleCount", 100.0),
            ("p0", 1.0),
            ("p50", 50.5),
            ("p99", 99.01),
            ("p99.9", 99.901),
            ("p100", 100.0),
            ("tm90", 45.5),
            ("TM(10%:90%)", 50.5),
            ("TM(90%:)", 95.5),
        ] {
            let got = of(&values, name).expect("a value");
            assert!((got - want).abs() < 1e-9, "{name} is {got}, not {want}");
        }
    }

    #[test]
    fn a_summary_knows_no_percentile_unless_its_values_are_equal() {
        let p50 = Statistic::Percentile(0.5);
        let vague = Distribution::of_summary(3.0, 6.0, 1.0, 3.0).expect("not empty");
        assert_eq!(vague.statistic(p50), None);
        assert_eq!(vague.statistic(Statistic::Average), Some(2.0));
        let equal = Distribution::of_summary(3.0, 6.0, 2.0, 2.0).expect("not empty");
        assert_eq!(equal.statistic(p50), Some(2.0));
        let mut both = equal;
        both.merge(&vague);
        assert_eq!(both.statistic(p50), None);
        assert_eq!(both.statistic(Statistic::SampleCount), Some(6.0));
    }

    #[test]
    fn names_that_are_no_statistic_are_refused() {
        for name in ["", "average", "p", "p101", "p-1", "p+1", "pinf", "tm", "TM(90%:10%)", "p9%"] {
            assert!(Statistic::parse(name).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn percentiles_agree_with_a_sorted_list(
            values in prop::collection::vec((-1e6..1e6_f64, 1_u8..6), 1..60),
            percent in 0_u16..=1000,
        ) {
            let weighted: Vec<_> = values.iter().map(|(v, n)| (*v, f64::from(*n))).collect();
            let mut flat: Vec<f64> =
                values.iter().flat_map(|(v, n)| vec![*v; usize::from(*n)]).collect();
            flat.sort_by(f64::total_cmp);
            let last = u32::try_from(flat.len() - 1).expect("short");
            // In thousandths, so that the reference needs no floating rank.
            let scaled = u32::from(percent) * last;
            let (index, rest) = ((scaled / 1000) as usize, f64::from(scaled % 1000) / 1000.0);
            let above = flat[(index + 1).min(flat.len() - 1)];
            let want = flat[index] + (above - flat[index]) * rest;
            let share = f64::from(percent) / 1000.0;
            let got = Distribution::of_values(weighted).expect("not empty")
                .statistic(Statistic::Percentile(share)).expect("values are known");
            prop_assert!((got - want).abs() < 1e-3, "{got} is not {want}");
        }

        #[test]
        fn compacting_keeps_the_whole_and_nearly_the_middle(
            values in prop::collection::vec((0.0..1e3_f64, 1_u8..6), 1..400),
        ) {
            let weighted = values.iter().map(|(v, n)| (*v, f64::from(*n)));
            let exact = Distribution::of_values(weighted).expect("not empty");
            let mut small = exact.clone();
            small.compact(64);
            for statistic in [Statistic::Sum, Statistic::SampleCount, Statistic::Maximum] {
                prop_assert_eq!(small.statistic(statistic), exact.statistic(statistic));
            }
            prop_assert!(small.values.as_ref().is_some_and(|values| values.len() <= 64));
        }
    }
}
