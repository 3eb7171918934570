//! The outbox to Kafka. The only module that names `rdkafka`.
//!
//! One task of all tasks publishes; the others wait for its right to be free. Pages go out whole:
//! every event of a page is acknowledged by all in-sync replicas before its markers are deleted,
//! and the next page begins after that. So one wallet's events are in order, none is skipped, and
//! after a failure some come twice. The broker, the database and this process may die at any
//! moment.

use crate::config::KafkaLogin;
use crate::store::Ledger;
use crate::store::outbox::{Outbox, OutboxError, Page, Publisher};
use crate::vital::or_abort;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// How long one page may take, with all retries of librdkafka, before it is begun again.
const DELIVERY_MAX: Duration = Duration::from_secs(10);

/// How long a right is waited for before asking anew, which also finds a new writer.
const ACQUIRE_MAX: Duration = Duration::from_secs(1);

/// Between two looks at an empty outbox.
const IDLE: Duration = Duration::from_millis(20);

/// Between two tries after a failure.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long the last pages may take at shutdown. What is left, another task publishes.
const FLUSH_MAX: Duration = Duration::from_secs(3);

/// Where to publish.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port,host:port`.
    pub brokers: String,
    pub topic: String,
    /// Without it the brokers are spoken to in plain text.
    pub login: Option<KafkaLogin>,
}

/// Why the relay could not start.
#[derive(Debug, thiserror::Error)]
#[error("configuring the Kafka producer with the certificates in {certificates}")]
pub struct RelayError {
    certificates: String,
    #[source]
    source: KafkaError,
}

/// Why a page was not published.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("publishing an event")]
    Kafka(#[source] KafkaError),
    #[error("the broker did not acknowledge a page in time")]
    Late,
    #[error("writing an event as JSON")]
    Json(#[source] serde_json::Error),
}

/// Starts the relay on `tracker`; neither broker nor database need be there yet. Cancel `stop`
/// after the lanes have ended, and it publishes what they left.
///
/// # Errors
///
/// When the settings make no producer.
pub fn start(
    ledger: &Ledger,
    settings: Settings,
    tracker: &TaskTracker,
    stop: CancellationToken,
) -> Result<(), RelayError> {
    let wrong = |source| RelayError { certificates: settings.certificates(), source };
    let producer = settings.producer().map_err(wrong)?;
    let relay = Relay { outbox: ledger.outbox(), settings, producer, record: Record::default() };
    tracker.spawn(or_abort("relay", relay.run(stop)));
    Ok(())
}

impl Settings {
    /// The file of those who may vouch for the brokers.
    fn certificates(&self) -> String {
        let file = self.login.as_ref().and_then(|login| login.ca_file.as_ref());
        file.map_or_else(|| "probe".to_owned(), |file| file.display().to_string())
    }

    fn producer(&self) -> Result<FutureProducer, KafkaError> {
        let mut config = ClientConfig::new();
        if let Some(login) = &self.login {
            // As MSK takes names and passwords.
            config
                .set("security.protocol", "SASL_SSL")
                .set("sasl.mechanisms", "SCRAM-SHA-512")
                .set("sasl.username", &login.username)
                .set("sasl.password", login.password.expose());
            // By `probe` librdkafka looks where systems keep whom they trust.
            config.set("ssl.ca.location", self.certificates());
        }
        config
            .set("bootstrap.servers", &self.brokers)
            .set("acks", "all")
            // Keeps the order of retries.
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", DELIVERY_MAX.as_millis().to_string())
            .set("request.timeout.ms", "3000")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.nagle.disable", "true")
            // A page is handed over at once; waiting for more would only delay it.
            .set("linger.ms", "1")
            .create()
    }
}

struct Relay {
    outbox: Outbox,
    settings: Settings,
    producer: FutureProducer,
    record: Record,
}

/// Buffers for one record.
#[derive(Default)]
struct Record {
    key: String,
    payload: Vec<u8>,
}

impl Relay {
    async fn run(mut self, stop: CancellationToken) {
        let mut pause = PAUSE;
        while !stop.is_cancelled() {
            let began = Instant::now();
            match self.publish_while_held(&stop).await {
                Ok(()) => pause = PAUSE,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the relay begins again: {error}"
                    );
                    if matches!(error, PublishError::Kafka(_) | PublishError::Late) {
                        self.renew_producer();
                    }
                    if began.elapsed() > PAUSE_MAX {
                        pause = PAUSE;
                    }
                    let _stopped = timeout(pause, stop.cancelled()).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// A producer that failed may still hold records of the failed page, which must not come out
    /// behind the new ones.
    fn renew_producer(&mut self) {
        self.producer.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
        match self.settings.producer() {
            Ok(producer) => self.producer = producer,
            // It was created from the same settings before.
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot create a Kafka producer again"
                );
            }
        }
    }

    async fn publish_while_held(&mut self, stop: &CancellationToken) -> Result<(), PublishError> {
        let acquiring = self.outbox.acquire(ACQUIRE_MAX);
        let acquired = tokio::select! {
            acquired = acquiring => acquired?,
            () = stop.cancelled() => return Ok(()),
        };
        let Some(mut publisher) = acquired else {
            return Ok(());
        };
        tracing::info!("this task publishes the outbox now");
        while !stop.is_cancelled() {
            if self.publish_page(&mut publisher).await? == 0 {
                let _stopped = timeout(IDLE, stop.cancelled()).await;
            }
        }
        let flushing = async {
            while self.publish_page(&mut publisher).await? > 0 {}
            Ok(())
        };
        let flushed = timeout(FLUSH_MAX, flushing).await.unwrap_or(Err(PublishError::Late));
        publisher.release().await;
        flushed
    }

    /// Publishes the oldest page and says how many markers it had.
    async fn publish_page(&mut self, publisher: &mut Publisher) -> Result<usize, PublishError> {
        let page = publisher.page().await?;
        if page.is_empty() {
            return Ok(0);
        }
        timeout(DELIVERY_MAX + PAUSE_MAX, self.deliver(&page))
            .await
            .unwrap_or(Err(PublishError::Late))?;
        publisher.published(&page).await?;
        Ok(page.batches_count())
    }

    async fn deliver(&mut self, page: &Page) -> Result<(), PublishError> {
        let mut deliveries = Vec::with_capacity(page.events.len());
        for event in &page.events {
            self.record.key.clear();
            write_key(&mut self.record.key, event.wallet_id);
            self.record.payload.clear();
            serde_json::to_writer(&mut self.record.payload, event).map_err(PublishError::Json)?;
            loop {
                let record = FutureRecord::to(&self.settings.topic)
                    .key(&self.record.key)
                    .payload(&self.record.payload);
                match self.producer.send_result(record) {
                    Ok(delivery) => break deliveries.push(delivery),
                    Err((error, _)) if is_full(&error) => sleep(IDLE).await,
                    Err((error, _)) => return Err(PublishError::Kafka(error)),
                }
            }
        }
        for delivery in deliveries {
            match delivery.await {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => return Err(PublishError::Kafka(error)),
                Err(_) => return Err(PublishError::Late),
            }
        }
        Ok(())
    }
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::QueueFull)
}

fn write_key(key: &mut String, wallet_id: Uuid) {
    write!(key, "{wallet_id}").expect("a String takes all text");
}
