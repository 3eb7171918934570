//! The service's integration tests: one binary, real servers, a database of its own for each test.

mod app;
mod auth;
mod cloudwatch;
mod http_bad_input;
mod http_degraded;
mod http_holds;
mod http_movements;
mod http_orders;
mod http_reads;
mod http_reversal;
mod http_status;
mod ledger_cache;
mod ledger_commit;
mod ledger_concurrency;
mod ledger_failover;
mod ledger_failures;
mod ledger_history;
mod ledger_holds;
mod ledger_keys;
mod ledger_orders;
mod ledger_outbox;
mod ledger_reversal;
mod ledger_simulation;
mod ledger_world;
mod process;
mod shutdown;
