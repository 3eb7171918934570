//! Topics and their logs: opened at start, created, deleted, kept in bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use kafka_protocol::error::ResponseError as Code;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::broker::{Broker, BrokerError, Settings, refused};
use super::catalogue::{Catalogue, Fact, TopicConfig, TopicSpec};
use super::log::Log;
use super::{hold, hold_to_write};

/// Partitions over all topics; each keeps its segment files open.
const PARTITIONS_MAX: usize = 2_000;
/// Longest name of a topic, as in Kafka.
const NAME_BYTES_MAX: usize = 249;

/// A topic and its logs.
#[derive(Debug)]
pub(super) struct Topic {
    /// How it was created.
    pub(super) spec: TopicSpec,
    logs: Vec<Mutex<Log>>,
}

impl Topic {
    /// Does something with the log of a partition.
    ///
    /// # Errors
    /// There is no such partition.
    pub(super) fn with_log<T>(
        &self,
        partition: i32,
        act: impl FnOnce(&mut Log) -> T,
    ) -> Result<T, Code> {
        let at = usize::try_from(partition).ok();
        let log = at.and_then(|at| self.logs.get(at)).ok_or(Code::UnknownTopicOrPartition)?;
        Ok(act(&mut hold(log)))
    }
}

impl Broker {
    /// Creates a topic; `None` partitions is the default number.
    ///
    /// # Errors
    /// Name or number is invalid, it exists, there is no room, or the disk refuses.
    pub(super) fn create_topic(
        &self,
        name: &str,
        partitions: Option<i32>,
        config: TopicConfig,
        only_validate: bool,
    ) -> Result<(), Code> {
        let partitions = partitions.unwrap_or(self.settings.partitions);
        let count = usize::try_from(partitions).ok().filter(|count| *count > 0);
        let count = count.ok_or(Code::InvalidPartitions)?;
        if !is_topic_name(name) {
            return Err(Code::InvalidTopicException);
        }
        let mut journal = hold(&self.journal);
        let topics = self.topics();
        if topics.contains_key(name) {
            return Err(Code::TopicAlreadyExists);
        }
        let before: usize = topics.values().map(|topic| topic.logs.len()).sum();
        if before + count > PARTITIONS_MAX {
            return Err(Code::PolicyViolation);
        }
        if only_validate {
            return Ok(());
        }
        let spec = TopicSpec { name: name.to_owned(), id: Uuid::new_v4(), partitions, config };
        let topic = open(&self.settings, spec.clone()).map_err(|error| refused(&error))?;
        journal.record(vec![Fact::TopicCreated(spec)]).map_err(|error| refused(&error))?;
        hold_to_write(&self.topics).insert(name.to_owned(), Arc::new(topic));
        info!(topic = name, partitions, "created topic {name}");
        Ok(())
    }

    /// Deletes a topic with its records and the offsets committed for it.
    ///
    /// # Errors
    /// There is none of this name, or the disk refuses.
    pub(super) fn delete_topic(&self, name: &str) -> Result<(), Code> {
        let mut journal = hold(&self.journal);
        let topic = self.topic(name)?;
        let deleted = vec![Fact::TopicDeleted(name.to_owned())];
        journal.record(deleted).map_err(|error| refused(&error))?;
        hold_to_write(&self.topics).remove(name);
        remove(&folder_of(&self.settings).join(topic.spec.id.to_string()));
        info!(topic = name, "deleted topic {name}");
        Ok(())
    }

    /// Deletes what is beyond retention.
    pub(super) fn retain(&self) {
        let now_ms = (self.clock)();
        for (name, topic) in self.topics() {
            for partition in 0..topic.spec.partitions {
                match topic.with_log(partition, |log| log.retain(now_ms)) {
                    Ok(Err(error)) => error!(%error, "retention failed in {name}-{partition}"),
                    Ok(Ok(0)) | Err(_) => {}
                    Ok(Ok(count)) => info!("deleted {count} segments of {name}-{partition}"),
                }
            }
        }
    }
}

/// Opens the logs of all topics, and deletes folders of topics that are no longer.
///
/// # Errors
/// The file system refuses, or a log is damaged before its tail.
pub(super) fn open_all(
    settings: &Settings,
    catalogue: &Catalogue,
) -> Result<BTreeMap<String, Arc<Topic>>, BrokerError> {
    let known: BTreeSet<String> =
        catalogue.topics.values().map(|spec| spec.id.to_string()).collect();
    for entry in fs::read_dir(folder_of(settings)).into_iter().flatten().flatten() {
        // A process that was killed while it deleted a topic, or before it remembered a new one.
        if !known.contains(&*entry.file_name().to_string_lossy()) {
            remove(&entry.path());
        }
    }
    let mut topics = BTreeMap::new();
    for spec in catalogue.topics.values() {
        let topic = open(settings, spec.clone())?;
        topics.insert(spec.name.clone(), Arc::new(topic));
    }
    Ok(topics)
}

fn open(settings: &Settings, spec: TopicSpec) -> Result<Topic, BrokerError> {
    let folder = folder_of(settings).join(spec.id.to_string());
    let open = |partition: i32| {
        let opened = Log::open(&folder.join(partition.to_string()), &spec.config, settings.fsync);
        let topic = spec.name.clone();
        opened.map(Mutex::new).map_err(|source| BrokerError::Log { topic, partition, source })
    };
    let logs = (0..spec.partitions).map(open).collect::<Result<_, _>>()?;
    Ok(Topic { spec, logs })
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        warn!(%error, "could not delete {}; it is no longer used", folder.display());
    }
}

/// Holds one folder per topic, named by its id: a topic created anew never sees the old one's
/// files.
fn folder_of(settings: &Settings) -> PathBuf {
    settings.folder.join("topics")
}

fn is_topic_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(is_allowed)
}
