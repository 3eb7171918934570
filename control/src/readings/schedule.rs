//! When to ask for which signals. Pure.
//!
//! A metric is published some time after its period has ended, and asking earlier buys nothing.
//! So each group of signals (one publisher, one period) is asked at period end plus a lag that is
//! learned: a little less after each success, more after each miss. AWS bills by metrics asked.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Signal;
use super::classify::period_start;

/// The lag before anything is learned.
const LAG_FIRST: TimeDelta = TimeDelta::seconds(2);
/// What a success takes off the lag, and a miss puts on it: at rest one question in five misses.
const LAG_DOWN: TimeDelta = TimeDelta::milliseconds(250);
const LAG_UP: TimeDelta = TimeDelta::seconds(1);
/// After a miss, the same period is asked for again this often before it is given up.
const REPEATS_MAX: u32 = 3;

/// The first questions reach back further and find lags that are not learned yet.
const PACE_SETTLED: TimeDelta = TimeDelta::minutes(15);

/// Signals of one publisher with one period appear together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub namespace: String,
    pub period: TimeDelta,
}

impl Group {
    /// The group that a signal belongs to.
    #[must_use]
    pub fn of(signal: &Signal) -> Self {
        Self { namespace: signal.namespace.clone(), period: signal.period }
    }

    /// True for what changes slowly: nobody waits for it.
    #[must_use]
    pub fn slow(&self) -> bool {
        self.period > TimeDelta::minutes(1)
    }
}

/// Metrics asked for in a month of 730 hours, when each period of each signal is asked for once.
#[must_use]
pub fn asked_per_month(signals: &[Signal]) -> u64 {
    let month = TimeDelta::hours(730).num_seconds();
    let asked = signals.iter().map(|signal| month / signal.period.num_seconds().max(1));
    asked.filter_map(|asked| u64::try_from(asked).ok()).sum()
}

/// Metrics that were asked for, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub since: DateTime<Utc>,
    pub metrics: u64,
}

impl Asked {
    /// The pace so far, in metrics a month of 730 hours; `None` before it has settled.
    #[must_use]
    pub fn per_month(&self, now: DateTime<Utc>) -> Option<u64> {
        let passed = now - self.since;
        if passed < PACE_SETTLED {
            return None;
        }
        let month = u128::try_from(TimeDelta::hours(730).num_seconds()).ok()?;
        let passed = u128::try_from(passed.num_seconds()).ok()?;
        u64::try_from(u128::from(self.metrics) * month / passed).ok()
    }
}

#[derive(Clone, Debug)]
struct Turn {
    /// The start of the period to ask for next.
    period: DateTime<Utc>,
    at: DateTime<Utc>,
    repeats: u32,
    lag: TimeDelta,
}

/// When each group is asked next.
#[derive(Clone, Debug)]
pub struct Schedule {
    turns: BTreeMap<Group, Turn>,
}

impl Schedule {
    /// Everything is due at once, for the newest period that has ended.
    #[must_use]
    pub fn new(signals: &[Signal], now: DateTime<Utc>) -> Self {
        let mut schedule = Self { turns: BTreeMap::new() };
        schedule.follow(signals, now);
        schedule
    }

    /// Takes over other signals: new groups are due at once, the others keep their turn.
    pub fn follow(&mut self, signals: &[Signal], now: DateTime<Utc>) {
        let mut before = std::mem::take(&mut self.turns);
        for group in signals.iter().map(Group::of) {
            let first = || Turn {
                period: period_start(now, group.period) - group.period,
                at: now,
                repeats: 0,
                lag: LAG_FIRST,
            };
            let turn = before.remove(&group).unwrap_or_else(first);
            self.turns.entry(group).or_insert(turn);
        }
    }

