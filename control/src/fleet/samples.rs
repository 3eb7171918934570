//! A small environment for tests.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Broker, BrokerNode, Cache, CacheNode, Database, DatabaseInstance, Fleet, Seen, Service, Target,
    Task,
};
use crate::cost::PriceBook;

pub(crate) fn second(n: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(n)
}

/// The prices of the shipped file.
pub(crate) fn prices() -> PriceBook {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("prices/sa-east-1.yaml");
    crate::config::read_prices(&file).unwrap()
}

fn zone(n: u16) -> String {
    ["sa-east-1a", "sa-east-1b", "sa-east-1c"][usize::from(n % 3)].to_owned()
}

pub(crate) fn service(tasks: u16, at: DateTime<Utc>) -> Service {
    let task = |n: u16| Task {
        id: format!("task{n}"),
        zone: zone(n),
        status: "RUNNING".to_owned(),
        desired_status: "RUNNING".to_owned(),
        address: Some("10.0.0.1".to_owned()),
        port: Some(8000 + n),
        cpu_units: 256,
        memory_mib: 512,
        created_at: Some(at),
        started_at: Some(at),
    };
    Service {
        name: "wallet-svc".to_owned(),
        status: "ACTIVE".to_owned(),
        desired: u32::from(tasks),
        running: u32::from(tasks),
        pending: 0,
        deployments: vec![],
        tasks: (0..tasks).map(task).collect(),
    }
}

pub(crate) fn fleet(tasks: u16, at: DateTime<Utc>) -> Fleet {
    let target = |n: u16| Target {
        address: "10.0.0.1".to_owned(),
        port: Some(8000 + n),
        health: "healthy".to_owned(),
        reason: String::new(),
    };
    let instance = |n: u16| DatabaseInstance {
        id: format!("wallet-local-{}", n + 1),
        zone: zone(n),
        status: "available".to_owned(),
        writer: n == 0,
        promotion_tier: u32::from(n),
        class: "db.r6g.2xlarge".to_owned(),
    };
    let node = |n: u16| CacheNode {
        id: format!("wallet-local-00{}", n + 1),
        shard: "0001".to_owned(),
        zone: zone(n),
        primary: n == 0,
        status: "available".to_owned(),
    };
    let broker = |n: u16| BrokerNode {
        id: (n + 1).to_string(),
        zone: zone(n),
        endpoint: format!("127.0.0.1:{}", 9000 + n),
    };
    Fleet {
        service: Some(Seen { value: service(tasks, at), at }),
        scaling: Some(Seen { value: None, at }),
        readers: Some(Seen { value: None, at }),
        targets: Some(Seen { value: (0..tasks).map(target).collect(), at }),
        database: Some(Seen {
            value: Database {
                cluster: "wallet-local".to_owned(),
                status: "available".to_owned(),
                writer_endpoint: "127.0.0.1".to_owned(),
                reader_endpoint: "127.0.0.1".to_owned(),
                port: 3306,
                instances: (0..3).map(instance).collect(),
            },
            at,
        }),
        cache: Some(Seen {
            value: Cache {
                group: "wallet-local".to_owned(),
                status: "available".to_owned(),
                node_type: "cache.r6g.large".to_owned(),
                primary_endpoint: "127.0.0.1".to_owned(),
                port: 6379,
                nodes: (0..3).map(node).collect(),
            },
            at,
        }),
        broker: Some(Seen {
            value: Broker {
                arn: "arn:aws:kafka:sa-east-1:000000000000:cluster/wallet-local/1".to_owned(),
                name: "wallet-local".to_owned(),
                state: "ACTIVE".to_owned(),
                instance_type: "kafka.m5.large".to_owned(),
                volume_gb: Some(100),
                bootstrap: "127.0.0.1:9000".to_owned(),
                nodes: (0..3).map(broker).collect(),
            },
            at,
        }),
    }
}
