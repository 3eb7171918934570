//! Nights with an hour too few and too many, and a country that gave them up, as a table.

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

fn schedule(zone: Tz, days: &[Weekday], from: (u32, u32), to: (u32, u32)) -> Schedule {
    let time = |(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    Schedule {
        name: "window".to_owned(),
        zone,
        days: days.to_vec(),
        from: time(from),
        to: time(to),
        min: Some(6),
        max: None,
    }
}

/// Each row: the window on that night, its first instant and the first one after it. The instant
/// before the first and the end itself are outside.
#[test]
fn windows_keep_their_promise_on_the_nights_that_change_the_clock() {
    use Weekday::{Fri, Mon, Sat, Sun};
    use chrono_tz::{America::Sao_Paulo, Europe::Madrid};
    type Row<'r> = (&'r str, Tz, Weekday, (u32, u32), (u32, u32), &'r str, &'r str);
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        // Madrid, winter (+1) and summer (+2).
        ("a winter day",            Madrid, Mon, (9, 0), (18, 0), "2026-01-12T08:00:00Z", "2026-01-12T17:00:00Z"),
        ("a summer day",            Madrid, Mon, (9, 0), (18, 0), "2026-07-13T07:00:00Z", "2026-07-13T16:00:00Z"),
        // 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
        ("starts in the skipped hour", Madrid, Sun, (2, 30), (5, 0), "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"),
        ("ends in the skipped hour",   Madrid, Sun, (1, 0), (2, 30), "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        ("over the skipped hour",      Madrid, Sat, (23, 0), (6, 0), "2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"),
        // 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
        ("starts in the repeated hour", Madrid, Sun, (2, 30), (5, 0), "2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z"),
        ("ends in the repeated hour",   Madrid, Sun, (1, 0), (2, 30), "2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z"),
        ("over the repeated hour",      Madrid, Sat, (23, 0), (6, 0), "2026-10-24T21:00:00Z", "2026-10-25T05:00:00Z"),
        ("within the repeated hour",    Madrid, Sun, (2, 10), (2, 50), "2026-10-25T00:10:00Z", "2026-10-25T01:50:00Z"),
        // São Paulo had summer time (-2) until February 2019, and -3 all year since.
        ("its last spring: midnight skipped", Sao_Paulo, Sun, (0, 0), (6, 0), "2018-11-04T03:00:00Z", "2018-11-04T08:00:00Z"),
        ("its last summer",         Sao_Paulo, Fri, (9, 0), (18, 0), "2019-01-11T11:00:00Z", "2019-01-11T20:00:00Z"),
        ("its last autumn: 23:00 twice", Sao_Paulo, Sat, (23, 30), (6, 0), "2019-02-17T01:30:00Z", "2019-02-17T09:00:00Z"),
        ("the first spring without", Sao_Paulo, Sun, (0, 0), (6, 0), "2019-11-03T03:00:00Z", "2019-11-03T09:00:00Z"),
        ("summer now",              Sao_Paulo, Fri, (9, 0), (18, 0), "2026-01-09T12:00:00Z", "2026-01-09T21:00:00Z"),
        ("winter now",              Sao_Paulo, Fri, (9, 0), (18, 0), "2026-07-10T12:00:00Z", "2026-07-10T21:00:00Z"),
        ("over midnight",           Sao_Paulo, Fri, (22, 0), (2, 0), "2026-07-11T01:00:00Z", "2026-07-11T05:00:00Z"),
        ("a whole day",             Sao_Paulo, Fri, (0, 0), (0, 0), "2026-07-10T03:00:00Z", "2026-07-11T03:00:00Z"),
    ];
    let second = TimeDelta::seconds(1);
    for (why, zone, day, from, to, first, end) in table {
        let schedule = schedule(*zone, &[*day], *from, *to);
        let (first, end) = (at(first), at(end));
        assert_eq!(schedule.open_until(first - second), None, "{why}: before");
        assert_eq!(schedule.open_until(first), Some(end), "{why}: begins");
        assert_eq!(schedule.open_until(end - second), Some(end), "{why}: lasts");
        assert_eq!(schedule.open_until(end), None, "{why}: ends");
    }
}

#[test]
fn a_window_wholly_in_the_skipped_hour_does_not_happen_that_night() {
    let schedule = schedule(chrono_tz::Europe::Madrid, &[Weekday::Sun], (2, 10), (2, 50));
    for minute in 0..180 {
        let now = at("2026-03-29T00:00:00Z") + TimeDelta::minutes(minute);
        assert_eq!(schedule.open_until(now), None, "{now}");
    }
    assert!(schedule.open_until(at("2026-04-05T00:20:00Z")).is_some(), "a week later it does");
}

/// Every minute of a year: daily windows from 08:00 to 20:00 are open for twelve hours of each
/// day on the wall, whatever the clock does at night.
#[test]
fn a_daily_window_is_open_for_its_hours_on_every_day_of_the_year() {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let week = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
    let schedule = schedule(chrono_tz::Europe::Madrid, &week, (8, 0), (20, 0));
    let start = at("2025-12-31T23:00:00Z");
    let open = (0..365 * 24 * 60)
        .filter(|minute| schedule.open_until(start + TimeDelta::minutes(*minute)).is_some())
        .count();
    assert_eq!(open, 365 * 12 * 60);
}
