//! ElastiCache, as its SDK sees it.

use crate::stage::Stage;
use aws_sdk_elasticache::types::ReplicationGroup;

async fn group(cache: &aws_sdk_elasticache::Client) -> ReplicationGroup {
    let found = cache.describe_replication_groups().replication_group_id("wallet-local");
    found.send().await.unwrap().replication_groups().first().cloned().unwrap()
}

fn primary(group: &ReplicationGroup) -> String {
    let mut members = group.node_groups()[0].node_group_members().iter();
    let primary = members.find(|member| member.current_role() == Some("primary")).unwrap();
    primary.cache_cluster_id().unwrap().to_owned()
}

#[tokio::test]
async fn a_group_shows_its_endpoint_nodes_and_roles() {
    let stage = Stage::start().await;
    let cache = aws_sdk_elasticache::Client::new(&stage.sdk);
    let group = group(&cache).await;
    assert_eq!((group.status(), primary(&group).as_str()), (Some("available"), "wallet-local-001"));
    let endpoint = group.node_groups()[0].primary_endpoint().unwrap();
    assert_eq!((endpoint.address(), endpoint.port()), (Some("127.0.0.1"), Some(3_306)));
    assert_eq!(group.member_clusters().len(), 3);
    let clusters = cache.describe_cache_clusters().show_cache_node_info(true).send().await.unwrap();
    assert_eq!(
        clusters.cache_clusters()[2].cache_nodes()[0].endpoint().unwrap().port(),
        Some(3_003)
    );
    let missing = cache.describe_replication_groups().replication_group_id("x").send().await;
    assert!(missing.unwrap_err().into_service_error().is_replication_group_not_found_fault());
}

#[tokio::test]
async fn a_test_failover_kills_the_primary_and_everything_recovers() {
    let stage = Stage::start().await;
    let cache = aws_sdk_elasticache::Client::new(&stage.sdk);
    let test = || cache.test_failover().replication_group_id("wallet-local").node_group_id("0001");
    let answer = test().send().await.unwrap();
    assert_eq!(answer.replication_group().unwrap().status(), Some("modifying"));
    stage.run(200).await;
    let again = test().send().await.unwrap_err().into_service_error();
    assert!(again.is_invalid_replication_group_state_fault(), "{again:?}");
    stage.run(8_000).await;
    let after = group(&cache).await;
    assert_eq!((after.status(), primary(&after).as_str()), (Some("available"), "wallet-local-002"));
    let events = cache.describe_events().duration(5).send().await.unwrap();
    let messages: Vec<&str> = events.events().iter().filter_map(|one| one.message()).collect();
    assert!(messages.contains(&"Failover to replica node wallet-local-002 completed"));
    assert!(messages.contains(&"Finished recovery for cache nodes 0001"), "{messages:?}");
    let wrong = cache.test_failover().replication_group_id("wallet-local").node_group_id("9");
    assert!(wrong.send().await.unwrap_err().into_service_error().is_node_group_not_found_fault());
}

#[tokio::test]
async fn a_day_has_fifteen_test_failovers() {
    let stage = Stage::start().await;
    let cache = aws_sdk_elasticache::Client::new(&stage.sdk);
    for count in 0..16 {
        let test = cache.test_failover().replication_group_id("wallet-local").node_group_id("0001");
        let answer = test.send().await;
        if count < 15 {
            answer.unwrap();
            stage.run(8_000).await;
        } else {
            let refused = answer.unwrap_err().into_service_error();
            assert!(refused.is_api_call_rate_for_customer_exceeded_fault(), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn a_dead_replica_is_recovered_and_the_primary_keeps_its_role() {
    let stage = Stage::start().await;
    let cache = aws_sdk_elasticache::Client::new(&stage.sdk);
    stage.cache.set_up("wallet-local-003", false);
    stage.run(400).await;
    assert_eq!(group(&cache).await.status(), Some("modifying"));
    stage.run(5_000).await;
    let after = group(&cache).await;
    assert_eq!((after.status(), primary(&after).as_str()), (Some("available"), "wallet-local-001"));
}
