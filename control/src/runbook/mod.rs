//! Runs runbooks: what people would do at three in the morning, checked, recorded and at most once.
//!
//! `parse` turns a file into a [`book::Runbook`] or into its faults. `plan` says what a run would
//! do. `due` says what happens next in a run, `machine` whether that may follow and what it orders,
//! and `drive` does it: it writes every event into the journal before it acts. A run is the fold of
//! its events, so a killed process continues where it was; what it may have sent it looks at, and
//! never sends again.

pub mod action;
pub mod book;
pub mod choose;
pub mod condition;
pub mod drive;
pub mod due;
pub mod engine;
pub mod event;
mod frozen;
pub mod lag;
mod ledger;
pub mod library;
mod look;
pub mod machine;
mod measure;
pub mod parse;
pub mod plan;
pub mod refusal;
pub mod replay;
mod rollout;
pub mod site;
mod start;
pub mod state;
mod step;
pub mod template;
pub mod view;
pub mod world;

pub use frozen::Runs;
pub use start::start;
