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
    /// Requests that were denied, with a token or without.
    pub requests_denied: Counter,
    /// Requests over their caller's or address's allowance.
    pub requests_limited: Counter,
    /// Which start of the daemon this is.
    pub epoch: Gauge,
    /// The newest journal event.
    pub journal_seq: Gauge,
    /// Since the loop that is furthest behind last succeeded; NaN before its first success.
    pub loop_lag_seconds: Gauge<f64, AtomicU64>,
    /// The age of the newest reading, of the environment where it is oldest; NaN without one.
    pub reading_age_seconds: Gauge<f64, AtomicU64>,
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
        let requests_denied = Counter::default();
        let help = "Requests that were denied, with a token or without";
        registry.register("requests_denied", help, requests_denied.clone());
        let requests_limited = Counter::default();
        let help = "Requests over their caller's or address's allowance";
        registry.register("requests_limited", help, requests_limited.clone());
        let epoch = Gauge::default();
        registry.register("epoch", "Which start of the daemon this is", epoch.clone());
        let journal_seq = Gauge::default();
        registry.register("journal_seq", "The newest journal event", journal_seq.clone());
        let loop_lag_seconds = Gauge::default();
        let help = "Since the loop furthest behind last succeeded; NaN before its first success";
        registry.register("loop_lag_seconds", help, loop_lag_seconds.clone());
        let reading_age_seconds = Gauge::default();
        let help = "Age of the newest reading where it is oldest; NaN without one";
        registry.register("reading_age_seconds", help, reading_age_seconds.clone());
        Self {
            registry,
            metrics_asked,
            clock_skew_seconds,
            requests_denied,
            requests_limited,
            epoch,
            journal_seq,
            loop_lag_seconds,
            reading_age_seconds,
        }
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
