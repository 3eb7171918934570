//! MariaDB servers: one alone (the fixture of tests) or three as an Aurora cluster.

mod backup;
mod change;
mod cluster;
mod gtid;
mod node;
mod server;
mod session;
mod template;
mod watch;

pub use cluster::{Cluster, Settings};
pub use server::{Options, Server};
