//! What two processes must agree on, and nothing else.
//!
//! If a type crosses a process boundary as JSON it lives here; if it does not, it does not.
//! The crate does no I/O and knows no framework, so that the dashboard compiles without the AWS
//! SDK and the service without a terminal.

pub mod control;
pub mod event;
pub mod problem;
pub mod wallet;
