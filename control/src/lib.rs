//! The control plane: reads an environment, decides, acts, alerts, and says why.
//!
//! Direction of dependencies: `api`, `app` → gateways (`aws`, `journal`, `probe`) → pure parts
//! (`reconcile/*/decide`, `calendar`, `forecast` and `cost` but for their loops, `alert/rule`,
//! `readings/classify`, `fleet`), never back. Only `aws` names the AWS SDK, only `journal` names
//! sqlx, only `config` reads the environment.

pub mod alert;
pub mod anomaly;
pub mod api;
pub mod app;
pub mod audit;
pub mod aws;
pub mod calendar;
pub mod check_aws;
pub mod concern;
pub mod config;
pub mod cost;
pub mod current;
pub mod document;
pub mod drill;
pub mod driver;
pub mod error;
pub mod fence;
pub mod fleet;
pub mod forecast;
pub mod hold;
pub mod http;
pub mod intent;
pub mod journal;
pub mod listen;
pub mod metrics;
pub mod oncall;
pub mod probe;
pub mod readings;
pub mod recent;
pub mod reconcile;
pub mod reload;
#[cfg(test)]
mod reload_tests;
pub mod runbook;
pub mod serve;
pub mod signals;
pub mod simulate;
pub mod slo;
pub mod snapshots;
#[cfg(test)]
mod snapshots_tests;
pub mod standby;
pub mod sweep;
pub mod view;
pub mod whatif;
