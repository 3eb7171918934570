//! The outbox to Kafka, in order. The only module that names `rdkafka`.

use crate::store::Ledger;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where to publish.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port,host:port`.
    pub brokers: String,
    pub topic: String,
}

/// Why the relay could not start.
#[derive(Debug, thiserror::Error)]
#[error("configuring the Kafka producer")]
pub struct RelayError(#[source] rdkafka::error::KafkaError);

/// Starts the relay; neither broker nor database need be there yet.
pub fn start(
    ledger: &Ledger,
    settings: Settings,
    tracker: &TaskTracker,
    stop: CancellationToken,
) -> Result<(), RelayError> {
    todo!()
}
