//! RDS, as its SDK sees it.

use crate::stage::Stage;
use aws_sdk_rds::types::{DbCluster, Filter, SourceType};
use chrono::TimeDelta;
use sandbox::aws::metric::Publisher;

async fn cluster(rds: &aws_sdk_rds::Client) -> DbCluster {
    let found = rds.describe_db_clusters().db_cluster_identifier("wallet-local").send().await;
    found.unwrap().db_clusters().first().cloned().unwrap()
}

fn writer(cluster: &DbCluster) -> String {
    let mut members = cluster.db_cluster_members().iter();
    let writer = members.find(|member| member.is_cluster_writer() == Some(true)).unwrap();
    writer.db_instance_identifier().unwrap().to_owned()
}

#[tokio::test]
async fn a_cluster_shows_its_endpoints_members_and_instances() {
    let stage = Stage::start().await;
    let rds = aws_sdk_rds::Client::new(&stage.sdk);
    let cluster = cluster(&rds).await;
    assert_eq!((cluster.endpoint(), cluster.port()), (Some("127.0.0.1"), Some(3_306)));
    assert_eq!(cluster.reader_endpoint(), Some("127.0.0.1:3307"));
    assert_eq!(cluster.status(), Some("available"));
    assert_eq!(cluster.db_cluster_members().len(), 3);
    let filter = Filter::builder().name("db-cluster-id").values("wallet-local").build();
    let found = rds.describe_db_instances().filters(filter).send().await.unwrap();
    let instance = &found.db_instances()[1];
    assert_eq!(instance.db_instance_identifier(), Some("wallet-local-2"));
    assert_eq!(instance.availability_zone(), Some("sa-east-1b"));
    assert_eq!(instance.db_instance_status(), Some("available"));
    assert_eq!(instance.endpoint().unwrap().port(), Some(3_002));
    let other = Filter::builder().name("db-cluster-id").values("another").build();
    let none = rds.describe_db_instances().filters(other).send().await.unwrap();
    assert!(none.db_instances().is_empty());
}

#[tokio::test]
async fn a_failover_answers_available_then_fails_over_then_has_another_writer() {
    let stage = Stage::start().await;
    let rds = aws_sdk_rds::Client::new(&stage.sdk);
    let asked = rds
        .failover_db_cluster()
        .db_cluster_identifier("wallet-local")
        .target_db_instance_identifier("wallet-local-3")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.db_cluster().unwrap().status(), Some("available"));
    let mut seen = Vec::new();
    for _ in 0..25 {
        stage.run(200).await;
        let now = cluster(&rds).await;
        let state = (now.status().unwrap().to_owned(), writer(&now));
        if seen.last() != Some(&state) {
            seen.push(state);
        }
    }
    let state = |status: &str, writer: &str| (status.to_owned(), writer.to_owned());
    assert_eq!(
        seen,
        [
            state("available", "wallet-local-1"),
            state("failing-over", "wallet-local-1"),
            state("failing-over", "wallet-local-3"),
            state("available", "wallet-local-3"),
        ]
    );
    let events = rds.describe_events().source_type(SourceType::DbCluster).duration(5);
    let events = events.source_identifier("wallet-local").send().await.unwrap();
    let messages: Vec<&str> = events.events().iter().filter_map(|one| one.message()).collect();
    assert!(messages.contains(&"Started cross AZ failover to DB instance: wallet-local-3"));
    assert!(messages.contains(&"Completed failover to DB instance: wallet-local-3"));
}

#[tokio::test]
async fn a_dead_writer_is_replaced_and_comes_back_as_reader() {
    let stage = Stage::start().await;
    let rds = aws_sdk_rds::Client::new(&stage.sdk);
    stage.database.set_up("wallet-local-1", false);
    stage.run(600).await;
    assert_eq!(cluster(&rds).await.status(), Some("available"), "not yet noticed");
    stage.run(1_000).await;
    let during = cluster(&rds).await;
    assert_eq!(during.status(), Some("failing-over"));
    stage.run(6_000).await;
    let after = cluster(&rds).await;
    assert_eq!((after.status(), writer(&after).as_str()), (Some("available"), "wallet-local-2"));
    let instances = rds.describe_db_instances().send().await.unwrap();
    for instance in instances.db_instances() {
        assert_eq!(instance.db_instance_status(), Some("available"), "{instance:?}");
    }
    let events = rds.describe_events().duration(5).send().await.unwrap();
    let messages: Vec<&str> = events.events().iter().filter_map(|one| one.message()).collect();
    assert!(messages.contains(&"Started RDS initiated failover to DB instance: wallet-local-2"));
    assert!(messages.contains(&"DB instance restarted"), "{messages:?}");
}

#[tokio::test]
async fn failovers_are_refused_with_the_codes_of_rds() {
    let stage = Stage::start().await;
    let rds = aws_sdk_rds::Client::new(&stage.sdk);
    let failover = |cluster: &str, target: Option<&str>| {
        let call = rds.failover_db_cluster().db_cluster_identifier(cluster);
        call.set_target_db_instance_identifier(target.map(str::to_owned)).send()
    };
    let refused = failover("another", None).await.unwrap_err().into_service_error();
    assert!(refused.is_db_cluster_not_found_fault(), "{refused:?}");
    for target in ["wallet-local-1", "wallet-local-9"] {
        let refused = failover("wallet-local", Some(target)).await.unwrap_err();
        assert!(refused.into_service_error().is_invalid_db_instance_state_fault(), "{target}");
    }
    stage.database.set_up("wallet-local-2", false);
    stage.run(200).await;
    let refused = failover("wallet-local", Some("wallet-local-2")).await.unwrap_err();
    assert!(refused.into_service_error().is_invalid_db_instance_state_fault());
    failover("wallet-local", Some("wallet-local-3")).await.unwrap();
    let refused = failover("wallet-local", Some("wallet-local-3")).await.unwrap_err();
    assert!(refused.into_service_error().is_invalid_db_cluster_state_fault());
}

#[tokio::test]
async fn a_rebooted_instance_says_so_and_the_writer_keeps_its_role() {
    let stage = Stage::start().await;
    let rds = aws_sdk_rds::Client::new(&stage.sdk);
    let reboot = rds.reboot_db_instance().db_instance_identifier("wallet-local-1");
    let rebooting = reboot.send().await.unwrap();
    let status = rebooting.db_instance().unwrap().db_instance_status();
    assert_eq!(status, Some("rebooting"));
    stage.run(2_000).await;
    let after = cluster(&rds).await;
    assert_eq!(writer(&after), "wallet-local-1");
    let missing = rds.reboot_db_instance().db_instance_identifier("nobody").send().await;
    assert!(missing.unwrap_err().into_service_error().is_db_instance_not_found_fault());
}

#[tokio::test]
async fn samples_of_a_minute_are_published_together_at_its_end() {
    let stage = Stage::start().await;
    // 1,800,000,000 is the start of a minute.
    let start = stage.now();
    for sample in 0..5 {
        let early = stage.services.rds.measure(start + TimeDelta::seconds(sample * 10)).await;
        assert!(early.is_empty());
    }
    let published = stage.services.rds.measure(start + TimeDelta::seconds(50)).await;
    let lag: Vec<_> = published.iter().filter(|one| one.name == "AuroraReplicaLag").collect();
    assert!(lag.iter().all(|one| one.at == start));
    let readers = ("Role", String::from("READER"));
    let by_role = lag.iter().find(|one| one.dimensions.contains(&readers)).unwrap();
    assert_eq!(by_role.values.len(), 12, "two readers, six samples");
    assert_eq!(lag.len(), 3, "two readers and their role, not the writer");
}
