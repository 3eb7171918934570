//! Everything that `/metrics` shows: one struct of handles, each with its help text.
//!
//! Labels have few values, all known at compile time, so their handles are made once and the hot
//! path takes no lock on a map. What the ledger counts itself is asked at each scrape.

use crate::{
    ledger::{command::Transaction, money::Currency},
    store::{Mode, Stats},
    traffic::{Ending, Operation},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use protocol::wallet::EntryKind;
use std::{fmt, time::Duration};

type Label = (&'static str, &'static str);

/// Seconds. The targets are 10, 50 and 100 ms, so these are bucket bounds.
const LATENCY_BUCKETS: [f64; 14] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// The operations, and one more for what no route matched.
const OPERATIONS: usize = Operation::ALL.len() + 1;

/// What moves money, and the counter of how much.
const MOVEMENTS: [(EntryKind, &str); 4] = [
    (EntryKind::Deposit, "money_deposited"),
    (EntryKind::Withdrawal, "money_withdrawn"),
    (EntryKind::TransferOut, "money_transferred"),
    (EntryKind::HoldCaptured, "money_captured"),
];

/// The handles.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: [[Counter; Ending::ALL.len()]; OPERATIONS],
    seconds: [Histogram; OPERATIONS],
    money: [[Counter; Currency::COUNT]; MOVEMENTS.len()],
    fees: [Counter; Currency::COUNT],
    /// Requests being worked on.
    pub requests_in_work: Gauge,
    /// Requests answered 503 because the task had as many as it takes.
    pub refused_requests: Counter,
    /// Open client connections.
    pub connections: Gauge,
    /// Publications to CloudWatch that failed after the SDK's retries.
    pub cloudwatch_failures: Counter,
}

impl Metrics {
    /// Registers everything. `stats` is asked at each scrape.
    #[must_use]
    pub fn new(stats: impl Fn() -> Stats + Send + Sync + 'static) -> Self {
        let mut registry = Registry::with_prefix("wallet");
        let requests = Family::<[Label; 2], Counter>::default();
        let seconds =
            Family::<[Label; 1], Histogram, fn() -> Histogram>::new_with_constructor(|| {
                Histogram::new(LATENCY_BUCKETS)
            });
        let (in_work, refused) = (Gauge::default(), Counter::default());
        let (connections, cloudwatch_failures) = (Gauge::default(), Counter::default());

        registry.register(
            "requests",
            "API requests by operation and how they ended",
            requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register("requests_in_work", "API requests being worked on", in_work.clone());
        registry.register(
            "requests_refused",
            "API requests answered 503 because the task had as many as it takes",
            refused.clone(),
        );
        registry.register("connections", "Open client connections", connections.clone());
        registry.register(
            "cloudwatch_failures",
            "Publications to CloudWatch that failed after the SDK's retries",
            cloudwatch_failures.clone(),
        );
        registry.register_collector(Box::new(LedgerCollector(Box::new(stats))));
        const MOVED: &str = "Money moved, in minor units of the currency";
        const CHARGED: &str = "Fees charged for it, in minor units of the currency";
        let money = MOVEMENTS.map(|(_, name)| by_currency(&mut registry, name, MOVED));
        let fees = by_currency(&mut registry, "fees_charged", CHARGED);

        Self {
            registry,
            requests: std::array::from_fn(|index| {
                Ending::ALL.map(|ending| {
                    let labels =
                        [("operation", operation(index)), ("status_class", ending.class())];
                    requests.get_or_create_owned(&labels)
                })
            }),
            seconds: std::array::from_fn(|index| {
                seconds.get_or_create_owned(&[("operation", operation(index))])
            }),
            money,
            fees,
            requests_in_work: in_work,
            refused_requests: refused,
            connections,
            cloudwatch_failures,
        }
    }

    /// Counts an answered or abandoned request. `None` is one that no route matched.
    pub fn served(&self, operation: Option<Operation>, ending: Ending, latency: Duration) {
        let index = operation.map_or(OPERATIONS - 1, Operation::index);
        self.requests[index][ending as usize].inc();
        self.seconds[index].observe(latency.as_secs_f64());
    }

    /// Counts money that was moved just now, and not by an earlier request with the same key.
    pub fn moved(&self, transaction: &Transaction) {
        let movement = MOVEMENTS.iter().position(|(kind, _)| *kind == transaction.kind);
        if let (Some(movement), Ok(amount)) = (movement, u64::try_from(transaction.amount)) {
            self.money[movement][transaction.currency.index()].inc_by(amount);
        }
        if let Ok(fee) = u64::try_from(transaction.fee) {
            self.fees[transaction.currency.index()].inc_by(fee);
        }
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn scrape(&self) -> String {
        let mut page = String::with_capacity(64 * 1024);
        text::encode(&mut page, &self.registry).expect("writing to a string does not fail");
        page
    }
}

/// A counter for each currency.
fn by_currency(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
) -> [Counter; Currency::COUNT] {
    let by_currency = Family::<[Label; 1], Counter>::default();
    registry.register(name, help, by_currency.clone());
    let mut currencies = Currency::all().map(Currency::code);
    std::array::from_fn(|_| {
        let code = currencies.next().expect("as many as there are");
        by_currency.get_or_create_owned(&[("currency", code)])
    })
}

fn operation(index: usize) -> &'static str {
    Operation::ALL.get(index).map_or("unmatched", |operation| operation.name())
}

/// Asks the ledger for its own counters and gauges.
struct LedgerCollector(Box<dyn Fn() -> Stats + Send + Sync>);

impl fmt::Debug for LedgerCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LedgerCollector")
    }
}

