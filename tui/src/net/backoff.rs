//! How long to wait before the next attempt: doubling, bounded, spread. Pure.

use chrono::TimeDelta;

/// The first wait, in milliseconds.
const FIRST_MS: i64 = 250;
/// No wait is longer, in milliseconds, so that a returning daemon is found at once.
const LONGEST_MS: i64 = 15_000;

/// The wait before attempt `attempt` (from 1). `chance` in 0..=1000 spreads many dashboards over
/// a fifth of the wait, so that a restarted daemon does not meet all of them in one moment.
#[must_use]
pub fn wait(attempt: u32, chance: u16) -> TimeDelta {
    let doublings = attempt.saturating_sub(1).min(16);
    let base = (FIRST_MS << doublings).min(LONGEST_MS);
    let spread = base / 5 * i64::from(chance.min(1_000)) / 1_000;
    TimeDelta::milliseconds(base - spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_are_spread() {
        let ms = |attempt, chance| wait(attempt, chance).num_milliseconds();
        let waits: Vec<_> = (0..9).map(|attempt| ms(attempt, 0)).collect();
        assert_eq!(waits, [250, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
        assert_eq!(ms(u32::MAX, 0), 15_000);
        assert_eq!(ms(7, 1_000), 12_000);
        assert_eq!(ms(7, 500), 13_500);
    }
}
