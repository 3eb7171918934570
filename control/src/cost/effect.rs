//! What a decision costs, in a sentence. Pure.

use chrono::{DateTime, Utc};
use protocol::control::{DecisionView, MonthView};

use super::month::remaining;
use super::{budget, dollars};

/// What the newest decision adds, an hour and to the end of the month, beside the budget.
#[must_use]
pub fn effect(decision: &DecisionView, month: Option<&MonthView>, now: DateTime<Utc>) -> String {
    let mut words = match decision.cost_micros_per_hour {
        None => vec!["its cost is not known".to_owned()],
        Some(hourly) => hourly_and_rest(hourly, now),
    };
    let Some(month) = month else { return words.join(", ") };
    match month.budget_percent {
        Some(percent) => words.push(format!("budget {percent} %")),
        None => words.push(format!("budget unknown: {}", month.unknown)),
    }
    if let (Some(low), Some(high)) = (month.forecast_low_micros, month.forecast_high_micros)
        && let Some(low) = budget::percent(low, month.budget_micros)
        && let Some(high) = budget::percent(high, month.budget_micros)
    {
        words.push(format!("month-end forecast {low}-{high} %"));
    }
    words.join(", ")
}

fn hourly_and_rest(hourly: i64, now: DateTime<Utc>) -> Vec<String> {
    let plus = if hourly > 0 { "+" } else { "" };
    let mut words = vec![format!("{plus}{}/h", dollars(hourly))];
    if hourly != 0 {
        let rest = i128::from(hourly) * i128::from(remaining(now).num_seconds()) / 3600;
        let rest = i64::try_from(rest).unwrap_or(i64::MAX);
        words.push(format!("{plus}{} by the month's end", dollars(rest)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{NaiveDate, TimeDelta};

    fn decision(cost_micros_per_hour: Option<i64>) -> DecisionView {
        DecisionView {
            cost_micros_per_hour,
            ..serde_json::from_value(serde_json::json!({
                "seq": 1, "at": "2026-11-20T00:00:00Z", "resource": "r", "action": "hold",
                "from": 3, "to": 3, "reason": "", "losing": [], "cost_micros_per_hour": 0
            }))
            .unwrap()
        }
    }

    fn month(spent: Option<i64>) -> MonthView {
        MonthView {
            month: NaiveDate::from_ymd_opt(2026, 11, 1).unwrap(),
            billed_micros: None,
            billed_until: None,
            as_of: None,
            spent_micros: spent,
            forecast_micros: None,
            forecast_low_micros: spent.map(|_| 94_900_000),
            forecast_high_micros: spent.map(|_| 103_000_000),
            band: String::new(),
            budget_micros: 100_000_000,
            budget_percent: spent.map(|micros| micros / 1_000_000),
            forecast_percent: None,
            drift_percent: None,
            unknown: "the bill is old".to_owned(),
        }
    }

    #[test]
    fn a_decision_says_what_it_costs_beside_the_budget() {
        let now = super::super::bill::midnight(NaiveDate::from_ymd_opt(2026, 11, 30).unwrap())
            + TimeDelta::hours(14);
        let known = month(Some(71_000_000));
        let unknown = month(None);
        #[rustfmt::skip]
        let table = [
            (590_000,  Some(&known),   "+$0.59/h, +$5.90 by the month's end, budget 71 %, month-end forecast 94-103 %"),
            (-590_000, Some(&known),   "-$0.59/h, -$5.90 by the month's end, budget 71 %, month-end forecast 94-103 %"),
            (0,        Some(&unknown), "$0.00/h, budget unknown: the bill is old"),
            (590_000,  None,           "+$0.59/h, +$5.90 by the month's end"),
        ];
        for (hourly, month, want) in table {
            assert_eq!(effect(&decision(Some(hourly)), month, now), want);
        }
        assert_eq!(effect(&decision(None), None, now), "its cost is not known");
    }
}
