//! What the environment costs an hour as it stands: what is seen, times the price book. Pure.
//!
//! Each line says what was counted. A line that cannot be worked out makes the total unknown, and
//! what is not looked at is named, so that nobody takes its absence for nothing.

use std::collections::{BTreeMap, BTreeSet};

use protocol::control::{CostComponent, CostView, Reading};

use super::{Declared, HOURS_PER_MONTH, Item, Price, PriceBook, whole};
use crate::fleet::{Fleet, Task};
use crate::readings::Signal;

/// Everything that a rate is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    pub fleet: &'a Fleet,
    pub readings: &'a BTreeMap<String, Reading>,
    pub signals: &'a [Signal],
    pub declared: &'a Declared,
    pub prices: &'a PriceBook,
    /// Metrics asked of CloudWatch in a month, at the pace of now.
    pub metrics_asked_per_month: u64,
    /// Requests to Cost Explorer in a month, at the most.
    pub bills_asked_per_month: u64,
}

/// One component's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: &'static str,
    /// What was counted: `4 × 0.25 vCPU, 0.5 GB`.
    pub basis: String,
    pub micros_per_hour: u64,
    /// The names of its prices' sources.
    pub sources: BTreeSet<String>,
}

/// The rate, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Largest first.
    pub lines: Vec<Line>,
    /// Why lines that belong in here could not be worked out.
    pub unknown: Vec<String>,
    /// What nobody looks at in this environment.
    pub not_counted: Vec<String>,
}

impl Rate {
    /// The whole; `None` while any line is unknown.
    #[must_use]
    pub fn micros_per_hour(&self) -> Option<u64> {
        self.at_least().filter(|_| self.unknown.is_empty())
    }

    /// The sum of what is known.
    #[must_use]
    pub fn at_least(&self) -> Option<u64> {
        self.lines.iter().try_fold(0_u64, |sum, line| sum.checked_add(line.micros_per_hour))
    }

    /// The share of one component.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }
}

/// What became of a line; the words say why it is missing.
enum Worked {
    Line(Line),
    Unknown(String),
    NotCounted(String),
}

/// Use that a signal measures: a level that lasts, or an amount in each period.
struct Usage {
    signal: &'static str,
    line: &'static str,
    item: Item,
    unit: &'static str,
    flow: bool,
    /// Units of the signal in one unit of the price.
    per_unit: f64,
}

const fn level(signal: &'static str, line: &'static str, item: Item, unit: &'static str) -> Usage {
    Usage { signal, line, item, unit, flow: false, per_unit: 1.0 }
}

const fn flow(signal: &'static str, line: &'static str, item: Item, unit: &'static str) -> Usage {
    Usage { signal, line, item, unit, flow: true, per_unit: 1.0 }
}

const USAGES: [Usage; 7] = [
    level("database_gb", "database storage", Item::DatabaseGb, "GB"),
    level("backup_gb", "backups", Item::BackupGb, "GB"),
    Usage { per_unit: 1e6, ..flow("database_ios", "database I/O", Item::MillionIos, "I/Os") },
    flow("nat_gb", "NAT traffic", Item::NatGb, "GB"),
    flow("internet_gb", "traffic to clients", Item::InternetGb, "GB"),
    flow("log_gb", "logs written", Item::LogGb, "GB"),
    level("log_stored_gb", "logs kept", Item::LogStoredGb, "GB"),
];

/// The environment's rate, largest line first.
#[must_use]
pub fn rate(sight: &Sight<'_>) -> Rate {
    let mut rate = Rate::default();
    let fixed = [
        tasks(sight),
        database(sight),
        cache(sight),
        broker(sight),
        broker_storage(sight),
        balancer_units(sight),
        polling(sight),
        billing(sight),
    ];
    let declared = sight.declared.counts.iter().map(|(item, count)| counted(sight, *item, *count));
    let usages = USAGES.iter().map(|usage| used(sight, usage));
    for worked in fixed.into_iter().chain(declared).chain(usages) {
        match worked {
            Worked::Line(line) => rate.lines.push(line),
            Worked::Unknown(why) => rate.unknown.push(why),
            Worked::NotCounted(what) => rate.not_counted.push(what),
        }
    }
    rate.lines.sort_by(|a, b| (b.micros_per_hour, a.name).cmp(&(a.micros_per_hour, b.name)));
    rate
}

