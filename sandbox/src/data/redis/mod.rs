//! Redis servers: one alone (the fixture of tests) or three as an ElastiCache replication group.
//! Nothing is ever written to disk: the cache may be lost at any moment.

mod server;
mod wire;

pub use server::Server;
