//! `kind: Prices`: a dated price book in which every price names where it was read.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;

use super::read_text;
use crate::cost::{Commitment, Covers, Item, Price, PriceBook, Source, Trust, Unit, whole};
use crate::document::{Faults, Field, Map, decode};

const KEYS: &[&str] = &[
    "kind",
    "region",
    "as_of",
    "sources",
    "hourly",
    "monthly",
    "by_use",
    "database_hourly",
    "cache_hourly",
    "broker_hourly",
    "commitments",
];
/// Without these not even the smallest environment has a rate.
const REQUIRED: [Item; 5] = [
    Item::FargateVcpu,
    Item::FargateGb,
    Item::LoadBalancer,
    Item::LoadBalancerUnit,
    Item::NatGateway,
];
/// More than AWS has of commitments for what we run.
const COMMITMENTS_MAX: usize = 32;

type Sources = BTreeMap<String, Source>;

/// Reads one price file.
///
/// # Errors
///
/// Every fault in it.
pub fn read(path: &Path) -> Result<PriceBook, Faults> {
    let text = read_text(path)?;
    decode(&path.display().to_string(), &text, |root| book(&root.map(KEYS)?))
}

fn book(map: &Map<'_>) -> Option<PriceBook> {
    let kind = map.required("kind").and_then(|f| f.choice(&[("Prices", ())]));
    let region = map.required("region").and_then(|f| f.name());
    let as_of = map.required("as_of").and_then(|f| date(&f));
    let sources = map.required("sources").and_then(|f| sources(&f));
    // Prices are read all the same when the sources are faulty: their own faults are told too.
    let known = sources.clone().unwrap_or_default();
    let items = items(map, &known);
    let by_type = |key| map.required(key).and_then(|f| by_type(&f, &known));
    let (database, cache) = (by_type("database_hourly"), by_type("cache_hourly"));
    let broker = by_type("broker_hourly");
    let commitments = map
        .or("commitments", vec![], |f| f.list(COMMITMENTS_MAX, |item| commitment(&item, &known)));
    kind?;
    Some(PriceBook {
        region: region?,
        as_of: as_of?,
        sources: sources?,
        items: items?,
        database: database?,
        cache: cache?,
        broker: broker?,
        commitments: commitments?,
    })
}

fn sources(field: &Field<'_>) -> Option<Sources> {
    let map = field.open_map()?;
    let read: Vec<_> =
        map.fields().map(|(name, field)| Some((name.to_owned(), source(&field)?))).collect();
    read.into_iter().collect()
}

fn source(field: &Field<'_>) -> Option<Source> {
    let map = field.map(&["says", "dated", "trust"])?;
    let says = map.required("says").and_then(|f| f.text());
    let dated = map.required("dated").and_then(|f| date(&f));
    let trust = map.required("trust").and_then(|f| {
        f.choice(&[("list", Trust::List), ("copied", Trust::Copied), ("derived", Trust::Derived)])
    });
    Some(Source { says: says?, dated: dated?, trust: trust? })
}

/// The three maps of items, each with the items whose price is for that unit.
fn items(map: &Map<'_>, sources: &Sources) -> Option<BTreeMap<Item, Price>> {
    let mut items = BTreeMap::new();
    let mut whole = true;
    for (key, unit) in [("hourly", Unit::Hour), ("monthly", Unit::Month), ("by_use", Unit::Use)] {
        let Some(section) = map.optional(key).and_then(|field| field.open_map()) else { continue };
        for (name, field) in section.fields() {
            let here = |item: &Item| item.unit() == unit;
            let known = Item::ALL.iter().find(|(key, item)| *key == name && here(item));
            let Some((_, item)) = known else {
                let keys = Item::ALL.iter().filter(|(_, item)| here(item)).map(|(key, _)| *key);
                let hint = crate::document::nearest(name, keys.clone());
                let hint = hint.map_or_else(
                    || format!("known here: {}", keys.collect::<Vec<_>>().join(", ")),
                    |word| format!("did you mean `{word}`?"),
                );
                let _: Option<()> = field.fault(format!("unknown item `{name}`; {hint}"));
                whole = false;
                continue;
            };
            match price(&field, sources) {
                Some(price) => drop(items.insert(*item, price)),
                None => whole = false,
            }
        }
    }
    let hourly = map.required("hourly")?;
    for item in REQUIRED {
        let named = hourly.open_map()?.fields().any(|(name, _)| name == item.key());
        if !named {
            let _: Option<()> = hourly.fault(format!("`{}` is missing", item.key()));
            whole = false;
        }
    }
    whole.then_some(items)
}

fn by_type(field: &Field<'_>, sources: &Sources) -> Option<BTreeMap<String, Price>> {
    let map = field.open_map()?;
    let read: Vec<_> = map
        .fields()
        .map(|(name, field)| Some((name.to_owned(), price(&field, sources)?)))
        .collect();
    read.into_iter().collect()
}

fn price(field: &Field<'_>, sources: &Sources) -> Option<Price> {
    let map = field.map(&["usd", "source"])?;
    let micros = map.required("usd").and_then(|f| usd(&f));
    let source = map.required("source").and_then(|f| named_source(&f, sources));
    Some(Price { micros: micros?, source: source? })
}

fn named_source(field: &Field<'_>, sources: &Sources) -> Option<String> {
    let name = field.text()?;
    if sources.contains_key(&name) {
        return Some(name);
    }
    let hint = crate::document::nearest(&name, sources.keys().map(String::as_str));
    let hint = hint.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    field.fault(format!("`{name}` is none of the sources above{hint}"))
}

fn commitment(field: &Field<'_>, sources: &Sources) -> Option<Commitment> {
    let map = field.map(&["name", "covers", "off", "source"])?;
    let name = map.required("name").and_then(|f| f.name());
    let covers = map.required("covers").and_then(|f| {
        f.choice(&[
            ("tasks", Covers::Tasks),
            ("database", Covers::Database),
            ("cache", Covers::Cache),
            ("spot_tasks", Covers::SpotTasks),
        ])
    });
    let off = map.required("off").and_then(|f| off(&f));
    let source = map.required("source").and_then(|f| named_source(&f, sources));
    Some(Commitment { name: name?, covers: covers?, off_permille: off?, source: source? })
}

/// A share of the price, to a tenth of a percent.
fn off(field: &Field<'_>) -> Option<u32> {
    let percent = field.percent()?;
    if !(1.0..=95.0).contains(&percent) {
        return field.fault("must be from 1% to 95%");
    }
    u32::try_from(whole(percent * 10.0)).ok()
}

/// Dollars with up to six decimals, as millionths.
fn usd(field: &Field<'_>) -> Option<u64> {
    let usd = field.number(0.0..=1_000.0)?;
    let micros = (usd * 1e6).round();
    if (micros - usd * 1e6).abs() > 1e-3 {
        return field.fault("must have six decimals at most");
    }
    Some(whole(micros))
}

fn date(field: &Field<'_>) -> Option<NaiveDate> {
    let text = field.text()?;
    match NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        Ok(date) => Some(date),
        Err(_) => field.fault(format!("`{text}` must be a date as 2026-09-01")),
    }
}
