//! When to ask for which signals. Pure.
//!
//! A metric is published some time after its period has ended, and never after quite the same
//! time. AWS bills by metrics asked, and a decision waits for the answer. So each group of signals
//! (one publisher, one period) is *looked* for first, by one of its signals, from the earliest lag
//! of late until that one is there; then the others are asked for. A group that is not known yet,
//! or of which nothing came, is asked for whole, and rarely.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::Signal;
use super::classify::period_start;

/// The lag before anything is learned.
const LAG_FIRST: TimeDelta = TimeDelta::seconds(2);
/// What a miss puts on the lag of a group that is not known yet, and a success takes off it.
const LAG_UP: TimeDelta = TimeDelta::seconds(1);
const LAG_DOWN: TimeDelta = TimeDelta::milliseconds(250);
/// After a miss, a whole group is asked for again this often before its period is given up.
const REPEATS_MAX: u32 = 3;
/// Lags that are remembered: those of as many periods.
const LAGS_KEPT: usize = 60;
/// While fewer are known, a group is looked for half a period earlier than it ever came.
const LAGS_FEW: usize = 12;
/// Looks that would fit into a period; a decision waits for half of the time between two.
const LOOKS: i32 = 40;
const PACE_MIN: TimeDelta = TimeDelta::milliseconds(500);
const PACE_MAX: TimeDelta = TimeDelta::seconds(5);
/// After so many periods in which it paid nothing, a group is no longer looked for earlier than it
/// ever came.
const CALM_AFTER: u32 = 8;

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

    /// The time between two looks.
    fn pace(&self) -> TimeDelta {
        (self.period / LOOKS).clamp(PACE_MIN, PACE_MAX)
    }

    /// The time between two questions about the whole group: short periods are asked again soon,
    /// long ones take their time.
    fn pace_whole(&self) -> TimeDelta {
        (self.period / 10).clamp(LAG_UP, PACE_MAX)
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

/// What came of a question about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The period was there.
    Found,
    NotYet,
    /// There was no answer: nothing is learned from it.
    Unanswered,
}

#[derive(Clone, Debug)]
struct Turn {
    /// The start of the period to ask for next.
    period: DateTime<Utc>,
    at: DateTime<Utc>,
    /// Questions about this period so far.
    asked: u32,
    /// From when on to ask, after the end of a period.
    lag: TimeDelta,
    /// How late the last periods were found. Empty while the group is not known.
    lags: VecDeque<TimeDelta>,
    /// How much earlier than ever it is looked for: what was there at the first look may have been
    /// there before.
    slack: TimeDelta,
    /// Periods since something was there at the first look.
    calm: u32,
}

impl Turn {
    fn waited(&self, group: &Group, now: DateTime<Utc>) -> TimeDelta {
        now - (self.period + group.period)
    }

    /// True while one signal tells whether the group is there.
    fn looks(&self, group: &Group, now: DateTime<Utc>) -> bool {
        let longest = self.lags.iter().max();
        longest.is_some_and(|longest| self.waited(group, now) <= *longest + group.period / 2)
    }

    fn learn_found(&mut self, group: &Group, now: DateTime<Utc>) {
        if group.slow() {
            self.lag = (self.lag - LAG_DOWN).max(TimeDelta::zero());
            return;
        }
        self.lags.push_back(self.waited(group, now));
        if self.lags.len() > LAGS_KEPT {
            self.lags.pop_front();
        }
        self.lag = self.lags.iter().min().copied().unwrap_or(LAG_FIRST);
        if self.asked == 1 {
            self.slack = (self.slack * 2).max(group.pace()).min(group.period);
            self.calm = 0;
        } else {
            self.calm = self.calm.saturating_add(1);
            let most = if self.calm < CALM_AFTER { group.pace() } else { TimeDelta::zero() };
            self.slack = self.slack.min(most);
        }
    }

    fn learn_missed(&mut self, group: &Group) {
        self.lags.clear();
        self.slack = TimeDelta::zero();
        self.lag = (self.lag + LAG_UP).min(group.period * 2);
    }

    /// The period after this one, or the newest that has ended if we fell behind, or the one that
    /// is open if our clock was ahead.
    fn next(&mut self, group: &Group, now: DateTime<Utc>) {
        let newest = period_start(now, group.period) - group.period;
        self.period = (self.period + group.period).clamp(newest, newest + group.period);
        let few = (1..LAGS_FEW).contains(&self.lags.len());
        let slack = if few { self.slack.max(group.period / 2) } else { self.slack };
        let lag = (self.lag - slack).max(TimeDelta::zero());
        self.at = (self.period + group.period + lag).max(now + TimeDelta::milliseconds(1));
        self.asked = 0;
    }
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
                asked: 0,
                lag: LAG_FIRST,
                lags: VecDeque::new(),
                slack: TimeDelta::zero(),
                calm: 0,
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

    /// What was learned so far of the group's publish lag: the earliest of late.
    #[must_use]
    pub fn lag(&self, group: &Group) -> Option<TimeDelta> {
        self.turns.get(group).map(|turn| turn.lag)
    }

    /// True if one signal tells whether the group is there, and the others can wait until it is.
    #[must_use]
    pub fn looks(&self, group: &Group, now: DateTime<Utc>) -> bool {
        self.turns.get(group).is_some_and(|turn| turn.looks(group, now))
    }

