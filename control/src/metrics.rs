//! Every metric of the daemon, with its help text.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Handles to the metrics.
pub struct Metrics {
    registry: Registry,
    /// Metrics asked of CloudWatch; AWS bills each.
    pub metrics_asked: Counter,
    /// The server's clock minus ours, as last seen.
    pub clock_skew_seconds: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Registers everything.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("control");
        let metrics_asked = Counter::default();
        let clock_skew_seconds = Gauge::default();
        registry.register(
            "metrics_asked",
            "Metrics asked of CloudWatch; AWS bills each",
            metrics_asked.clone(),
        );
        registry.register(
            "clock_skew_seconds",
            "The server's clock minus ours, as last seen",
            clock_skew_seconds.clone(),
        );
        Self { registry, metrics_asked, clock_skew_seconds }
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
