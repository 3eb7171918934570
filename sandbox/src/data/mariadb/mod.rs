//! MariaDB servers: one alone (the fixture of tests) or three as an Aurora cluster.

mod server;
mod template;

pub use server::{Options, Server};
