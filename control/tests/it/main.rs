//! What the parts do together.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod api_access;
mod api_alerts;
mod api_app;
mod api_approvals;
mod api_bad_input;
mod api_contract;
mod api_freeze;
mod api_identity;
mod api_once;
mod api_reads;
mod api_replay;
mod api_runs;
mod api_stream;
mod api_tls;
mod oncall;
mod pair;
mod runs_conditions;
mod runs_crash;
mod runs_deployment;
mod runs_machine;
mod runs_parse;
mod runs_sim;
mod runs_stories;
mod simulate;
mod simulate_crash;
