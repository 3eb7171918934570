//! The command line, and the only reader of the environment.

use anyhow::Context;
use clap::Parser;
use std::path::PathBuf;

/// The dashboard of the wallet's control plane.
#[derive(Debug, Parser)]
#[command(name = "wallet-ops", version)]
pub struct Options {
    /// The control daemon: `http://host:port` or `https://host`.
    #[arg(long, env = "WALLET_OPS_URL")]
    pub url: String,
    /// File that holds the bearer token; `WALLET_OPS_TOKEN` is read without it.
    #[arg(long)]
    pub token_file: Option<PathBuf>,
    /// The bearer token itself; never given on the command line, where others could read it.
    #[arg(long, env = "WALLET_OPS_TOKEN", hide = true, hide_env_values = true)]
    pub token: Option<String>,
    /// Only ASCII characters: for terminals without box drawing or braille.
    #[arg(long)]
    pub ascii: bool,
    /// Set by many people to any text: then no colour is used.
    #[arg(long, env = "NO_COLOR", hide = true)]
    pub no_color: Option<String>,
}

impl Options {
    /// The token, without the line break of its file.
    ///
    /// # Errors
    ///
    /// No token was given, or its file cannot be read.
    pub fn bearer(&self) -> anyhow::Result<String> {
        let text = match (&self.token_file, &self.token) {
            (Some(path), _) => std::fs::read_to_string(path)
                .with_context(|| format!("reading the token from {}", path.display()))?,
            (None, Some(token)) => token.clone(),
            (None, None) => anyhow::bail!("no token: give --token-file or set WALLET_OPS_TOKEN"),
        };
        let token = text.trim();
        anyhow::ensure!(!token.is_empty(), "the token is empty");
        Ok(token.to_owned())
    }

    /// Whether colours may be used.
    #[must_use]
    pub fn colour(&self) -> bool {
        self.no_color.as_deref().is_none_or(str::is_empty)
    }
}
