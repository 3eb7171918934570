//! Every metric of the daemon, with its help text.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use protocol::control::HealthView;

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
    /// Since the newest renewal of the lease was asked for; NaN where nobody else can take it.
    pub lease_age_seconds: Gauge<f64, AtomicU64>,
    /// By how much the loop that is furthest behind is late, by its kind. One series at a time.
    pub loop_lag_seconds: Family<[(&'static str, String); 1], Gauge<f64, AtomicU64>>,
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
        let lease_age_seconds = Gauge::default();
        let help = "Since the newest renewal of the lease was asked for; NaN without an end";
        registry.register("lease_age_seconds", help, lease_age_seconds.clone());
        let loop_lag_seconds = Family::default();
        let help = "By how much the loop that is furthest behind is late, by its kind";
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
            lease_age_seconds,
            loop_lag_seconds,
            reading_age_seconds,
        }
    }

    /// Brings the gauges up to date that say how the process is doing. What is not known is NaN,
    /// which no alert takes for zero.
    pub fn show(&self, health: &HealthView) {
        let seconds =
            |ms: Option<u64>| ms.map_or(f64::NAN, |ms| Duration::from_millis(ms).as_secs_f64());
        let whole =
            |count: Option<u64>| i64::try_from(count.unwrap_or_default()).unwrap_or(i64::MAX);
        self.epoch.set(whole(health.epoch));
        self.journal_seq.set(whole(health.journal_seq));
        self.lease_age_seconds.set(seconds(health.lease_age_ms));
        self.reading_age_seconds.set(seconds(health.reading_age_ms));
        self.loop_lag_seconds.clear();
        if let Some(lag) = &health.lag {
            let labels = [("loop", lag.name.clone())];
            self.loop_lag_seconds.get_or_create(&labels).set(seconds(Some(lag.overdue_ms)));
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