/// The rate as dashboards read it; what a month adds is put in by the loop that knows it.
#[must_use]
pub fn view(rate: &Rate, prices: &PriceBook) -> CostView {
    let component = |line: &Line| CostComponent {
        name: line.name.to_owned(),
        basis: line.basis.clone(),
        micros_per_hour: line.micros_per_hour,
        sources: line.sources.iter().cloned().collect(),
    };
    CostView {
        micros_per_hour: rate.micros_per_hour(),
        at_least_micros_per_hour: rate.at_least(),
        components: rate.lines.iter().map(component).collect(),
        unknown: rate.unknown.clone(),
        not_counted: rate.not_counted.clone(),
        prices: prices.says(),
        ..CostView::default()
    }
}

fn line(
    name: &'static str,
    basis: String,
    micros_per_hour: Option<u64>,
    sources: impl IntoIterator<Item = String>,
) -> Worked {
    match micros_per_hour {
        Some(micros_per_hour) => {
            let sources = sources.into_iter().collect();
            Worked::Line(Line { name, basis, micros_per_hour, sources })
        }
        None => Worked::Unknown(format!("{name}: no price for {basis}")),
    }
}

fn unseen(name: &str) -> Worked {
    Worked::Unknown(format!("{name}: not seen yet"))
}

/// Tasks are paid for from the start of their image's download until they have stopped.
fn tasks(sight: &Sight<'_>) -> Worked {
    let Some(seen) = &sight.fleet.service else { return unseen("tasks") };
    let paid: Vec<&Task> =
        seen.value.tasks.iter().filter(|task| task.status != "STOPPED").collect();
    let mut by_size: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for task in &paid {
        *by_size.entry((task.cpu_units, task.memory_mib)).or_default() += 1;
    }
    let size = |((cpu, memory), count): (&(u32, u32), &u64)| {
        format!("{count} × {} vCPU, {} GB", share(*cpu), share(*memory))
    };
    let basis: Vec<String> = by_size.iter().map(size).collect();
    let basis = if basis.is_empty() { "no tasks".to_owned() } else { basis.join("; ") };
    let sum = paid.iter().try_fold(0_u64, |sum, task| sum.checked_add(sight.prices.task(task)?));
    let sources = [Item::FargateVcpu, Item::FargateGb].map(|item| sight.source(item));
    line("tasks", basis, sum, sources)
}

/// Of 1024: units as AWS counts them.
fn share(units: u32) -> f64 {
    f64::from(units) / 1024.0
}

const SERVERLESS: &str = "db.serverless";

fn database(sight: &Sight<'_>) -> Worked {
    let Some(seen) = &sight.fleet.database else { return unseen("database") };
    let classes = seen.value.instances.iter().map(|one| one.class.as_str());
    if seen.value.instances.iter().all(|one| one.class != SERVERLESS) {
        return by_type("database", classes, &sight.prices.database);
    }
    // A serverless member is paid for by what it takes, which only its metric says.
    let members =
        by_type("database", classes.filter(|class| *class != SERVERLESS), &sight.prices.database);
    let acus = sight.readings.get("database_acus").and_then(|reading| reading.fresh());
    let taken = acus.and_then(micro_units);
    let amount = taken.and_then(|units| sight.prices.amount(Item::DatabaseAcu, units));
    match (members, acus, amount) {
        (Worked::Line(mut held), Some(acus), Some(amount)) => {
            held.basis = join(&held.basis, &format!("{acus:.1} ACU"));
            held.micros_per_hour = held.micros_per_hour.saturating_add(amount);
            held.sources.insert(sight.source(Item::DatabaseAcu));
            Worked::Line(held)
        }
        (Worked::Line(_), None, _) => {
            Worked::Unknown("database: serverless, and `database_acus` has no fresh value".into())
        }
        (Worked::Line(_), ..) => Worked::Unknown("database: no price for an ACU".to_owned()),
        (other, ..) => other,
    }
}

fn join(held: &str, more: &str) -> String {
    if held.is_empty() { more.to_owned() } else { format!("{held}, {more}") }
}

fn cache(sight: &Sight<'_>) -> Worked {
    let Some(seen) = &sight.fleet.cache else { return unseen("cache") };
    let types = seen.value.nodes.iter().map(|_| seen.value.node_type.as_str());
    by_type("cache", types, &sight.prices.cache)
}

fn broker(sight: &Sight<'_>) -> Worked {
    let Some(seen) = &sight.fleet.broker else { return unseen("broker") };
    let types = seen.value.nodes.iter().map(|_| seen.value.instance_type.as_str());
    by_type("broker", types, &sight.prices.broker)
}

