//! `schedules`: windows of the week in a time zone, each with a minimum, a maximum or both.

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;

use crate::calendar::Schedule;
use crate::document::Field;

/// More windows than this are a calendar that nobody can keep in mind.
const SCHEDULES_MAX: usize = 50;
const KEYS: &[&str] = &["name", "zone", "days", "from", "to", "min", "max"];
const DAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// All windows. `most` is the largest number that there can be.
pub(super) fn schedules(field: &Field<'_>, most: u32) -> Option<Vec<Schedule>> {
    let mut names = Vec::new();
    let mut faulty = false;
    let read = field.list(SCHEDULES_MAX, |item| {
        let schedule = schedule(&item, most);
        if let Some(name) = schedule.as_ref().map(|one| one.name.clone()) {
            if names.contains(&name) {
                let _: Option<()> = item.fault(format!("`{name}` is the name of another window"));
                faulty = true;
            }
            names.push(name);
        } else {
            faulty = true;
        }
        schedule
    });
    read.filter(|_| !faulty)
}

fn schedule(field: &Field<'_>, most: u32) -> Option<Schedule> {
    let map = field.map(KEYS)?;
    let name = map.required("name").and_then(|f| f.name());
    let zone = map.required("zone").and_then(|f| zone(&f));
    let days = map.required("days").and_then(|f| f.list(7, |day| day.choice(DAYS)));
    let from = map.required("from").and_then(|f| time(&f));
    let to = map.required("to").and_then(|f| time(&f));
    let min = map.optional("min").map(|f| f.count(1..=most));
    let max = map.optional("max").map(|f| f.count(1..=most));
    let (min, max) = match (min, max) {
        (None, None) => return field.fault("must have a min, a max or both"),
        (Some(None), _) | (_, Some(None)) => return None,
        (min, max) => (min.flatten(), max.flatten()),
    };
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return field.fault(format!("min {min} is above max {max}"));
    }
    Some(Schedule { name: name?, zone: zone?, days: days?, from: from?, to: to?, min, max })
}

/// `America/Sao_Paulo`
pub(super) fn zone(field: &Field<'_>) -> Option<Tz> {
    let text = field.text()?;
    text.parse().ok().or_else(|| {
        field.fault(format!("`{text}` is no IANA time zone, such as America/Sao_Paulo"))
    })
}

fn time(field: &Field<'_>) -> Option<NaiveTime> {
    let text = field.text()?;
    NaiveTime::parse_from_str(&text, "%H:%M")
        .ok()
        .or_else(|| field.fault(format!("`{text}` must be a time from 00:00 to 23:59")))
}
