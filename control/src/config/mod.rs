//! What people configure: the environment files, and the little that the process environment says.
//!
//! The only module that reads the process environment. A wrong file is refused whole, with every
//! fault and its line, before a port opens. The types live where they are used; here they are
//! read and checked against each other.

mod environment;

pub use environment::{Environment, ServiceNames};
