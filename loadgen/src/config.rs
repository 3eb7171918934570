//! The command line: every option with its default and its limit.

use crate::schedule::Step;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Load with the operations mix, and the proof that no money was lost or doubled.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version)]
pub struct Options {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sends load, settles what stayed open, audits, and prints a report.
    Run(Box<Run>),
    /// Audits the ledger and the topic as they stand, without sending anything.
    Audit(AuditTarget),
}

/// `loadgen run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The wallet service, through its load balancer.
    #[arg(long)]
    pub url: String,
    /// ES256 private key (PEM) that signs the tokens of the invented users.
    #[arg(long)]
    pub signing_key: PathBuf,
    #[arg(long, default_value = "https://issuer.wallet.local")]
    pub issuer: String,
    #[arg(long, default_value = "wallet")]
    pub audience: String,
    /// Requests per second; repeat as RATE@SECONDS to change it on the way.
    #[arg(long = "rate", default_value = "100", num_args = 1)]
    pub rates: Vec<Step>,
    /// How long to send, in seconds. Ctrl-C ends it early and goes on to the audit.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// Repeats the same requests at the same times.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Wallets to create, each of a user of its own.
    #[arg(long, default_value_t = 1_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub wallets: u32,
    /// Share of the requests that goes to one wallet, in percent.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub hot_percent: u32,
    /// Requests that may wait for an answer at once; one more is counted as not sent.
    #[arg(long, default_value_t = 20_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub waiting_max: u32,
    /// How long open writes are asked again at the end, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub settle_seconds: u64,
    /// Writes the report here as JSON, beside the text on standard output.
    #[arg(long)]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub audit: AuditTarget,
}

/// Where the truth is. Without a database there is no audit, and the report says so.
#[derive(Clone, Debug, Args)]
pub struct AuditTarget {
    /// The ledger: `mysql://user@host:port/wallet`.
    #[arg(long)]
    pub audit_db: Option<String>,
    /// The ledger's password.
    #[arg(long, env = "LOADGEN_DB_PASSWORD", hide_env_values = true)]
    pub audit_db_password: Option<String>,
    /// The brokers: `host:port,host:port`.
    #[arg(long)]
    pub audit_kafka: Option<String>,
    #[arg(long, default_value = "wallet.events")]
    pub audit_topic: String,
    /// How long the topic may take to hold every entry, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub audit_topic_seconds: u64,
}
