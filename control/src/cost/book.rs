//! The price book: what AWS asks on a date in one region, each price with where it was read.
//!
//! A book that says nothing of an item makes whatever needs it unknown. How far a price can be
//! trusted is part of it, since several could be had only second hand.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::HOURS_PER_MONTH;
use crate::fleet::Task;

/// How far a source can be trusted, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// The vendor's own list.
    List,
    /// A document that names the vendor's list.
    Copied,
    /// Worked out from prices of another region or service.
    Derived,
}

/// Where prices were read, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub says: String,
    pub dated: NaiveDate,
    pub trust: Trust,
}

/// One price, in millionths of a dollar for one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub micros: u64,
    /// Names one of the book's sources.
    pub source: String,
}

/// What a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Hour,
    /// Of [`HOURS_PER_MONTH`] hours.
    Month,
    /// A unit of use: a gigabyte, a million, a thousand.
    Use,
}

macro_rules! items {
    ($($(#[$doc:meta])* $item:ident = $key:literal, $unit:ident;)*) => {
        /// Everything priced that is not an instance class.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Item { $($(#[$doc])* $item,)* }

        impl Item {
            /// Every item with its key in the price file.
            pub const ALL: &[(&'static str, Self)] = &[$(($key, Self::$item),)*];

            /// Its key in the price file.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$item => $key,)* }
            }

            /// What its price is for.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Self::$item => Unit::$unit,)* }
            }
        }
    };
}

items! {
    FargateVcpu = "fargate_vcpu", Hour;
    FargateGb = "fargate_gb", Hour;
    LoadBalancer = "load_balancer", Hour;
    /// Per load balancer capacity unit.
    LoadBalancerUnit = "load_balancer_unit", Hour;
    NatGateway = "nat_gateway", Hour;
    PublicAddress = "public_address", Hour;
    InterfaceEndpoint = "interface_endpoint", Hour;
    /// Aurora capacity unit of a serverless member.
    DatabaseAcu = "database_acu", Hour;
    DatabaseGb = "database_gb", Month;
    BackupGb = "backup_gb", Month;
    BrokerGb = "broker_gb", Month;
    LogStoredGb = "log_stored_gb", Month;
    /// A gigabyte of logs in the archive that they would move to.
    LogArchivedGb = "log_archived_gb", Month;
    CustomMetric = "custom_metric", Month;
    Alarm = "alarm", Month;
    Dashboard = "dashboard", Month;
    Secret = "secret", Month;
    Key = "key", Month;
    MillionIos = "million_ios", Use;
    NatGb = "nat_gb", Use;
    InternetGb = "internet_gb", Use;
    LogGb = "log_gb", Use;
    ThousandMetricsAsked = "thousand_metrics_asked", Use;
    /// One request to Cost Explorer.
    BillAsked = "bill_asked", Use;
}

/// What a commitment makes cheaper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    Tasks,
    Database,
    Cache,
    /// Tasks on spare capacity, which AWS may take away.
    SpotTasks,
}

/// A price that is lower for a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    pub name: String,
    pub covers: Covers,
    /// Thousandths off the price on demand.
    pub off_permille: u32,
    pub source: String,
}

/// Prices of one region on a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBook {
    pub region: String,
    pub as_of: NaiveDate,
    pub sources: BTreeMap<String, Source>,
    pub items: BTreeMap<Item, Price>,
    /// By instance class.
    pub database: BTreeMap<String, Price>,
    /// By node type.
    pub cache: BTreeMap<String, Price>,
    /// By instance type.
    pub broker: BTreeMap<String, Price>,
    pub commitments: Vec<Commitment>,
}

impl PriceBook {
    /// One task's price an hour. `None` when its size or a price is not known.
    #[must_use]
    pub fn task(&self, task: &Task) -> Option<u64> {
        if task.cpu_units == 0 || task.memory_mib == 0 {
            return None;
        }
        self.task_of(task.cpu_units, task.memory_mib)
    }

    /// The price an hour of a task of that size.
    #[must_use]
    pub fn task_of(&self, cpu_units: u32, memory_mib: u32) -> Option<u64> {
        let vcpu = self.items.get(&Item::FargateVcpu)?.micros;
        let gb = self.items.get(&Item::FargateGb)?.micros;
        let cpu = vcpu.checked_mul(u64::from(cpu_units))? / 1024;
        let memory = gb.checked_mul(u64::from(memory_mib))? / 1024;
        cpu.checked_add(memory)
    }

    /// What so many millionths of a unit cost: in an hour if the item is priced by time, else
    /// once.
    #[must_use]
    pub fn amount(&self, item: Item, micro_units: u64) -> Option<u64> {
        let price = self.items.get(&item)?.micros;
        let per = match item.unit() {
            Unit::Hour | Unit::Use => 1,
            Unit::Month => HOURS_PER_MONTH,
        };
        let micros = u128::from(price) * u128::from(micro_units) / (1_000_000 * u128::from(per));
        u64::try_from(micros).ok()
    }

    /// Where an item's price was read.
    #[must_use]
    pub fn source(&self, item: Item) -> &str {
        self.items.get(&item).map_or("", |price| price.source.as_str())
    }

    /// The region, the date and the least trusted kind of source, in words.
    #[must_use]
    pub fn says(&self) -> String {
        let derived = self.sources.values().filter(|source| source.trust == Trust::Derived).count();
        format!(
            "{} of {}, on demand, before tax; {} sources, {derived} of them derived",
            self.region,
            self.as_of,
            self.sources.len()
        )
    }
}
