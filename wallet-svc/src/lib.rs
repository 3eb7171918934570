//! The wallet service: holds other people's money and moves it exactly once.
//!
//! `http` parses and answers, `store` owns the transaction, `ledger` decides; dependencies point
//! that way and never back. `cache` and `relay` may lose Redis and Kafka at any moment without a
//! failed write or a wrong balance. `app` builds all of it and knows the order of the shutdown.

pub mod app;
pub mod auth;
pub mod cache;
pub mod clock;
pub mod cloudwatch;
pub mod config;
pub mod fees;
pub mod health;
pub mod http;
pub mod ledger;
pub mod log;
pub mod metrics;
pub mod recent;
pub mod relay;
pub mod server;
pub mod shutdown;
pub mod store;
pub mod traffic;
mod vital;
