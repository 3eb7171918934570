//! The resources that a roadmap names by type and count, as the fleet would be seen to have them.

use crate::fleet::{Broker, BrokerNode, Cache, CacheNode, Database, DatabaseInstance};

/// A year of events at 300 bytes, kept for a week, is a fraction of it.
const VOLUME_GB: u32 = 100;

const ZONES: [&str; 3] = ["sa-east-1a", "sa-east-1b", "sa-east-1c"];

fn zone(index: u32) -> String {
    ZONES[usize::try_from(index % 3).unwrap_or(0)].to_owned()
}

/// A cluster whose first instance is the writer.
pub(in crate::simulate) fn database((class, count): (String, u32)) -> Database {
    let instance = |index: u32| DatabaseInstance {
        id: format!("database-{}", index + 1),
        zone: zone(index),
        status: "available".to_owned(),
        writer: index == 0,
        promotion_tier: index,
        class: class.clone(),
    };
    Database {
        cluster: "database".to_owned(),
        status: "available".to_owned(),
        writer_endpoint: "writer".to_owned(),
        reader_endpoint: "reader".to_owned(),
        port: 3306,
        instances: (0..count).map(instance).collect(),
    }
}

/// A replication group of one shard.
pub(in crate::simulate) fn cache((node_type, count): (String, u32)) -> Cache {
    let node = |index: u32| CacheNode {
        id: format!("cache-{}", index + 1),
        shard: "0001".to_owned(),
        zone: zone(index),
        primary: index == 0,
        status: "available".to_owned(),
    };
    Cache {
        group: "cache".to_owned(),
        status: "available".to_owned(),
        node_type,
        primary_endpoint: "cache".to_owned(),
        port: 6379,
        nodes: (0..count).map(node).collect(),
    }
}

/// A cluster of brokers.
pub(in crate::simulate) fn broker((instance_type, count): (String, u32)) -> Broker {
    let node = |index: u32| BrokerNode {
        id: (index + 1).to_string(),
        zone: zone(index),
        endpoint: format!("broker-{}", index + 1),
    };
    Broker {
        arn: "broker".to_owned(),
        name: "broker".to_owned(),
        state: "ACTIVE".to_owned(),
        instance_type,
        volume_gb: Some(VOLUME_GB),
        bootstrap: "broker".to_owned(),
        nodes: (0..count).map(node).collect(),
    }
}
