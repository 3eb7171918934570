//! The table in which ways of scaling stand side by side.

use std::fmt;

use super::tally::Tally;
use crate::cost::{dollars, signed};

/// The way against which the others are measured, if it was played.
const MEASURE: &str = "aws-target-tracking";
/// What ours must reach against it: of its lost minutes, and of its task-hours.
const GOAL: (f64, f64) = (0.5, 1.1);

/// Tallies to print, and the price of one task for an hour, if it is known.
pub struct Table<'a> {
    pub tallies: &'a [Tally],
    pub price: Option<u64>,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {:<24} {:>14} {:>11} {:>6} {:>10} {:>10} {:>6} {:>6} {:>6} {:>11}",
            "policy",
            "tasks",
            "task-hours",
            "×aws",
            "min > tgt",
            "SLO lost",
            "×aws",
            "out",
            "in",
            "cost"
        )?;
        let measure = self.tallies.iter().find(|tally| tally.name == MEASURE);
        for tally in self.tallies {
            let tasks =
                format!("{}/{:.1}/{}", tally.tasks_min, tally.tasks_mean(), tally.tasks_max);
            let times = |of: fn(&Tally) -> f64| match measure {
                Some(measure) if of(measure) > 0.0 => format!("{:.2}", of(tally) / of(measure)),
                _ => "-".to_owned(),
            };
            let cost = self.price.and_then(|price| tally.cost_micros(price));
            writeln!(
                f,
                "  {:<24} {tasks:>14} {:>11.1} {:>6} {:>10.1} {:>10.1} {:>6} {:>6} {:>6} {:>11}",
                tally.name,
                tally.task_hours(),
                times(Tally::task_hours),
                tally.minutes_above_target(),
                tally.lost_minutes(),
                times(Tally::lost_minutes),
                tally.outs,
                tally.ins,
                cost.map_or_else(|| "unknown".to_owned(), |cost| dollars(signed(cost))),
            )?;
        }
        measure.map_or(Ok(()), |measure| self.goal(f, measure))
    }
}

impl Table<'_> {
    /// Says whether the goal was reached by whoever is no rival.
    fn goal(&self, f: &mut fmt::Formatter<'_>, measure: &Tally) -> fmt::Result {
        let rival = |name: &str| super::replay::RIVALS.contains(&name);
        for tally in self.tallies.iter().filter(|tally| !rival(&tally.name)) {
            let lost = tally.lost_minutes() <= GOAL.0 * measure.lost_minutes();
            let hours = tally.task_hours() <= GOAL.1 * measure.task_hours();
            let word = |reached: bool| if reached { "reached" } else { "NOT reached" };
            writeln!(
                f,
                "  {}: lost ≤ {} × aws {}; task-hours ≤ {} × aws {}",
                tally.name,
                GOAL.0,
                word(lost),
                GOAL.1,
                word(hours)
            )?;
        }
        Ok(())
    }
}
