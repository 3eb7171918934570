//! Which daemon a command asks, and as whom: said on the command line or by the environment, with
//! the dashboard's names.

use std::path::PathBuf;

use clap::Args;

/// A daemon somewhere else.
#[derive(Args, Clone, Debug)]
pub struct Daemon {
    /// The daemon's address, as `http://127.0.0.1:9100`.
    #[arg(long, env = "WALLET_OPS_URL")]
    pub url: String,
    /// The file that holds your token.
    #[arg(long, env = "WALLET_OPS_TOKEN_FILE", value_name = "FILE")]
    pub token_file: PathBuf,
}
