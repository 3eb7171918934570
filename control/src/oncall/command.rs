//! The commands as they are written on the command line.

use clap::{Args, Subcommand, ValueEnum};
use protocol::control::HoldDirection;

use crate::config::Daemon;

/// What the on-call engineer does.
#[derive(Clone, Debug, Subcommand)]
pub enum OnCall {
    /// Lists what is wrong, most severe first.
    Alerts(Alerts),
    /// Lists runs, newest first, and what they wait for.
    Runs(Runs),
    /// Lists the holds, floors and freezes that stand.
    Standing(Standing),
    /// Says that you look after an alert.
    Ack(Ack),
    /// Says yes to the plan of a run.
    Approve(Approve),
    /// Keeps a service from being sized for a while.
    Hold(Hold),
    /// Keeps a service from being smaller for a while.
    Floor(Floor),
    /// Stops everything that acts by itself for a while.
    Freeze(Freeze),
    /// Ends a hold, a floor or a freeze.
    Release(Release),
}

/// Whom to ask, and how to print the answer.
#[derive(Args, Clone, Debug)]
pub struct Asked {
    #[command(flatten)]
    pub daemon: Daemon,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Why something is changed, and under which name.
#[derive(Args, Clone, Debug)]
pub struct Why {
    /// Why: the journal keeps it.
    #[arg(long)]
    pub reason: String,
    /// Names the request, so that asking again under the same key does it once.
    #[arg(long)]
    pub key: Option<String>,
}

/// `control alerts`.
#[derive(Args, Clone, Debug)]
pub struct Alerts {
    #[command(flatten)]
    pub asked: Asked,
    /// Only those of this environment.
    #[arg(long)]
    pub environment: Option<String>,
    /// Also those that are over.
    #[arg(long)]
    pub all: bool,
}

/// `control runs`.
#[derive(Args, Clone, Debug)]
pub struct Runs {
    #[command(flatten)]
    pub asked: Asked,
    /// Only those of this environment.
    #[arg(long)]
    pub environment: Option<String>,
    /// Also those that have ended.
    #[arg(long)]
    pub all: bool,
}

/// `control standing`.
#[derive(Args, Clone, Debug)]
pub struct Standing {
    #[command(flatten)]
    pub asked: Asked,
}

/// `control ack`.
#[derive(Args, Clone, Debug)]
pub struct Ack {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub why: Why,
    /// The alert's name, as `control alerts` lists it.
    pub alert: String,
}

/// `control approve`.
#[derive(Args, Clone, Debug)]
pub struct Approve {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub why: Why,
    /// The run's name, as `control runs` lists it.
    pub run: String,
    /// The plan that you saw, or how it begins: another one is not approved.
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub plan: String,
}

/// Fewer characters could be those of another plan.
const HASH_CHARS_MIN: usize = 8;

fn hash(text: &str) -> Result<String, String> {
    if text.len() >= HASH_CHARS_MIN && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(text.to_lowercase())
    } else {
        Err(format!("must be at least {HASH_CHARS_MIN} digits of the hash that you saw"))
    }
}

/// Which way a size may not change.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Direction {
    In,
    Out,
    #[default]
    Both,
}

impl From<Direction> for HoldDirection {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::In => Self::In,
            Direction::Out => Self::Out,
            Direction::Both => Self::Both,
        }
    }
}

/// `control hold`.
#[derive(Args, Clone, Debug)]
pub struct Hold {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub why: Why,
    /// The environment, as `local`.
    #[arg(long)]
    pub environment: String,
    /// Which way it may not be sized.
    #[arg(long, value_enum, default_value_t)]
    pub direction: Direction,
    /// For how long, as `20m`; 4 h at most.
    #[arg(long = "for", value_name = "SPAN")]
    pub lasts: String,
}

/// `control floor`.
#[derive(Args, Clone, Debug)]
pub struct Floor {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub why: Why,
    /// The environment, as `local`.
    #[arg(long)]
    pub environment: String,
    /// How many tasks at least.
    #[arg(long)]
    pub tasks: u32,
    /// For how long, as `6h`; 7 days at most.
    #[arg(long = "for", value_name = "SPAN")]
    pub lasts: String,
}

/// `control freeze`.
#[derive(Args, Clone, Debug)]
pub struct Freeze {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub why: Why,
    /// The environment, as `local`.
    #[arg(long, required_unless_present = "everywhere")]
    pub environment: Option<String>,
    /// All environments at once.
    #[arg(long, conflicts_with = "environment")]
    pub everywhere: bool,
    /// For how long, as `2h`; 3 days at most.
    #[arg(long = "for", value_name = "SPAN")]
    pub lasts: String,
}

/// `control release`.
#[derive(Args, Clone, Debug)]
pub struct Release {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub why: Why,
    /// Its name, as `control standing` lists it.
    pub id: String,
}
