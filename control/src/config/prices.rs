//! `kind: Prices`: a dated price book with its source.

use std::collections::BTreeMap;
use std::path::Path;

use super::read_text;
use crate::cost::PriceBook;
use crate::document::{Faults, Field, Map, decode};

const KEYS: &[&str] = &[
    "kind",
    "region",
    "as_of",
    "source",
    "per_hour_usd",
    "database_per_hour_usd",
    "cache_per_hour_usd",
    "broker_per_hour_usd",
];
const HOURLY: &[&str] =
    &["fargate_vcpu", "fargate_gb", "load_balancer", "load_balancer_unit", "nat_gateway"];

/// Reads one price file.
///
/// # Errors
///
/// Every fault in it.
pub(super) fn read(path: &Path) -> Result<PriceBook, Faults> {
    let text = read_text(path)?;
    decode(&path.display().to_string(), &text, |root| book(&root.map(KEYS)?))
}

fn book(map: &Map<'_>) -> Option<PriceBook> {
    let kind = map.required("kind").and_then(|f| f.choice(&[("Prices", ())]));
    let region = map.required("region").and_then(|f| f.name());
    let as_of = map.required("as_of").and_then(|f| date(&f));
    let source = map.required("source").and_then(|f| f.text());
    let hourly = map.required("per_hour_usd").and_then(|f| hourly(&f));
    let database = map.required("database_per_hour_usd").and_then(|f| by_type(&f));
    let cache = map.required("cache_per_hour_usd").and_then(|f| by_type(&f));
    let broker = map.required("broker_per_hour_usd").and_then(|f| by_type(&f));
    kind?;
    let [fargate_vcpu, fargate_gb, load_balancer, load_balancer_unit, nat_gateway] = hourly?;
    Some(PriceBook {
        region: region?,
        as_of: as_of?,
        source: source?,
        fargate_vcpu,
        fargate_gb,
        load_balancer,
        load_balancer_unit,
        nat_gateway,
        database: database?,
        cache: cache?,
        broker: broker?,
    })
}

fn hourly(field: &Field<'_>) -> Option<[u64; 5]> {
    let map = field.map(HOURLY)?;
    let read: Vec<_> = HOURLY.iter().map(|key| price(&map.required(key)?)).collect();
    let read: Option<Vec<u64>> = read.into_iter().collect();
    read?.try_into().ok()
}

fn by_type(field: &Field<'_>) -> Option<BTreeMap<String, u64>> {
    let map = field.open_map()?;
    let read: Vec<_> =
        map.fields().map(|(name, field)| Some((name.to_owned(), price(&field)?))).collect();
    read.into_iter().collect()
}

/// Dollars with up to six decimals, as millionths.
fn price(field: &Field<'_>) -> Option<u64> {
    let usd = field.number(0.0..=1_000.0)?;
    let micros = (usd * 1e6).round();
    if (micros - usd * 1e6).abs() > 1e-3 {
        return field.fault("must have six decimals at most");
    }
    Some(whole(micros))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller checked that it is whole and at most 10^9"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

fn date(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    match chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        Ok(_) => Some(text),
        Err(_) => field.fault(format!("`{text}` must be a date as 2026-09-01")),
    }
}
