//! What a run sees of the world at one instant. Plain data; absence is unknown, never zero.

use super::book::ResourceKind;
use crate::{
    fleet::{Database, Seen, Service},
    probe::Outcome,
};
use chrono::{DateTime, Utc};
use protocol::control::{Reading, Severity};
use std::collections::BTreeMap;

/// Everything that a condition may ask about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub database: Option<Seen<Database>>,
    pub service: Option<Seen<Service>>,
    /// How far each database instance is behind the writer, in milliseconds.
    pub replica_lag_ms: BTreeMap<String, Reading>,
    /// Readings by the name of their signal.
    pub signals: BTreeMap<String, Reading>,
    /// Our own probe's newest outcomes, oldest first.
    pub probe: Vec<Outcome>,
    /// Severities of the alerts that are firing now; `None` when they could not be evaluated.
    pub alerts: Option<Vec<Severity>>,
    /// Who froze the environment, until when and why. Nothing acts then but to give back.
    pub frozen: Option<String>,
}

/// A field's value as seen, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSeen {
    pub value: String,
    pub at: DateTime<Utc>,
}

/// The fields that a condition may ask a kind of resource for.
#[must_use]
pub fn fields(kind: ResourceKind) -> &'static [&'static str] {
    match kind {
        ResourceKind::Aurora => &["status", "writer", "readers_available", "members"],
        ResourceKind::EcsService => &["status", "running", "desired", "rollout"],
    }
}

impl World {
    /// The value of a resource's field. `None` when the resource was not seen, is another one
    /// than `name`, or has no such value now (a cluster without a writer has no `writer`).
    #[must_use]
    pub fn field(&self, kind: ResourceKind, name: &str, field: &str) -> Option<FieldSeen> {
        match kind {
            ResourceKind::Aurora => {
                let seen = self.database.as_ref().filter(|seen| seen.value.cluster == name)?;
                Some(FieldSeen { value: database_field(&seen.value, field)?, at: seen.at })
            }
            ResourceKind::EcsService => {
                let seen = self.service.as_ref().filter(|seen| seen.value.name == name)?;
                Some(FieldSeen { value: service_field(&seen.value, field)?, at: seen.at })
            }
        }
    }
}

fn database_field(database: &Database, field: &str) -> Option<String> {
    match field {
        "status" => Some(database.status.clone()),
        "writer" => database.writer().map(|writer| writer.id.clone()),
        "readers_available" => Some(database.readers_available().count().to_string()),
        "members" => Some(database.instances.len().to_string()),
        _ => None,
    }
}

fn service_field(service: &Service, field: &str) -> Option<String> {
    match field {
        "status" => Some(service.status.clone()),
        "running" => Some(service.running.to_string()),
        "desired" => Some(service.desired.to_string()),
        "rollout" => {
            let primary = service.deployments.iter().find(|one| one.status == "PRIMARY")?;
            Some(primary.rollout.clone())
        }
        _ => None,
    }
}
