//! What the environment costs as it stands: observed topology times the price book.

use std::collections::BTreeMap;

/// Prices on a date, with their sources. In millionths of a dollar an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBook {
    pub region: String,
    /// When they were collected, as a date.
    pub as_of: String,
    pub fargate_vcpu: u64,
    pub fargate_gb: u64,
    pub load_balancer: u64,
    pub load_balancer_unit: u64,
    pub nat_gateway: u64,
    /// By instance class.
    pub database: BTreeMap<String, u64>,
    /// By node type.
    pub cache: BTreeMap<String, u64>,
    /// By instance type.
    pub broker: BTreeMap<String, u64>,
}