    /// The groups whose turn it is. A turn that is further away than any turn is set was set by a
    /// clock that ran ahead.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> Vec<Group> {
        let far = |group: &Group, turn: &Turn| turn.at - now > group.period * 3;
        let due = self.turns.iter().filter(|(group, turn)| turn.at <= now || far(group, turn));
        due.map(|(group, _)| group.clone()).collect()
    }

    /// The start of the period that this group is asked for.
    #[must_use]
    pub fn period(&self, group: &Group) -> Option<DateTime<Utc>> {
        self.turns.get(group).map(|turn| turn.period)
    }

    /// What was learned so far of the group's publish lag.
    #[must_use]
    pub fn lag(&self, group: &Group) -> Option<TimeDelta> {
        self.turns.get(group).map(|turn| turn.lag)
    }

    /// Notes whether the period that was asked for was there, and sets the next turn.
    pub fn asked(&mut self, group: &Group, found: bool, now: DateTime<Utc>) {
        let Some(turn) = self.turns.get_mut(group) else { return };
        if found {
            turn.lag = (turn.lag - LAG_DOWN).max(TimeDelta::zero());
        } else {
            turn.lag = (turn.lag + LAG_UP).min(group.period);
            turn.repeats += 1;
            if turn.repeats <= REPEATS_MAX {
                // Short periods are asked again soon, long ones take their time.
                turn.at = now + (group.period / 10).clamp(LAG_UP, TimeDelta::seconds(5));
                return;
            }
        }
        turn.repeats = 0;
        // The period after this one, or the newest that has ended if we fell behind, or the one
        // that is open if our clock was ahead.
        let newest = period_start(now, group.period) - group.period;
        turn.period = (turn.period + group.period).clamp(newest, newest + group.period);
        turn.at = (turn.period + group.period + turn.lag).max(now + TimeDelta::milliseconds(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::Absence;

    fn second(n: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(n)
    }

    fn signals() -> Vec<Signal> {
        let signal = |namespace: &str, period| Signal {
            name: format!("{namespace}{period}"),
            namespace: namespace.to_owned(),
            metric: "M".to_owned(),
            dimensions: vec![],
            statistic: "Sum".to_owned(),
            period: TimeDelta::seconds(period),
            max_age: TimeDelta::seconds(60),
            absent: Absence::Unknown,
            scale: 1.0,
        };
        vec![signal("Wallet", 10), signal("AWS/ECS", 20), signal("AWS/RDS", 60)]
    }

    /// Plays an hour in which points appear `lag_ms` after their period ended.
    fn play(lag_ms: i64) -> (usize, TimeDelta, TimeDelta) {
        let group = Group { namespace: "Wallet".to_owned(), period: TimeDelta::seconds(10) };
        let mut schedule = Schedule::new(&signals(), second(0));
        let (mut asked, mut late) = (0, TimeDelta::zero());
        for tick in 0..7200 {
            let now = second(0) + TimeDelta::milliseconds(tick * 500);
            if !schedule.due(now).contains(&group) {
                continue;
            }
            asked += 1;
            let appears =
                schedule.period(&group).unwrap() + group.period + TimeDelta::milliseconds(lag_ms);
            let found = appears <= now;
            if found && tick > 720 {
                late = late.max(now - appears);
            }
            schedule.asked(&group, found, now);
        }
        (asked, late, schedule.lag(&group).unwrap())
    }

    #[test]
    fn the_lag_is_learned_and_a_point_is_read_soon_after_it_appears() {
        for lag_ms in [0, 700, 3000, 5000, 9000] {
            let (asked, late, lag) = play(lag_ms);
            assert!(asked < 360 * 3 / 2, "{lag_ms} ms: asked {asked} times for 360 periods");
            assert!(late <= TimeDelta::milliseconds(2_000), "{lag_ms} ms: {late} late");
            let learned = (lag - TimeDelta::milliseconds(lag_ms)).abs();
            assert!(learned <= TimeDelta::milliseconds(1_500), "{lag_ms} ms: learned {lag}");
        }
    }

    #[test]
    fn a_signal_that_never_appears_is_asked_a_bounded_number_of_times() {
        let (asked, ..) = play(1_000_000);
        assert!(asked <= 360 * 4 + 4, "asked {asked} times for 360 periods");
    }

    #[test]
    fn each_group_has_its_own_turn() {
        let schedule = Schedule::new(&signals(), second(5));
        assert_eq!(schedule.due(second(4)), []);
        assert_eq!(schedule.due(second(5)).len(), 3);
        let rds = Group { namespace: "AWS/RDS".to_owned(), period: TimeDelta::seconds(60) };
        assert_eq!(schedule.period(&rds), Some(second(-60)));
    }
}
