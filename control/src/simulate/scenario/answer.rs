//! What a step of the roadmap needs and costs.

use std::fmt;

use super::play::Played;
use super::{Roadmap, Scenario};
use crate::cost::{self, HOURS_PER_MONTH, dollars, signed};
use crate::fleet::{Fleet, Seen};
use crate::simulate::judge::sight;

/// A region keeps two readers, so that a failover leaves one.
const READERS_MIN: u32 = 2;

/// The capacity and cost answer to a scenario with a roadmap.
pub struct Answer<'a> {
    pub scenario: &'a Scenario,
    pub roadmap: &'a Roadmap,
    pub played: &'a [Played],
}

impl Answer<'_> {
    /// The readers that carry the peak's reads, one of them lost.
    fn readers(&self) -> u32 {
        let mix = &self.roadmap.mix;
        let reads = self.scenario.load.peak * mix.reads * (1.0 - mix.cached);
        let carries = |readers: &u32| f64::from(*readers) * mix.reads_per_reader >= reads;
        let enough = (1..40).find(carries).unwrap_or(40);
        (enough + 1).max(READERS_MIN)
    }

    /// The database's parts of it all, as it was configured.
    fn holds(&self) -> Vec<(String, bool)> {
        let (mix, database) = (&self.roadmap.mix, &self.roadmap.database);
        let writes = self.scenario.load.peak * (1.0 - mix.reads);
        let readers = u32::try_from(database.readers_available().count()).unwrap_or(u32::MAX);
        let needed = self.readers();
        let worst = self.played.iter().map(|one| one.ours.availability_percent());
        let availability = worst.fold(100.0, f64::min);
        let promised = self.roadmap.availability_percent;
        let p95 = self.p95_ms();
        vec![
            (format!("readers: {needed} needed, {readers} there"), readers >= needed),
            (
                format!("writer: {writes:.0} writes/s at the peak of {:.0}", mix.writes_per_writer),
                writes <= mix.writes_per_writer,
            ),
            (
                format!(
                    "p95 at the highest load: {p95:.1} ms of {:.0} ms",
                    self.scenario.service.p95_ms_max
                ),
                p95 <= self.scenario.service.p95_ms_max,
            ),
            (
                format!("availability: {availability:.4} % of {promised} % promised"),
                availability >= promised,
            ),
        ]
    }

    /// At the highest slice of all seeds.
    fn p95_ms(&self) -> f64 {
        let highest = self.played.iter().map(|one| one.highest);
        let (rate, tasks) = highest.fold((0.0, 1), |a, b| if b.0 > a.0 { b } else { a });
        self.scenario.service.p95_ms(rate, tasks)
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = &self.scenario.load;
        writeln!(
            f,
            "  {} users; {:.0} requests/s sustained, {:.0} at the peak",
            self.roadmap.users, load.sustained, load.peak
        )?;
        for (what, holds) in self.holds() {
            writeln!(f, "  {what}: {}", if holds { "holds" } else { "DOES NOT HOLD" })?;
        }
        let rates: Option<Vec<u64>> = self.played.iter().map(|one| one.micros_per_hour).collect();
        let Some(rates) = rates.filter(|rates| !rates.is_empty()) else {
            return writeln!(f, "  cost: unknown, since a part of it has no price");
        };
        let mean = rates.iter().sum::<u64>() / u64::try_from(rates.len()).unwrap_or(1);
        writeln!(f, "  cost: {} a month, of which", month(mean))?;
        let at = self.scenario.start;
        let fleet = Fleet {
            database: Some(Seen { value: self.roadmap.database.clone(), at }),
            cache: Some(Seen { value: self.roadmap.cache.clone(), at }),
            broker: Some(Seen { value: self.roadmap.broker.clone(), at }),
            ..Fleet::default()
        };
        let fixed = cost::rate(&sight(&fleet, &self.scenario.environment));
        let mut rest = mean;
        for line in fixed.lines.iter().filter(|line| line.micros_per_hour > 0) {
            rest = rest.saturating_sub(line.micros_per_hour);
            let share = month(line.micros_per_hour);
            writeln!(f, "    {:<18} {share:>12}  {}", line.name, line.basis)?;
        }
        writeln!(f, "    {:<18} {:>12}  as they were scaled", "tasks", month(rest))?;
        writeln!(f, "    not counted: {}", fixed.not_counted.join("; "))
    }
}

/// What so much an hour is in a month.
fn month(micros_per_hour: u64) -> String {
    dollars(signed(micros_per_hour.saturating_mul(HOURS_PER_MONTH)))
}
