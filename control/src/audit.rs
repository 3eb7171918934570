//! `control audit`: looks into a journal without the daemon, which may be writing to it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

use crate::journal::{Address, ExportError, Location, Verdict, export, verify};

/// Looks into a journal: a file, or `mysql://user@host/database`.
#[derive(Subcommand)]
pub enum Audit {
    /// Proves that nothing was changed since it was written.
    Verify {
        #[arg(value_name = "FILE|URL")]
        journal: Address,
    },
    /// Writes its events, oldest first.
    Export {
        /// Only events after this one.
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        since_seq: u64,
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
        #[arg(value_name = "FILE|URL")]
        journal: Address,
    },
}

/// How events are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// One JSON object in each line.
    Jsonl,
}

/// Does it. A journal that was tampered with ends in failure.
///
/// # Errors
///
/// When the journal cannot be read, or the answer not be written.
pub async fn audit(
    audit: Audit,
    password_file: Option<PathBuf>,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, ExportError> {
    match audit {
        Audit::Verify { journal } => {
            let verdict = verify(&Location { address: journal, password_file }).await?;
            writeln!(out, "{verdict}")?;
            let intact = matches!(verdict, Verdict::Intact { .. });
            Ok(if intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Audit::Export { since_seq, format: Format::Jsonl, journal } => {
            export(&Location { address: journal, password_file }, since_seq, out).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
