//! Redis servers: one alone (the fixture of tests) or three as an ElastiCache replication group.
//! Nothing is ever written to disk: the cache may be lost at any moment.

mod group;
mod server;
mod wire;

pub use group::{Replication, Settings};
pub use server::Server;
