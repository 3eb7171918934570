//! Metric alarms: kept, evaluated period by period, and told to SNS when they change.

mod decide;
mod define;

use super::{page, query, store::Store};
use crate::aws::{
    Region,
    wire::{AwsError, Input, timestamp},
};
use chrono::{DateTime, Duration, Utc};
use decide::{STATES, State};
use define::Definition;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALARMS_MAX: usize = 1000;
/// AWS's page of `DescribeAlarms`, and its most.
const PAGE: i64 = 50;
const PAGE_MAX: i64 = 100;
/// How many periods are read beyond those that are evaluated, to cover late data.
const LATE_PERIODS: i64 = 3;

/// All alarms of the region, by name.
#[derive(Debug, Default)]
pub(super) struct Alarms(BTreeMap<String, Alarm>);

#[derive(Debug)]
struct Alarm {
    definition: Definition,
    configured: DateTime<Utc>,
    state: State,
    reason: String,
    reason_data: Option<String>,
    changed: DateTime<Utc>,
    next_evaluation: DateTime<Utc>,
}

/// A message that an alarm sends to one of its topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// ARN
    pub topic: String,
    pub subject: String,
    /// JSON, as AWS writes it.
    pub message: String,
}

impl Alarms {
    /// `PutMetricAlarm`. Putting again keeps the state.
    pub(super) fn put(&mut self, input: Input<'_>, now: DateTime<Utc>) -> Result<Value, AwsError> {
        let definition = define::read(input)?;
        if !self.0.contains_key(&definition.name) && self.0.len() >= ALARMS_MAX {
            let message = format!("The sandbox holds at most {ALARMS_MAX} alarms.");
            return Err(AwsError::refused("LimitExceeded", message));
        }
        let before = self.0.remove(&definition.name);
        let (state, changed) =
            before.map_or((State::Insufficient, now), |alarm| (alarm.state, alarm.changed));
        let alarm = Alarm {
            configured: now,
            state,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            changed,
            next_evaluation: now,
            definition,
        };
        self.0.insert(alarm.definition.name.clone(), alarm);
        Ok(json!({}))
    }

    /// `DeleteAlarms`: all of them or, if one is unknown, none.
    pub(super) fn delete(&mut self, input: Input<'_>) -> Result<Value, AwsError> {
        let names = input.texts("AlarmNames")?;
        if let Some(unknown) = names.iter().find(|name| !self.0.contains_key(**name)) {
            return Err(unknown_alarm(unknown));
        }
        for name in names {
            self.0.remove(name);
        }
        Ok(json!({}))
    }

    /// `SetAlarmState`: holds until the next evaluation.
    pub(super) fn set_state(
        &mut self,
        input: Input<'_>,
        region: &Region,
        now: DateTime<Utc>,
    ) -> Result<Vec<Notice>, AwsError> {
        let name = input.required("AlarmName")?;
        let state = state(input.required("StateValue")?)?;
        let reason = input.required("StateReason")?.to_owned();
        let data = input.text("StateReasonData")?.map(str::to_owned);
        if data.as_deref().is_some_and(|data| serde_json::from_str::<Value>(data).is_err()) {
            return Err(AwsError::refused("InvalidFormat", "StateReasonData is not JSON."));
        }
        let alarm = self.0.get_mut(name).ok_or_else(|| unknown_alarm(name))?;
        alarm.next_evaluation = now + alarm.interval();
        Ok(alarm.enter((state, reason, data), region, now))
    }

    /// Evaluates every alarm whose time has come. Says what is to be sent.
    pub(super) fn evaluate(
        &mut self,
        store: &Store,
        region: &Region,
        now: DateTime<Utc>,
    ) -> Vec<Notice> {
        let due = self.0.values_mut().filter(|alarm| alarm.next_evaluation <= now);
        due.flat_map(|alarm| {
            alarm.next_evaluation = now + alarm.interval();
            let points = alarm.points(store, now);
            let (state, reason) = decide::decide(&alarm.definition.rule, &points, alarm.state);
            let data = json!({
                "version": "1.0",
                "queryDate": now.to_rfc3339(),
                "period": alarm.definition.period,
                "recentDatapoints": points,
                "threshold": alarm.definition.rule.threshold,
            });
            alarm.enter((state, reason, Some(data.to_string())), region, now)
        })
        .collect()
    }

