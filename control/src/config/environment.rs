//! `kind: Environment`: one file that says everything about one environment.

use std::path::Path;

use protocol::control::{Mode, Tier};

use super::{alerts, cost, notify, prices, read_text, scaling, signals, slos};
use crate::alert::{Routes, Rule, Window};
use crate::cost::{Declared, PriceBook};
use crate::document::{Fault, Faults, Field, Map, decode};
use crate::forecast;
use crate::readings::Signal;
use crate::reconcile::capacity::Policy;
use crate::slo::Slo;

/// One environment, checked.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The file it was read from.
    pub file: String,
    pub name: String,
    pub tier: Tier,
    pub mode: Mode,
    pub region: String,
    pub account: String,
    pub service: ServiceNames,
    /// The Aurora cluster's identifier.
    pub database: String,
    /// The ElastiCache replication group's identifier.
    pub cache: String,
    /// The MSK cluster's ARN.
    pub broker: String,
    pub signals: Vec<Signal>,
    pub scaling: Policy,
    /// How the database's readers are sized, if control sizes them.
    pub readers: Option<Policy>,
    /// How the load is foretold, if it is.
    pub forecast: Option<forecast::Settings>,
    pub slos: Vec<Slo>,
    pub alerts: Vec<Rule>,
    /// Who is told of them.
    pub routes: Routes,
    /// When nobody is told.
    pub maintenance: Vec<Window>,
    /// In millionths of a dollar a month.
    pub budget_micros_per_month: u64,
    pub prices: PriceBook,
    /// What the calls cannot tell of it.
    pub declared: Declared,
}

/// What the service is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceNames {
    pub cluster: String,
    pub name: String,
    pub target_group: String,
}

const KEYS: &[&str] = &[
    "kind",
    "name",
    "tier",
    "mode",
    "region",
    "account",
    "prices",
    "resources",
    "signals",
    "scaling",
    "slos",
    "alerts",
    "topics",
    "notify",
    "maintenance",
    "budget",
    "cost",
];

/// Reads one environment file and the price file that it names.
///
/// # Errors
///
/// Every fault of both.
pub(super) fn read(path: &Path) -> Result<Environment, Faults> {
    let file = path.display().to_string();
    let text = read_text(path)?;
    let mut of_prices = Vec::new();
    let read = decode(&file, &text, |root| {
        let map = root.map(KEYS)?;
        let prices = price_book(&map, path, &mut of_prices);
        environment(&file, &map, prices)
    });
    read.map_err(|Faults(mut faults)| {
        faults.append(&mut of_prices);
        Faults(faults)
    })
}

/// The price file stands beside the environment file, or where its path leads from there.
fn price_book(map: &Map<'_>, path: &Path, faults: &mut Vec<Fault>) -> Option<PriceBook> {
    let field = map.required("prices")?;
    let name = field.text()?;
    match prices::read(&path.with_file_name(&name)) {
        Ok(prices) => same_region(map, &field, prices),
        Err(Faults(more)) => {
            faults.extend(more);
            field.fault(format!("`{name}` has faults of its own"))
        }
    }
}

/// Prices of another region would be believed, and wrong.
fn same_region(map: &Map<'_>, field: &Field<'_>, prices: PriceBook) -> Option<PriceBook> {
    // A missing region is a fault of its own, and is noted where it is read.
    let region = map.optional("region").and_then(|f| f.text());
    match region {
        Some(region) if region != prices.region => {
            field.fault(format!("holds the prices of {}, not of {region}", prices.region))
        }
        _ => Some(prices),
    }
}

/// Reads every part before it gives up on any, so that every fault is found.
fn environment(file: &str, map: &Map<'_>, prices: Option<PriceBook>) -> Option<Environment> {
    let kind = map.required("kind").and_then(|f| f.choice(&[("Environment", ())]));
    let name = map.required("name").and_then(|f| f.name());
    let tier = map.required("tier").and_then(|f| tier(&f));
    let mode = map.required("mode").and_then(|f| mode(&f));
    let region = map.required("region").and_then(|f| f.name());
    let account = map.required("account").and_then(|f| account(&f));
    let resources = map.required("resources").and_then(|f| resources(&f));
    let signals = map.required("signals").and_then(|f| signals::read(&f));
    let known = signals.as_deref().unwrap_or_default();
    let scaling = map.required("scaling").and_then(|f| scaling::read(&f, known));
    let slos = map.or("slos", vec![], |f| slos::read(f, known));
    let topics = map.required("topics").and_then(|f| notify::topics(&f));
    let routes = map.required("notify").and_then(|f| notify::read(&f, topics));
    let maintenance = map.or("maintenance", vec![], notify::windows);
    let scope = alerts::Scope {
        signals: known,
        slos: slos.as_deref().unwrap_or_default(),
        routes: routes.as_ref(),
    };
    let alerts = map.required("alerts").and_then(|f| alerts::read(&f, scope));
    let budget = map.required("budget").and_then(|f| budget(&f));
    let declared = map.or("cost", Declared::default(), cost::read);
    kind?;
    let (service, database, cache, broker) = resources?;
    let scaling = scaling?;
    Some(Environment {
        file: file.to_owned(),
        name: name?,
        tier: tier?,
        mode: mode?,
        region: region?,
        account: account?,
        service,
        database,
        cache,
        broker,
        signals: signals?,
        scaling: scaling.tasks,
        readers: scaling.readers,
        forecast: scaling.forecast,
        slos: slos?,
        alerts: alerts?,
        routes: routes?,
        maintenance: maintenance?,
        budget_micros_per_month: budget?,
        prices: prices?,
        declared: declared?,
    })
}

fn tier(field: &Field<'_>) -> Option<Tier> {
    field.choice(&[
        ("local", Tier::Local),
        ("staging", Tier::Staging),
        ("production", Tier::Production),
    ])
}

fn mode(field: &Field<'_>) -> Option<Mode> {
    field.choice(&[("observe", Mode::Observe), ("advise", Mode::Advise), ("act", Mode::Act)])
}

fn account(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        Some(text)
    } else {
        field.fault(format!("`{text}` must be the 12 digits of an AWS account, in quotes"))
    }
}

fn resources(field: &Field<'_>) -> Option<(ServiceNames, String, String, String)> {
    let map = field.map(&["service", "database", "cache", "broker"])?;
    let service = map.required("service").and_then(|f| service(&f));
    let database = map.required("database").and_then(|f| f.name());
    let cache = map.required("cache").and_then(|f| f.name());
    let broker = map.required("broker").and_then(|f| arn(&f, "kafka"));
    Some((service?, database?, cache?, broker?))
}

fn service(field: &Field<'_>) -> Option<ServiceNames> {
    let map = field.map(&["cluster", "name", "target_group"])?;
    let cluster = map.required("cluster").and_then(|f| f.name());
    let name = map.required("name").and_then(|f| f.name());
    let target_group = map.required("target_group").and_then(|f| f.name());
    Some(ServiceNames { cluster: cluster?, name: name?, target_group: target_group? })
}

fn budget(field: &Field<'_>) -> Option<u64> {
    let usd = field.map(&["usd_per_month"])?.required("usd_per_month")?.count(1..=10_000_000)?;
    Some(u64::from(usd) * 1_000_000)
}

/// An ARN of one of AWS's services.
pub(super) fn arn(field: &Field<'_>, service: &str) -> Option<String> {
    let text = field.text()?;
    let mut parts = text.split(':');
    if parts.next() == Some("arn") && parts.nth(1) == Some(service) && text.len() <= 256 {
        Some(text)
    } else {
        field.fault(format!("`{text}` must be an ARN of {service}"))
    }
}
