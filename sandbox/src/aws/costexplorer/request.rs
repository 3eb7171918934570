//! Reads what is asked of Cost Explorer: days, metrics, groups and filters.

use crate::aws::wire::{AwsError, Input};
use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::{Value, json};

/// AWS's default history and forecast are 13 and 12 months.
const DAYS_MAX: i64 = 400;
const GROUPS_MAX: usize = 2;
const FILTER_DEPTH_MAX: usize = 8;
/// The metrics that are amounts of money, as they are answered. Asked for in any spelling.
const METRICS: [&str; 5] =
    ["UnblendedCost", "BlendedCost", "AmortizedCost", "NetUnblendedCost", "NetAmortizedCost"];

/// What costs are told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Service,
    Region,
    Account,
    Tag(String),
}

impl Group {
    fn dimension(key: &str) -> Result<Self, AwsError> {
        match key {
            "SERVICE" => Ok(Self::Service),
            "REGION" => Ok(Self::Region),
            "LINKED_ACCOUNT" => Ok(Self::Account),
            _ => Err(invalid(&format!("The dimension {key} is not part of the sandbox."))),
        }
    }

    fn read(input: Input<'_>) -> Result<Self, AwsError> {
        let key = input.required("Key")?;
        match input.required("Type")? {
            "DIMENSION" => Self::dimension(key),
            "TAG" => Ok(Self::Tag(key.to_owned())),
            other => Err(invalid(&format!("Groups of the type {other} are not known."))),
        }
    }

    /// As in the answer.
    pub(super) fn shown(&self) -> Value {
        match self {
            Self::Service => json!({"Type": "DIMENSION", "Key": "SERVICE"}),
            Self::Region => json!({"Type": "DIMENSION", "Key": "REGION"}),
            Self::Account => json!({"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}),
            Self::Tag(tag) => json!({"Type": "TAG", "Key": tag}),
        }
    }
}

/// Which costs count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// Has one of these values.
    Has(Group, Vec<String>),
}

impl Filter {
    /// Whether something with these values counts.
    pub(super) fn fits(&self, value: &dyn Fn(&Group) -> Option<String>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.fits(value)),
            Self::Any(filters) => filters.iter().any(|filter| filter.fits(value)),
            Self::Not(filter) => !filter.fits(value),
            Self::Has(group, values) => value(group).is_some_and(|value| values.contains(&value)),
        }
    }

    fn read(input: Input<'_>, depth: usize) -> Result<Self, AwsError> {
        if depth > FILTER_DEPTH_MAX {
            return Err(invalid("The filter nests too deep."));
        }
        let each = |field| -> Result<Vec<Self>, AwsError> {
            input.list(field)?.into_iter().map(|part| Self::read(part, depth + 1)).collect()
        };
        if input.has("And") {
            Ok(Self::All(each("And")?))
        } else if input.has("Or") {
            Ok(Self::Any(each("Or")?))
        } else if let Some(part) = input.part("Not")? {
            Ok(Self::Not(Box::new(Self::read(part, depth + 1)?)))
        } else if let Some(part) = input.part("Dimensions")? {
            Ok(Self::Has(Group::dimension(part.required("Key")?)?, values(part)?))
        } else if let Some(part) = input.part("Tags")? {
            Ok(Self::Has(Group::Tag(part.required("Key")?.to_owned()), values(part)?))
        } else {
            Err(invalid("The filter says nothing that the sandbox knows."))
        }
    }
}

fn values(input: Input<'_>) -> Result<Vec<String>, AwsError> {
    Ok(input.texts("Values")?.into_iter().map(str::to_owned).collect())
}

/// A day or a month, or a part of one. The end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start: NaiveDate,
    pub(super) end: NaiveDate,
}

impl Period {
    /// As in the answer.
    pub(super) fn shown(&self) -> Value {
        json!({"Start": self.start.to_string(), "End": self.end.to_string()})
    }

    /// How many days it has.
    pub(super) fn days(&self) -> i64 {
        (self.end - self.start).num_days()
    }
}

/// What both operations ask.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) start: NaiveDate,
    /// Exclusive.
    pub(super) end: NaiveDate,
    monthly: bool,
    /// The names to answer under.
    pub(super) metrics: Vec<String>,
    pub(super) groups: Vec<Group>,
    pub(super) filter: Filter,
}

impl Request {
    /// `GetCostAndUsage`.
    pub(super) fn read(input: Input<'_>) -> Result<Self, AwsError> {
        let metrics: Vec<String> =
            input.texts("Metrics")?.into_iter().map(metric).collect::<Result<_, _>>()?;
        if metrics.is_empty() {
            return Err(AwsError::missing("Metrics"));
        }
        let groups: Vec<Group> =
            input.list("GroupBy")?.into_iter().map(Group::read).collect::<Result<_, _>>()?;
        if groups.len() > GROUPS_MAX {
            return Err(invalid("Only two groups are allowed in one request."));
        }
        Ok(Self { groups, ..Self::common(input, metrics)? })
    }

    /// `GetCostForecast`.
    pub(super) fn read_forecast(input: Input<'_>) -> Result<Self, AwsError> {
        let metrics = vec![metric(input.required("Metric")?)?];
        Self::common(input, metrics)
    }

    fn common(input: Input<'_>, metrics: Vec<String>) -> Result<Self, AwsError> {
        let period = input.part("TimePeriod")?.ok_or_else(|| AwsError::missing("TimePeriod"))?;
        let (start, end) = (date(period, "Start")?, date(period, "End")?);
        if start >= end || (end - start).num_days() > DAYS_MAX {
            return Err(invalid("Start date must be before end date, by at most 400 days."));
        }
        let monthly = match input.required("Granularity")? {
            "DAILY" => false,
            "MONTHLY" => true,
            other => return Err(invalid(&format!("The granularity {other} is not enabled."))),
        };
        let filter = match input.part("Filter")? {
            Some(filter) => Filter::read(filter, 0)?,
            None => Filter::All(Vec::new()),
        };
        Ok(Self { start, end, monthly, metrics, groups: Vec::new(), filter })
    }

    /// The days or months of the request, the first and last cut to it.
    pub(super) fn periods(&self) -> Vec<Period> {
        let mut periods = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let next = if self.monthly {
                start.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)))
            } else {
                start.checked_add_days(Days::new(1))
            };
            let end = next.unwrap_or(self.end).min(self.end);
            periods.push(Period { start, end });
            start = end;
        }
        periods
    }
}

fn metric(name: &str) -> Result<String, AwsError> {
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let known = METRICS.iter().find(|known| plain(known) == plain(name));
    known
        .map(|known| (*known).to_owned())
        .ok_or_else(|| invalid(&format!("The metric {name} is not part of the sandbox.")))
}

fn date(input: Input<'_>, field: &str) -> Result<NaiveDate, AwsError> {
    let text = input.required(field)?;
    text.parse().map_err(|_| invalid(&format!("{field} must be a date as YYYY-MM-DD, not {text}.")))
}

pub(super) fn invalid(message: &str) -> AwsError {
    AwsError::refused("ValidationException", message)
}