    /// Notes what came of the question about the period that was asked for, and sets the next turn.
    pub fn asked(&mut self, group: &Group, outcome: Outcome, now: DateTime<Utc>) {
        let Some(turn) = self.turns.get_mut(group) else { return };
        turn.asked += 1;
        let looked = turn.looks(group, now);
        match outcome {
            Outcome::Found => turn.learn_found(group, now),
            Outcome::NotYet if looked => {
                turn.at = now + group.pace();
                return;
            }
            Outcome::NotYet | Outcome::Unanswered => {
                if outcome == Outcome::NotYet {
                    turn.learn_missed(group);
                }
                if turn.asked <= REPEATS_MAX {
                    turn.at = now + group.pace_whole();
                    return;
                }
            }
        }
        turn.next(group, now);
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

    /// What came of some hours in which points appear `lag_ms(period)` after their period ended:
    /// looks and questions about the whole group for each period, and how late points were read
    /// after the first ten minutes, sorted.
    fn play(period_s: i64, lag_ms: impl Fn(i64) -> i64) -> (f64, f64, Vec<i64>) {
        let publisher = if period_s == 10 { "Wallet" } else { "AWS/ECS" };
        let period = TimeDelta::seconds(period_s);
        let group = Group { namespace: publisher.to_owned(), period };
        let mut schedule = Schedule::new(&signals(), second(0));
        let (mut looks, mut whole, mut late) = (0, 0, Vec::new());
        let ticks = 500 * period_s * 2;
        for tick in 0..ticks {
            let now = second(0) + TimeDelta::milliseconds(tick * 500 + 130);
            if !schedule.due(now).contains(&group) {
                continue;
            }
            if schedule.looks(&group, now) {
                looks += 1;
            } else {
                whole += 1;
            }
            let asked_for = schedule.period(&group).unwrap();
            let number = (asked_for - second(0)).num_seconds() / period_s;
            let appears = asked_for + period + TimeDelta::milliseconds(lag_ms(number));
            let found = appears <= now;
            if found && tick > 1200 {
                late.push((now - appears).num_milliseconds());
            }
            let outcome = if found { Outcome::Found } else { Outcome::NotYet };
            schedule.asked(&group, outcome, now);
        }
        late.sort_unstable();
        (f64::from(looks) / 500.0, f64::from(whole) / 500.0, late)
    }

    #[test]
    fn a_point_is_found_within_a_second_whatever_its_lag_and_for_few_looks() {
        let steady = |lag_ms: i64| move |_: i64| lag_ms;
        let scattered = |from: i64, to: i64| move |n: i64| from + (n * 7_919) % (to - from + 1);
        type Lag = Box<dyn Fn(i64) -> i64>;
        let cases: [(&str, i64, Lag, f64); 7] = [
            ("at once", 10, Box::new(steady(0)), 1.1),
            ("soon", 10, Box::new(steady(700)), 2.0),
            ("late", 10, Box::new(steady(9_000)), 2.3),
            ("now and then later", 10, Box::new(scattered(1_000, 3_000)), 4.0),
            ("after the next has ended", 20, Box::new(scattered(20_000, 30_000)), 12.5),
            ("ever later", 10, Box::new(|n: i64| n * 10), 2.5),
            ("ever earlier", 10, Box::new(|n: i64| 9_000 - n * 10), 2.5),
        ];
        for (name, period_s, lag_ms, most) in cases {
            let (looks, whole, late) = play(period_s, lag_ms);
            assert!(looks <= most, "{name}: {looks} looks for each period");
            assert!(whole <= 0.1, "{name}: asked for the whole {whole} times");
            let p99 = late[late.len() * 99 / 100];
            assert!(p99 <= 500, "{name}: read {p99} ms late");
            assert!(late.len() > 350, "{name}: {} were found in their turn", late.len());
        }
    }

    #[test]
    fn a_signal_that_never_appears_is_asked_a_bounded_number_of_times() {
        let (looks, whole, _) = play(10, |_| 1_000_000);
        assert!(looks <= 0.1 && whole <= 4.1, "asked {looks} and {whole} times for each period");
    }

    #[test]
    fn one_that_falls_silent_is_looked_for_a_bounded_time_and_found_again_when_it_speaks() {
        let silent = |n: i64| if (200..300).contains(&n) { 1_000_000 } else { 1_500 };
        let (looks, whole, late) = play(10, silent);
        assert!(looks <= 2.0 && whole <= 1.0, "asked {looks} and {whole} times for each period");
        assert!(late.len() > 270, "{}", late.len());
    }

    #[test]
    fn what_is_not_answered_is_asked_again_a_few_times_and_teaches_nothing() {
        let group = Group { namespace: "Wallet".to_owned(), period: TimeDelta::seconds(10) };
        let mut schedule = Schedule::new(&signals(), second(12));
        schedule.asked(&group, Outcome::Found, second(12));
        let (before, first) = (schedule.lag(&group), schedule.period(&group));
        for again in 0..4 {
            assert_eq!(schedule.period(&group), first, "after {again}");
            schedule.asked(&group, Outcome::Unanswered, second(22 + again));
        }
        assert_eq!(schedule.period(&group), first.map(|at| at + group.period));
        assert_eq!(schedule.lag(&group), before);
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
