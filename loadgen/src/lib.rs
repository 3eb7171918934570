//! Open-loop load with the operations mix, and an auditor that knows the ledger only from outside.
//!
//! `schedule` and `mix` say what is sent and when, from a seed; `send` sends it; `tally` counts
//! what
//! came back; `audit` then compares what was acknowledged with the ledger's tables and the topic.
//! Nothing here is shared with `wallet-svc`: a rule that both had wrong would not be seen.

pub mod audit;
pub mod config;
pub mod mix;
pub mod report;
pub mod run;
pub mod schedule;
pub mod send;
pub mod tally;
pub mod token;
