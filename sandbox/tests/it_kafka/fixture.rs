//! A broker process of its own for each test, and clients of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::util::Timeout;
use sandbox::child::{Child, Program};
use sandbox::kafka::{self, Manifest};
use sandbox::{poll, port};
use tempfile::TempDir;

/// Longest wait for anything: generous, because the machine is shared.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A broker process with its data.
pub(crate) struct Brokers {
    folder: TempDir,
    program: Program,
    child: Child,
}

/// A record as a reader saw it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Brokers {
    /// Starts one process with this many brokers.
    pub(crate) async fn start(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let addresses: Vec<String> =
            (0..count).map(|_| port::address(port::free().unwrap()).to_string()).collect();
        let data = folder.path().join("data");
        let program = Program::new(env!("CARGO_BIN_EXE_sandbox"), folder.path().join("log"))
            .args(["kafkad", "--data", data.to_str().unwrap(), "--listen"])
            .args([addresses.join(",")]);
        let child = Child::start(&program).unwrap();
        let brokers = Self { folder, program, child };
        brokers.ready().await;
        brokers
    }

    /// Kills the process with no chance to say goodbye.
    pub(crate) async fn kill(&self) {
        self.child.signal(Signal::SIGKILL);
        self.child.wait().await;
    }

    /// Starts it again on the same data and ports.
    pub(crate) async fn restart(&mut self) {
        self.child = Child::start(&self.program).unwrap();
        self.ready().await;
    }

    async fn ready(&self) {
        poll::until("the brokers serve", PATIENCE, async || {
            let manifest = Manifest::read(&self.data()).unwrap();
            assert_eq!(self.child.exited(), None, "{}", self.log());
            manifest.filter(|manifest| manifest.pid == self.child.pid())
        })
        .await
        .unwrap();
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the process logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Addresses of all brokers.
    pub(crate) fn bootstrap(&self) -> String {
        self.manifest().brokers.join(",")
    }

    /// What the process says about itself.
    pub(crate) fn manifest(&self) -> Manifest {
        Manifest::read(&self.data()).unwrap().unwrap()
    }

    /// How the cluster is.
    pub(crate) async fn status(&self) -> kafka::Status {
        kafka::status(&self.data()).await.unwrap()
    }

    /// The segment files of a partition, oldest first.
    pub(crate) fn segments(&self, partition: i32) -> Vec<PathBuf> {
        let list = |folder: &Path| -> Vec<PathBuf> {
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let topics = list(&self.data().join("topics"));
        let mut segments = list(&topics[0].join(partition.to_string()));
        segments.sort();
        segments
    }

    /// Settings of a client, to which more can be added.
    pub(crate) fn config(&self, more: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.bootstrap())
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "200")
            .set("retry.backoff.ms", "20")
            .set("topic.metadata.refresh.interval.ms", "1000");
        for (name, value) in more {
            config.set(*name, *value);
        }
        config
    }

    /// An idempotent producer that keeps trying.
    pub(crate) fn producer(&self, more: &[(&str, &str)]) -> FutureProducer {
        self.config(more)
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", "60000")
            .set("linger.ms", "2")
            .create()
            .unwrap()
    }

    /// An admin client.
    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config(&[]).create().unwrap()
    }

    /// Creates a topic with these settings.
    pub(crate) async fn create(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            new = new.set(name, value);
        }
        let created = self.admin().create_topics([&new], &AdminOptions::new()).await.unwrap();
        created.into_iter().for_each(|created| assert_eq!(created.unwrap(), topic));
    }

    /// Every record of a topic that committed readers see, partition by partition.
    pub(crate) async fn read_all(&self, topic: &str) -> Vec<Seen> {
        self.read_with(topic, &[]).await
    }

    /// Every record of a topic, read by a client with these settings.
    pub(crate) async fn read_with(&self, topic: &str, more: &[(&str, &str)]) -> Vec<Seen> {
        let settings = [("group.id", "reads-all"), ("enable.partition.eof", "true")];
        let config = self.config(&[&settings[..], more].concat());
        let topic = topic.to_owned();
        tokio::task::spawn_blocking(move || read_to_end(&config, &topic)).await.unwrap()
    }
}

fn read_to_end(config: &ClientConfig, topic: &str) -> Vec<Seen> {
    let consumer: BaseConsumer = config.create().unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let mut assigned = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        assigned.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
    }
    let (mut open, mut seen) = (assigned.count(), Vec::new());
    consumer.assign(&assigned).unwrap();
    while open > 0 {
        match consumer.poll(PATIENCE).expect("an answer or the end within a minute") {
            Ok(message) => seen.push(Seen {
                partition: message.partition(),
                offset: message.offset(),
                key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                value: String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned(),
            }),
            Err(KafkaError::PartitionEOF(_)) => open -= 1,
            Err(error) => panic!("reading {topic}: {error}"),
        }
    }
    seen.sort();
    seen
}

/// Sends `value` under `key` and waits for the acknowledgement: partition and offset.
pub(crate) async fn send(
    producer: &FutureProducer,
    topic: &str,
    key: &str,
    value: &str,
) -> (i32, i64) {
    let record = FutureRecord::to(topic).key(key).payload(value);
    let delivery = producer.send(record, Timeout::Never).await.map_err(|(error, _)| error).unwrap();
    (delivery.partition, delivery.offset)
}

/// Sends the numbers of a range, each under one of `keys` keys, all in flight at once, and waits
/// for every acknowledgement.
pub(crate) async fn send_numbers(
    producer: &FutureProducer,
    topic: &str,
    numbers: std::ops::Range<u32>,
    keys: u32,
) {
    let sent = numbers.map(|number| async move {
        send(producer, topic, &format!("key-{}", number % keys), &number.to_string()).await
    });
    futures::future::join_all(sent).await;
}

/// The values under each key in the order in which they were read.
pub(crate) fn by_key(seen: &[Seen]) -> BTreeMap<String, Vec<u32>> {
    let mut keys: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for record in seen {
        keys.entry(record.key.clone()).or_default().push(record.value.parse().unwrap());
    }
    keys
}

/// Asserts that exactly these numbers are there, each once, and in order under each key.
pub(crate) fn assert_exactly(seen: &[Seen], numbers: std::ops::Range<u32>) {
    let keys = by_key(seen);
    for (key, values) in &keys {
        assert!(values.is_sorted(), "{key} is out of order: {values:?}");
    }
    let mut all: Vec<u32> = keys.into_values().flatten().collect();
    all.sort_unstable();
    let missing: Vec<u32> = numbers.clone().filter(|n| all.binary_search(n).is_err()).collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    assert_eq!(all.len(), numbers.len(), "doubled");
}
