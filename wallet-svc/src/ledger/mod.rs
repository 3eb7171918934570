//! The rules of money. Pure: no clock, no database, no HTTP, no chance.
//!
//! [`batch::decide`] takes what was read under lock and the commands in the order they came, and
//! says what to write and what to answer. The same function runs in production, in the benchmark
//! and in the simulation.

pub mod batch;
mod canonical;
pub mod command;
pub mod entry;
pub mod fee;
mod group;
pub mod hold;
pub mod id;
mod lifecycle;
pub mod limit;
pub mod locked;
pub mod money;
mod movement;
pub mod posting;
mod refusal;
pub mod reversal;
pub mod wallet;
