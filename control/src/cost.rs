//! What the environment costs as it stands: observed topology times the price book. Pure.
//!
//! Money is in millionths of a dollar an hour. What was not seen has no price: the total is then
//! unknown, and never the sum of the rest. Storage, requests and transfer are not in here; they
//! follow use, and the bill has them.

use std::collections::BTreeMap;

use protocol::control::{CostComponent, CostView};

use crate::fleet::{Fleet, Task};

/// Prices on a date, with their sources. In millionths of a dollar an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBook {
    pub region: String,
    /// When they were collected, as a date, and from where.
    pub as_of: String,
    pub source: String,
    pub fargate_vcpu: u64,
    pub fargate_gb: u64,
    pub load_balancer: u64,
    /// Per load balancer capacity unit.
    pub load_balancer_unit: u64,
    pub nat_gateway: u64,
    /// By instance class.
    pub database: BTreeMap<String, u64>,
    /// By node type.
    pub cache: BTreeMap<String, u64>,
    /// By instance type.
    pub broker: BTreeMap<String, u64>,
}

impl PriceBook {
    /// One task's price. `None` when its size is not known.
    #[must_use]
    pub fn task(&self, task: &Task) -> Option<u64> {
        if task.cpu_units == 0 || task.memory_mib == 0 {
            return None;
        }
        let cpu = self.fargate_vcpu.checked_mul(u64::from(task.cpu_units))? / 1024;
        let memory = self.fargate_gb.checked_mul(u64::from(task.memory_mib))? / 1024;
        cpu.checked_add(memory)
    }
}

/// The environment's cost an hour, by component, largest first.
#[must_use]
pub fn view(fleet: &Fleet, prices: &PriceBook) -> CostView {
    let parts = [
        tasks(fleet, prices),
        database(fleet, prices),
        cache(fleet, prices),
        broker(fleet, prices),
        Some(part("load balancer", "1 ALB, 1 capacity unit".to_owned(), balancer(prices))),
        Some(part("nat", "1 NAT gateway".to_owned(), prices.nat_gateway)),
    ];
    let known = parts.iter().all(Option::is_some);
    let mut components: Vec<CostComponent> = parts.into_iter().flatten().collect();
    components.sort_by(|a, b| (b.micros_per_hour, &a.name).cmp(&(a.micros_per_hour, &b.name)));
    let total = components
        .iter()
        .try_fold(0_u64, |sum, component| sum.checked_add(component.micros_per_hour));
    CostView {
        micros_per_hour: total.filter(|_| known),
        components,
        prices: format!("{} of {}: {}", prices.region, prices.as_of, prices.source),
    }
}

fn part(name: &str, basis: String, micros_per_hour: u64) -> CostComponent {
    CostComponent { name: name.to_owned(), basis, micros_per_hour }
}

fn balancer(prices: &PriceBook) -> u64 {
    prices.load_balancer.saturating_add(prices.load_balancer_unit)
}

/// Tasks are paid for from the start of their image's download until they have stopped.
fn tasks(fleet: &Fleet, prices: &PriceBook) -> Option<CostComponent> {
    let service = &fleet.service.as_ref()?.value;
    let paid: Vec<&Task> = service.tasks.iter().filter(|task| task.status != "STOPPED").collect();
    let mut sum = 0_u64;
    for task in &paid {
        sum = sum.checked_add(prices.task(task)?)?;
    }
    let basis = match paid.first() {
        None => "no tasks".to_owned(),
        Some(task) => format!(
            "{} × {} vCPU, {} GB",
            paid.len(),
            f64::from(task.cpu_units) / 1024.0,
            f64::from(task.memory_mib) / 1024.0
        ),
    };
    Some(part("tasks", basis, sum))
}

fn database(fleet: &Fleet, prices: &PriceBook) -> Option<CostComponent> {
    let database = &fleet.database.as_ref()?.value;
    let classes = database.instances.iter().map(|one| one.class.as_str());
    by_type("database", classes, &prices.database)
}

fn cache(fleet: &Fleet, prices: &PriceBook) -> Option<CostComponent> {
    let cache = &fleet.cache.as_ref()?.value;
    let types = cache.nodes.iter().map(|_| cache.node_type.as_str());
    by_type("cache", types, &prices.cache)
}

fn broker(fleet: &Fleet, prices: &PriceBook) -> Option<CostComponent> {
    let broker = &fleet.broker.as_ref()?.value;
    let types = broker.nodes.iter().map(|_| broker.instance_type.as_str());
    by_type("broker", types, &prices.broker)
}

/// Counts members by type. A type without a price makes the whole unknown.
fn by_type<'a>(
    name: &str,
    members: impl Iterator<Item = &'a str>,
    prices: &BTreeMap<String, u64>,
) -> Option<CostComponent> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for member in members {
        *counts.entry(member).or_default() += 1;
    }
    let mut sum = 0_u64;
    for (member, count) in &counts {
        sum = sum.checked_add(prices.get(*member)?.checked_mul(*count)?)?;
    }
    let basis: Vec<String> =
        counts.iter().map(|(member, count)| format!("{count} × {member}")).collect();
    Some(part(name, basis.join(", "), sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples;

    #[test]
    fn the_whole_is_the_sum_of_its_parts() {
        let view = view(&samples::fleet(3, samples::second(0)), &samples::prices());
        let lines: Vec<String> = view
            .components
            .iter()
            .map(|one| format!("{} {} {}", one.name, one.basis, one.micros_per_hour))
            .collect();
        assert_eq!(
            lines,
            [
                "database 3 × db.r6g.2xlarge 6447000",
                "cache 3 × cache.r6g.large 1230000",
                "broker 3 × kafka.m5.large 1005000",
                "nat 1 NAT gateway 93000",
                "tasks 3 × 0.25 vCPU, 0.5 GB 63600",
                "load balancer 1 ALB, 1 capacity unit 45000",
            ]
        );
        assert_eq!(view.micros_per_hour, Some(8_883_600));
    }

    #[test]
    fn what_was_not_seen_makes_the_whole_unknown() {
        let prices = samples::prices();
        let mut fleet = samples::fleet(3, samples::second(0));
        fleet.cache = None;
        assert_eq!(view(&fleet, &prices).micros_per_hour, None);

        let mut fleet = samples::fleet(3, samples::second(0));
        fleet.database.as_mut().unwrap().value.instances[0].class = "db.r9.huge".to_owned();
        assert_eq!(view(&fleet, &prices).micros_per_hour, None);

        let mut fleet = samples::fleet(3, samples::second(0));
        fleet.service.as_mut().unwrap().value.tasks[0].cpu_units = 0;
        assert_eq!(view(&fleet, &prices).micros_per_hour, None);
    }

    #[test]
    fn a_task_costs_its_share_of_a_vcpu_and_of_a_gigabyte() {
        let task = &samples::fleet(1, samples::second(0)).service.unwrap().value.tasks[0];
        assert_eq!(samples::prices().task(task), Some(21_200));
    }
}
