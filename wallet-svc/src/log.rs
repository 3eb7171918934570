//! JSON lines on standard output, one event a line, and panics among them.
//!
//! Our own line and not the subscriber's, because that one prints an error without its causes, and
//! the cause is what one reads a log for.

use crate::clock::Clock;
use serde_json::{Map, Value};
use std::{error::Error, fmt};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// The SDK and the drivers tell their own stories below this.
const DEFAULT_FILTER: &str = "info,aws_config=warn,sqlx=warn,rdkafka=off";
/// Causes of causes; a chain that runs in a circle ends here.
const CAUSES_MAX: usize = 16;

/// Starts logging. `filter` is in the form of `RUST_LOG`; a wrong one is replaced by the default.
/// Does nothing when somebody already logs, as in tests.
pub fn start(filter: Option<&str>, clock: Clock) {
    let filter = filter.and_then(|filter| EnvFilter::try_new(filter).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER));
    let _already_started = tracing_subscriber::fmt()
        .event_format(JsonLines { clock })
        .with_env_filter(filter)
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let payload = panic.payload_as_str().unwrap_or("no text");
        tracing::error!(place, "panicked: {payload}");
    }));
}

/// An error and its causes, in the order in which they explain each other.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let texts: Vec<_> = causes.take(CAUSES_MAX).map(ToString::to_string).collect();
    texts.join(": ")
}

struct JsonLines {
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line(Map::new());
        event.record(&mut line);
        let Line(mut line) = line;
        let timestamp = self.clock.now().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        line.insert("timestamp".to_owned(), timestamp.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// The fields of one event.
struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, chain(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    #[derive(Debug, thiserror::Error)]
    #[error("moving the money")]
    struct Outer(#[source] io::Error);

    /// Keeps what is written to it.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_typed_fields_and_the_whole_chain_of_causes() {
        let page = Page::default();
        let clock = Clock::new(|| DateTime::from_timestamp(1_800_000_000, 7_000).unwrap());
        let written = page.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLines { clock })
            .with_writer(move || written.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let error = Outer(io::Error::other("disk\nfull"));
            let error = &error as &dyn Error;
            tracing::warn!(error, count = 3_u64, late = true, "could not {}", "do it");
        });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        for (name, want) in [
            ("timestamp", Value::from("2027-01-15T08:00:00.000007Z")),
            ("level", "WARN".into()),
            ("message", "could not do it".into()),
            ("error", "moving the money: disk\nfull".into()),
            ("count", 3.into()),
            ("late", true.into()),
        ] {
            assert_eq!(line[name], want, "{name} of {line}");
        }
    }
}
