//! JSON lines on standard output, one event a line, and panics among them.

use tracing_subscriber::EnvFilter;

/// The SDK and the drivers tell their own stories below this.
const DEFAULT_FILTER: &str = "info,aws_config=warn,sqlx=warn,rdkafka=off";

/// Starts logging. `filter` is in the form of `RUST_LOG`; a wrong one is replaced by the default.
/// Does nothing when somebody already logs, as in tests.
pub fn start(filter: Option<&str>) {
    let filter = filter.and_then(|filter| EnvFilter::try_new(filter).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER));
    let _already_started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let payload = panic.payload_as_str().unwrap_or("no text");
        tracing::error!(place, "panicked: {payload}");
    }));
}
