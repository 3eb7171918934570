//! A world without AWS, in virtual time and from a seed, in which the production functions run.
//!
//! Two ways in. The *engine* steps one service through a trace of offered load, ten seconds at a
//! time, and asks a [`Scaler`](engine::Scaler) what to do: ours runs the very `classify`, `decide`,
//! alert and cost functions that serve production, its rivals are models of what others do. It
//! plays months in a second, and answers "what would another policy have done?". The *cloud*
//! implements [`Cloud`](crate::aws::Cloud) over the same kind of world, for the real loops.
//! Neither is ever started by `serve`.

pub mod alarms;
pub mod cloud;
pub mod command;
pub mod engine;
pub mod judge;
#[cfg(test)]
mod judge_tests;
pub mod meter;
pub mod mortality;
pub mod oracle;
pub mod ours;
pub mod outage;
pub mod replay;
pub mod rivals;
pub mod scenario;
pub mod series;
pub mod service;
pub mod site;
pub mod stage;
pub mod table;
pub mod tally;
pub mod tasks;
pub mod trace;
pub mod weather;
