//! `kind: Environment`: one file that says everything about one environment.

use std::collections::BTreeMap;

use protocol::control::{Mode, Severity, Tier};

use crate::alert::Rule;
use crate::cost::PriceBook;
use crate::readings::Signal;
use crate::reconcile::capacity::Policy;

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
    pub alerts: Vec<Rule>,
    /// SNS topic ARNs by severity. P4 needs none: it is for the dashboard.
    pub topics: BTreeMap<Severity, String>,
    /// In millionths of a dollar a month.
    pub budget_micros_per_month: u64,
    pub prices: PriceBook,
}

/// What the service is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceNames {
    pub cluster: String,
    pub name: String,
    pub target_group: String,
}