    /// `DescribeAlarms`.
    pub(super) fn describe(&self, input: Input<'_>, region: &Region) -> Result<Value, AwsError> {
        let names = input.texts("AlarmNames")?;
        let prefix = input.text("AlarmNamePrefix")?.unwrap_or_default();
        let action = input.text("ActionPrefix")?;
        let wanted = input.text("StateValue")?.map(state).transpose()?;
        let types = input.texts("AlarmTypes")?;
        let size = input.integer("MaxRecords")?.unwrap_or(PAGE);
        let size = usize::try_from(size.clamp(1, PAGE_MAX)).unwrap_or(1);
        let after: String = match input.text("NextToken")? {
            Some(token) => page::open(token, input.value())?,
            None => String::new(),
        };
        let fits = |alarm: &&Alarm| {
            let name = &alarm.definition.name;
            (names.is_empty() || names.contains(&name.as_str()))
                && (types.is_empty() || types.contains(&"MetricAlarm"))
                && name.starts_with(prefix)
                && *name > after
                && wanted.is_none_or(|state| state == alarm.state)
                && action.is_none_or(|prefix| alarm.has_action(prefix))
        };
        let mut found = self.0.values().filter(fits).peekable();
        let mut last = String::new();
        let mut shown = Vec::new();
        for alarm in found.by_ref().take(size) {
            last.clone_from(&alarm.definition.name);
            shown.push(alarm.shown(region));
        }
        let next = found.peek().map(|_| page::token(&last, input.value()));
        Ok(json!({"MetricAlarms": shown, "CompositeAlarms": [], "NextToken": next}))
    }
}

impl Alarm {
    /// AWS evaluates every minute, and high-resolution alarms every ten seconds.
    fn interval(&self) -> Duration {
        Duration::seconds(if self.definition.period < 60 { 10 } else { 60 })
    }

    /// The newest known points of the closed periods, oldest first.
    fn points(&self, store: &Store, now: DateTime<Utc>) -> Vec<f64> {
        let period = self.definition.period;
        let periods = i64::try_from(self.definition.rule.evaluation_periods).unwrap_or(1);
        let end = now.timestamp().div_euclid(period) * period;
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(now);
        let range = (at(end - (periods + LATE_PERIODS) * period), at(end));
        let found = query::compute(store, &self.definition.queries, range, now);
        // An expression that cannot be computed has no data, as in AWS.
        let first = found.ok().and_then(|found| found.into_iter().next());
        first.map(|found| found.points.into_values().collect()).unwrap_or_default()
    }

    /// Takes on a state; entering another one than before is told to the topics for it.
    fn enter(
        &mut self,
        (state, reason, data): (State, String, Option<String>),
        region: &Region,
        now: DateTime<Utc>,
    ) -> Vec<Notice> {
        let before = std::mem::replace(&mut self.state, state);
        self.reason = reason;
        self.reason_data = data;
        if before == state {
            return Vec::new();
        }
        self.changed = now;
        if !self.definition.actions_enabled {
            return Vec::new();
        }
        let message = json!({
            "AlarmName": self.definition.name,
            "AlarmDescription": self.definition.echo.get("AlarmDescription"),
            "AWSAccountId": region.account,
            "NewStateValue": state.name(),
            "NewStateReason": self.reason,
            "StateChangeTime": now.to_rfc3339(),
            "Region": region.name,
            "OldStateValue": before.name(),
        });
        let subject = format!("{}: \"{}\" in {}", state.name(), self.definition.name, region.name);
        self.actions(state)
            .map(|topic| Notice {
                topic: topic.to_owned(),
                subject: subject.clone(),
                message: message.to_string(),
            })
            .collect()
    }

    fn actions(&self, state: State) -> impl Iterator<Item = &str> {
        let field = match state {
            State::Ok => "OKActions",
            State::Alarm => "AlarmActions",
            State::Insufficient => "InsufficientDataActions",
        };
        let actions = self.definition.echo.get(field).and_then(Value::as_array);
        actions.into_iter().flatten().filter_map(Value::as_str)
    }

    fn has_action(&self, prefix: &str) -> bool {
        STATES.iter().any(|(_, state)| self.actions(*state).any(|arn| arn.starts_with(prefix)))
    }

    fn shown(&self, region: &Region) -> Value {
        let Definition { name, rule, actions_enabled, .. } = &self.definition;
        let mut shown = self.definition.echo.clone();
        let arn = region.arn("cloudwatch", &format!("alarm:{name}"));
        for (field, value) in [
            ("AlarmName", json!(name)),
            ("AlarmArn", json!(arn)),
            ("AlarmConfigurationUpdatedTimestamp", timestamp(self.configured)),
            ("ActionsEnabled", json!(actions_enabled)),
            ("StateValue", json!(self.state.name())),
            ("StateReason", json!(self.reason)),
            ("StateReasonData", json!(self.reason_data)),
            ("StateUpdatedTimestamp", timestamp(self.changed)),
            ("StateTransitionedTimestamp", timestamp(self.changed)),
            ("EvaluationPeriods", json!(rule.evaluation_periods)),
            ("DatapointsToAlarm", json!(rule.datapoints_to_alarm)),
            ("Threshold", json!(rule.threshold)),
        ] {
            shown.insert(field.to_owned(), value);
        }
        if !shown.contains_key("Metrics") {
            shown.insert("Period".to_owned(), json!(self.definition.period));
        }
        Value::Object(shown)
    }
}

fn state(name: &str) -> Result<State, AwsError> {
    let known = STATES.iter().find(|(known, _)| *known == name);
    known.map(|(_, state)| *state).ok_or_else(|| {
        query::wrong(format!("The value {name} for parameter StateValue is invalid."))
    })
}

fn unknown_alarm(name: &str) -> AwsError {
    AwsError::not_found("ResourceNotFound", format!("There is no alarm {name}."))
}