impl Collector for LedgerCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = (self.0)();
        for (name, help, value) in counters(&stats) {
            put(&mut encoder, name, help, None, &ConstCounter::new(value))?;
        }
        for (name, help, value) in gauges(&stats) {
            put(&mut encoder, name, help, None, &ConstGauge::new(value))?;
        }
        if let Some(us) = stats.outbox_oldest_us {
            let seconds = ConstGauge::new(Duration::from_micros(us).as_secs_f64());
            let help = "Age of the oldest batch that waits for the broker";
            put(&mut encoder, "outbox_oldest", help, Some(&Unit::Seconds), &seconds)?;
        }
        Ok(())
    }
}

fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

type Named<N> = (&'static str, &'static str, N);

fn counters(stats: &Stats) -> Vec<Named<u64>> {
    vec![
        ("batches", "Transactions that carried out commands", stats.batches),
        ("commands", "Commands decided in those", stats.commands),
        ("conflicts", "Batches repeated after a deadlock or a lock timeout", stats.conflicts),
        ("bisections", "Batches halved to find a command that cannot be stored", stats.bisections),
        ("lane_connects", "Connections to the writer that lanes opened", stats.connects),
        ("unknown_outcomes", "Commands answered OUTCOME_UNKNOWN", stats.unknown_outcomes),
        ("holds_expired", "Expired holds that this task has given back", stats.expired),
        ("outbox_events_published", "Events that the broker acknowledged", stats.published),
        ("cache_hits", "Balances answered from the cache", stats.cache_hits),
        ("cache_misses", "Balances that the cache did not have new enough", stats.cache_misses),
        ("cache_dropped", "Balances not written to the cache, being behind", stats.cache_dropped),
        ("cache_failures", "Times that the cache failed or was too slow", stats.cache_failures),
    ]
}

fn gauges(stats: &Stats) -> Vec<Named<u64>> {
    let queued = stats.queue_depths.iter().map(|&depth| as_u64(depth));
    let deepest = queued.clone().max().unwrap_or(0);
    let writable = u64::from(stats.mode == Mode::Writable);
    let mut gauges = vec![
        ("lanes", "Group commit lanes of this task", as_u64(stats.queue_depths.len())),
        ("lane_queue_depth", "Commands waiting in the lanes", queued.sum()),
        ("lane_queue_depth_max", "Commands waiting in the fullest lane", deepest),
        ("writable", "1 while the ledger takes writes", writable),
    ];
    let help = "Batches that wait for the broker";
    gauges.extend(stats.outbox_pending.map(|pending| ("outbox_pending", help, pending)));
    gauges
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
