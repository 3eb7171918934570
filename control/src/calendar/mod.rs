//! Schedules: which window of the week it is, in the time zone in which people live.
//!
//! A window is written in local time, and local time has nights with an hour too few or too many.
//! The rule is that a window is never shorter than the clock on the wall suggests: a start in the
//! hour that is skipped is the instant after the skip, a start in the hour that is repeated is its
//! first occurrence, an end in it is the last. A window that lies wholly in a skipped hour does
//! not happen that night. Pure; the zones are those that the binary was built with.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime};
use chrono::{TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

/// No zone ever skipped more than a day (Samoa, 30 December 2011).
const SKIP_MAX_MINUTES: i64 = 24 * 60;

/// A window that comes every week, and how many it asks for while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub name: String,
    pub zone: Tz,
    /// The days on which it begins; never empty.
    pub days: Vec<Weekday>,
    pub from: NaiveTime,
    /// At or before `from`: on the next day.
    pub to: NaiveTime,
    /// At least so many.
    pub min: Option<u32>,
    /// None is added beyond so many.
    pub max: Option<u32>,
}

impl Schedule {
    /// The end of the window in which `now` is; `None` outside of it.
    #[must_use]
    pub fn open_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = now.with_timezone(&self.zone).date_naive();
        // A window that began yesterday may reach over midnight.
        let begun = [today.pred_opt(), Some(today)];
        let windows = begun.into_iter().flatten().filter_map(|day| self.window(day));
        windows.filter(|(from, to)| (*from..*to).contains(&now)).map(|(_, to)| to).max()
    }

    /// The window that begins on this local day.
    fn window(&self, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if !self.days.contains(&day.weekday()) {
            return None;
        }
        let last = if self.to > self.from { day } else { day.checked_add_days(Days::new(1))? };
        let from = instant(self.zone, day.and_time(self.from), Side::First)?;
        let to = instant(self.zone, last.and_time(self.to), Side::Last)?;
        (from < to).then_some((from, to))
    }
}

/// Which of two instants with the same local time.
#[derive(Clone, Copy)]
enum Side {
    First,
    Last,
}

/// The instant of a local time. One that the zone skips is the first one after the skip.
fn instant(zone: Tz, local: NaiveDateTime, side: Side) -> Option<DateTime<Utc>> {
    for minutes in 0..=SKIP_MAX_MINUTES {
        let local = local.checked_add_signed(TimeDelta::minutes(minutes))?;
        let found = match zone.from_local_datetime(&local) {
            LocalResult::Single(at) => at,
            LocalResult::Ambiguous(first, last) => match side {
                Side::First => first,
                Side::Last => last,
            },
            LocalResult::None => continue,
        };
        return Some(found.with_timezone(&Utc));
    }
    None
}
