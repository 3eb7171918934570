//! Who hears of alerts: topics by severity and channel, who is next in line, and when it is quiet.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta, Weekday};
use protocol::control::{Matchers, Severity};

use super::alerts::SEVERITIES;
use super::{delta, environment::arn};
use crate::alert::{Channel, NextInLine, Routes, Window};
use crate::document::{Field, Map};

/// The first in line is the severity's own topics.
const NEXT_MAX: usize = 2;
const WINDOWS_MAX: usize = 20;
const CHANNELS: [(&str, Channel); 2] = [("sms", Channel::Sms), ("email", Channel::Email)];
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

type Topics = BTreeMap<Channel, String>;

/// The topics by severity. P1 must reach people in two ways.
pub(super) fn topics(field: &Field<'_>) -> Option<BTreeMap<Severity, Topics>> {
    let map = field.map(&["P1", "P2", "P3"])?;
    let read = |name: &str, keys, needs: &[&str]| -> Option<Option<Topics>> {
        let Some(field) = map.optional(name) else { return Some(None) };
        let inner = field.map(keys)?;
        for need in needs {
            let _: Option<Field<'_>> = inner.required(need);
        }
        channels(&inner).map(Some)
    };
    let p1 = read("P1", &["sms", "email"], &["sms", "email"]);
    let p2 = read("P2", &["sms", "email"], &["email"]);
    let p3 = read("P3", &["email"], &["email"]);
    let all = [(Severity::P1, p1?), (Severity::P2, p2?), (Severity::P3, p3?)];
    Some(all.into_iter().filter_map(|(severity, topics)| Some((severity, topics?))).collect())
}

fn channels(map: &Map<'_>) -> Option<Topics> {
    let given = CHANNELS.iter().filter_map(|(name, channel)| {
        let field = map.fields().find(|(key, _)| key == name)?.1;
        Some(arn(&field, "sns").map(|topic| (*channel, topic)))
    });
    given.collect()
}

/// How patient each level is, and how much is gathered.
pub(super) fn read(
    field: &Field<'_>,
    topics: Option<BTreeMap<Severity, Topics>>,
) -> Option<Routes> {
    let map = field.map(&["ack_timeout", "digest_every", "symptom_outlives", "next_in_line"])?;
    let ack_timeout = map.required("ack_timeout").and_then(|f| delta(&f, 300..=86_400));
    let digest_every = map.required("digest_every").and_then(|f| delta(&f, 60..=86_400));
    let symptom_outlives = map.required("symptom_outlives").and_then(|f| delta(&f, 0..=3_600));
    let next_in_line =
        map.required("next_in_line").and_then(|f| f.list(NEXT_MAX, |item| next(&item)));
    Some(Routes {
        topics: topics?,
        next_in_line: next_in_line?,
        ack_timeout: ack_timeout?,
        digest_every: digest_every?,
        symptom_outlives: symptom_outlives?,
    })
}

fn next(field: &Field<'_>) -> Option<NextInLine> {
    let map = field.map(&["after", "sms", "email"])?;
    let after = map.required("after").and_then(|f| delta(&f, 60..=86_400));
    let topics = channels(&map)?;
    if topics.is_empty() {
        return field.fault("must name a topic for sms, for email, or for both");
    }
    Some(NextInLine { after: after?, topics })
}

/// Maintenance windows.
pub(super) fn windows(field: &Field<'_>) -> Option<Vec<Window>> {
    field.list(WINDOWS_MAX, |item| window(&item))
}

fn window(field: &Field<'_>) -> Option<Window> {
    let keys = &["name", "weekday", "at", "lasts", "until", "match", "reason"];
    let map = field.map(keys)?;
    let name = map.required("name").and_then(|f| f.name());
    let weekday = map.required("weekday").and_then(|f| f.choice(&WEEKDAYS));
    let at = map.required("at").and_then(|f| time(&f));
    let lasts = map.required("lasts").and_then(|f| delta(&f, 60..=86_400));
    let until = map.required("until").and_then(|f| date(&f));
    let matchers = map.required("match").and_then(|f| matchers(&f));
    let reason = map.required("reason").and_then(|f| f.text());
    Some(Window {
        name: name?,
        weekday: weekday?,
        at: at?,
        lasts: lasts?,
        until: until?,
        matchers: matchers?,
        reason: reason?,
    })
}

fn matchers(field: &Field<'_>) -> Option<Matchers> {
    let map = field.map(&["rule", "resource", "severity"])?;
    let rule = map.or("rule", None, |f| f.text().map(Some));
    let resource = map.or("resource", None, |f| f.name().map(Some));
    let severity = map.or("severity", None, |f| f.choice(&SEVERITIES).map(Some));
    let matchers = Matchers { rule: rule?, resource: resource?, severity: severity? };
    if matchers == Matchers::default() {
        return field.fault("must name a rule, a resource or a severity");
    }
    Some(matchers)
}

fn time(field: &Field<'_>) -> Option<TimeDelta> {
    let text = field.text()?;
    match chrono::NaiveTime::parse_from_str(&text, "%H:%M") {
        Ok(time) => Some(time.signed_duration_since(chrono::NaiveTime::MIN)),
        Err(_) => {
            field.fault(format!("`{text}` must be a time of day in UTC, in quotes, as \"06:30\""))
        }
    }
}

fn date(field: &Field<'_>) -> Option<NaiveDate> {
    let text = field.text()?;
    match NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        Ok(date) => Some(date),
        Err(_) => field.fault(format!("`{text}` must be a date as 2026-09-01")),
    }
}
