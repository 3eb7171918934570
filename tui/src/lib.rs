//! The terminal dashboard of the control plane: `wallet-ops`.
//!
//! `net` turns the daemon's stream into messages, `update` folds messages and keys into the model,
//! `view` draws the model. Only `runtime` waits, and never for the network: a hung daemon cannot
//! hold up a key. The dashboard knows the daemon's API and nothing of AWS, SQL or Kafka.

pub mod config;
pub mod keys;
pub mod model;
pub mod net;
pub mod runtime;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