/// Counts members by type. A type without a price makes the whole unknown.
fn by_type<'a>(
    name: &'static str,
    members: impl Iterator<Item = &'a str>,
    prices: &BTreeMap<String, Price>,
) -> Worked {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for member in members {
        *counts.entry(member).or_default() += 1;
    }
    let sum = counts.iter().try_fold(0_u64, |sum, (member, count)| {
        sum.checked_add(prices.get(*member)?.micros.checked_mul(*count)?)
    });
    let basis: Vec<String> =
        counts.iter().map(|(member, count)| format!("{count} × {member}")).collect();
    let sources = counts.keys().filter_map(|member| prices.get(*member));
    line(name, basis.join(", "), sum, sources.map(|price| price.source.clone()))
}

fn broker_storage(sight: &Sight<'_>) -> Worked {
    let Some(seen) = &sight.fleet.broker else { return unseen("broker storage") };
    let Some(gb) = seen.value.volume_gb else {
        return Worked::Unknown(
            "broker storage: MSK does not say how large its volumes are".into(),
        );
    };
    let nodes = seen.value.nodes.len();
    let units = u64::try_from(nodes).unwrap_or(u64::MAX).saturating_mul(u64::from(gb));
    let amount = sight.prices.amount(Item::BrokerGb, units.saturating_mul(1_000_000));
    line("broker storage", format!("{nodes} × {gb} GB"), amount, [sight.source(Item::BrokerGb)])
}

/// Capacity units as measured, or one for each load balancer, which is the least that is paid.
fn balancer_units(sight: &Sight<'_>) -> Worked {
    let item = Item::LoadBalancerUnit;
    let name = "load balancer use";
    if sight.signals.iter().any(|signal| signal.name == "load_balancer_units") {
        let usage = level("load_balancer_units", name, item, "capacity units");
        return used(sight, &usage);
    }
    let declared = sight.declared.counts.iter();
    let balancers = declared.filter(|(item, _)| *item == Item::LoadBalancer);
    let balancers: u32 = balancers.map(|(_, count)| *count).sum();
    let basis = format!("{balancers} × 1 capacity unit, assumed");
    let amount = sight.prices.amount(item, u64::from(balancers) * 1_000_000);
    line(name, basis, amount, [sight.source(item)])
}

/// What reading the environment costs by itself.
fn polling(sight: &Sight<'_>) -> Worked {
    let item = Item::ThousandMetricsAsked;
    let asked = sight.metrics_asked_per_month;
    // Thousands, in millionths: a thousand a unit.
    let month = sight.prices.amount(item, asked.saturating_mul(1_000));
    let basis = format!("{asked} metrics asked a month");
    line("polling", basis, month.map(|month| month / HOURS_PER_MONTH), [sight.source(item)])
}

fn billing(sight: &Sight<'_>) -> Worked {
    let item = Item::BillAsked;
    let asked = sight.bills_asked_per_month;
    let month = sight.prices.amount(item, asked.saturating_mul(1_000_000));
    let basis = format!("{asked} questions to Cost Explorer a month");
    line("bill", basis, month.map(|month| month / HOURS_PER_MONTH), [sight.source(item)])
}

fn counted(sight: &Sight<'_>, item: Item, count: u32) -> Worked {
    let name = match item {
        Item::LoadBalancer => "load balancer",
        Item::NatGateway => "nat",
        other => other.key(),
    };
    let amount = sight.prices.amount(item, u64::from(count) * 1_000_000);
    line(name, format!("{count} × {}, declared", item.key()), amount, [sight.source(item)])
}

fn used(sight: &Sight<'_>, usage: &Usage) -> Worked {
    let Usage { signal, line: name, item, .. } = *usage;
    let Some(defined) = sight.signals.iter().find(|one| one.name == signal) else {
        return Worked::NotCounted(format!("{name}: no signal `{signal}`"));
    };
    let reading = sight.readings.get(signal).and_then(|reading| reading.fresh());
    let Some(value) = reading else {
        return Worked::Unknown(format!("{name}: `{signal}` has no fresh value"));
    };
    let periods = 3600.0 / defined.period.as_seconds_f64();
    let hourly = if usage.flow { value * periods } else { value };
    let amount = micro_units(hourly / usage.per_unit);
    let amount = amount.and_then(|units| sight.prices.amount(item, units));
    let every = if usage.flow { " an hour" } else { "" };
    line(name, format!("{hourly:.3} {}{every}", usage.unit), amount, [sight.source(item)])
}

/// A measured amount in millionths; `None` when it is no amount.
pub(super) fn micro_units(value: f64) -> Option<u64> {
    (0.0..=1e9).contains(&value).then(|| whole(value * 1e6))
}

impl Sight<'_> {
    fn source(&self, item: Item) -> String {
        self.prices.source(item).to_owned()
    }
}
