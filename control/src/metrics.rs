//! Every metric of the daemon, with its help text.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Handles to the metrics.
pub struct Metrics {
    registry: Registry,
    /// Calls made to AWS.
    pub aws_calls: Counter,
}

impl Metrics {
    /// Registers everything.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("control");
        let aws_calls = Counter::default();
        registry.register("aws_calls", "Calls made to AWS", aws_calls.clone());
        Self { registry, aws_calls }
    }

    /// The text that `/metrics` answers.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
