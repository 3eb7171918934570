//! What each signal's reading was a while ago, as control believed it then: for who asks why. Pure.
//!
//! AWS keeps the points; what it does not keep is when each became known, and when a reading was
//! stale, partial or absent. A restart begins anew.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{Reading, ReadingPoint};

/// How far back is kept.
const KEPT: TimeDelta = TimeDelta::minutes(15);
/// Changes kept of one signal: one each second of that time would be all that can be seen.
const POINTS_MAX: usize = 900;

/// The readings of one environment, by signal, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recent(BTreeMap<String, VecDeque<ReadingPoint>>);

impl Recent {
    /// Takes in the readings as they are now; one that is as before says nothing new.
    pub fn note(&mut self, readings: &BTreeMap<String, Reading>, now: DateTime<Utc>) {
        for (name, reading) in readings {
            let point = ReadingPoint { at: now, reading: *reading };
            match self.0.get_mut(name).map(|points| (points.back().copied(), points)) {
                None => {
                    self.0.insert(name.clone(), VecDeque::from([point]));
                }
                Some((newest, points)) => {
                    if newest.is_none_or(|newest| newest.reading != *reading) {
                        points.push_back(point);
                    }
                }
            }
        }
        // A signal that a reload took away is forgotten with its points.
        self.0.retain(|_, points| {
            // The newest one before that time is what the reading was when it began.
            while points.len() > POINTS_MAX || points.get(1).is_some_and(|one| now - one.at > KEPT)
            {
                points.pop_front();
            }
            !points.is_empty()
        });
        self.0.retain(|name, _| readings.contains_key(name));
    }

    /// What a signal's reading was at this instant, and each that it became later.
    #[must_use]
    pub fn since(&self, name: &str, since: DateTime<Utc>) -> Vec<ReadingPoint> {
        let Some(points) = self.0.get(name) else { return vec![] };
        let first = points.iter().rposition(|one| one.at <= since).unwrap_or(0);
        points.iter().skip(first).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;

    fn fresh(at: i64) -> Reading {
        Reading::Fresh { value: 1.0, at: second(at) }
    }

    fn readings(reading: Reading) -> BTreeMap<String, Reading> {
        BTreeMap::from([("cpu_percent".to_owned(), reading)])
    }

    #[test]
    fn each_change_is_kept_with_when_it_was_noticed_and_sameness_is_not() {
        let mut recent = Recent::default();
        let stale = Reading::Stale { value: 1.0, at: second(0) };
        for (at, reading) in [(3, fresh(0)), (4, fresh(0)), (90, stale), (100, Reading::Absent)] {
            recent.note(&readings(reading), second(at));
        }
        let told = |since: i64| -> Vec<(DateTime<Utc>, Reading)> {
            let points = recent.since("cpu_percent", second(since));
            points.into_iter().map(|one| (one.at, one.reading)).collect()
        };
        let all = [(second(3), fresh(0)), (second(90), stale), (second(100), Reading::Absent)];
        assert_eq!(told(0), all);
        assert_eq!(told(4), all, "what it was then is part of the answer");
        assert_eq!(told(90), all[1..]);
        assert_eq!(told(500), all[2..]);
        assert_eq!(recent.since("other", second(0)), []);
    }

    #[test]
    fn what_is_long_gone_is_forgotten_but_for_what_still_held_then() {
        let mut recent = Recent::default();
        for at in (0..=3_600).step_by(10) {
            recent.note(&readings(fresh(at)), second(at));
        }
        let kept = recent.since("cpu_percent", second(0));
        assert_eq!(kept.len(), 92, "a quarter of an hour of points, and the one before");
        recent.note(&BTreeMap::new(), second(3_601));
        assert_eq!(recent, Recent::default(), "a signal that is gone is forgotten");
    }
}
