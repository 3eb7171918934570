//! Parses the command line and shows the dashboard.

use clap::Parser;
use std::sync::Arc;
use tui::{config::Options, net::stream::Source, runtime, theme::Theme};

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    // The provider can only be installed once, and this is the first thing that is done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let source = Source::new(&options.url, options.bearer()?)?;
    let theme = Theme::new(options.colour(), options.ascii);
    #[expect(clippy::disallowed_methods, reason = "the one clock read of this program")]
    let clock: runtime::Clock = Arc::new(chrono::Utc::now);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(runtime::run(source, theme, clock))
}
