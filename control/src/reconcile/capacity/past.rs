//! What a decision must know of the time before it. Pure.
//!
//! The loop keeps one and rebuilds it from the journal; replay and simulation keep one each and
//! feed it the same way, so that all of them decide alike.

use std::collections::VecDeque;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::decide::Decision;

/// Over how long reversals are counted.
pub const REVERSALS_WITHIN: TimeDelta = TimeDelta::hours(1);
/// Changes remembered. An addition each 10 s would fill this in ten minutes, and is no reversal.
const CHANGES_MAX: usize = 64;
/// Days over which the largest size is remembered.
const PEAK_DAYS: i64 = 7;

/// The past of one size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// When the size last changed, by whomever.
    pub changed_at: Option<DateTime<Utc>>,
    /// Since when no target has been known.
    pub blind_since: Option<DateTime<Utc>>,
    last_seen: Option<u32>,
    /// When, and whether it grew; oldest first.
    changes: VecDeque<(DateTime<Utc>, bool)>,
    /// The largest size of each day, oldest first.
    peaks: VecDeque<(NaiveDate, u32)>,
}

impl Past {
    /// Takes in the number as seen now; another one than before means that somebody changed it.
    pub fn notice(&mut self, current: Option<u32>, now: DateTime<Utc>) {
        let Some(current) = current else { return };
        if let Some(before) = self.last_seen
            && before != current
        {
            self.changed(before, current, now);
        }
        self.last_seen = Some(current);
        self.peak_of(current, now);
    }

    /// Notes a change that was made or seen.
    pub fn changed(&mut self, from: u32, to: u32, at: DateTime<Utc>) {
        self.changed_at = Some(at);
        self.last_seen = Some(to);
        self.peak_of(from.max(to), at);
        if from != to {
            self.changes.push_back((at, to > from));
        }
        while self.changes.len() > CHANGES_MAX {
            self.changes.pop_front();
        }
    }

    /// Notes what the newest decision could see.
    pub fn decided(&mut self, decision: &Decision, now: DateTime<Utc>) {
        self.blind_since = if decision.blind { self.blind_since.or(Some(now)) } else { None };
    }

    /// The most that ran within seven days.
    #[must_use]
    pub fn peak(&self) -> Option<u32> {
        self.peaks.iter().map(|(_, size)| *size).max()
    }

    /// How often within the hour before `now` something was added after a removal.
    #[must_use]
    pub fn reversals(&self, now: DateTime<Utc>) -> usize {
        let recent = self.changes.iter().filter(|(at, _)| now - *at < REVERSALS_WITHIN);
        let mut removed = false;
        let mut count = 0;
        for (_, grew) in recent {
            count += usize::from(*grew && removed);
            removed = !grew;
        }
        count
    }

    /// When the oldest change that still counts is an hour old.
    #[must_use]
    pub fn calmer_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let oldest = self.changes.iter().find(|(at, _)| now - *at < REVERSALS_WITHIN)?;
        Some(oldest.0 + REVERSALS_WITHIN)
    }

    fn peak_of(&mut self, size: u32, at: DateTime<Utc>) {
        let day = at.date_naive();
        match self.peaks.back_mut() {
            Some((newest, peak)) if *newest >= day => *peak = size.max(*peak),
            _ => self.peaks.push_back((day, size)),
        }
        let oldest = day - TimeDelta::days(PEAK_DAYS);
        while self.peaks.front().is_some_and(|(at, _)| *at < oldest) {
            self.peaks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;

    #[test]
    fn adding_after_removing_is_counted_for_an_hour() {
        let mut past = Past::default();
        let sizes = [6, 5, 6, 7, 6, 7, 7, 9];
        for (n, size) in (0..).zip(sizes) {
            past.notice(Some(size), second(n * 600));
        }
        // 5 → 6 at 1,200 s and 6 → 7 at 3,000 s; 6 → 7 at 1,800 s and 7 → 9 follow additions.
        assert_eq!(past.reversals(second(4199)), 2);
        assert_eq!(past.reversals(second(5399)), 1);
        assert_eq!(past.reversals(second(8000)), 0);
        assert_eq!(past.calmer_at(second(4199)), Some(second(600 + 3600)));
        assert_eq!(past.changed_at, Some(second(4200)));
    }

    #[test]
    fn the_largest_size_is_remembered_for_a_week() {
        let mut past = Past::default();
        let day = |n: i64| second(n * 86_400);
        past.notice(Some(12), day(0));
        past.notice(Some(5), day(1));
        assert_eq!(past.peak(), Some(12));
        past.notice(Some(5), day(7));
        past.notice(Some(4), day(8));
        assert_eq!(past.peak(), Some(12), "twelve ran into day one, seven days ago");
        past.notice(Some(4), day(9));
        assert_eq!(past.peak(), Some(5), "the twelve are forgotten");
    }
}
