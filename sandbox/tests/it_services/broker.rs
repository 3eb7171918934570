//! MSK, as its SDK sees it.

use crate::stage::Stage;
use aws_sdk_kafka::types::ClusterState;
use sandbox::aws::metric::Publisher;

const ARN: &str = concat!(
    "arn:aws:kafka:sa-east-1:000000000000:cluster/wallet-local/",
    "3f1b8a52-6d0c-4c3f-9a37-0c1d2e3f4a5b-1"
);

#[tokio::test]
async fn a_cluster_shows_its_brokers_and_where_to_connect() {
    let stage = Stage::start().await;
    let kafka = aws_sdk_kafka::Client::new(&stage.sdk);
    let listed = kafka.list_clusters_v2().send().await.unwrap();
    let cluster = &listed.cluster_info_list()[0];
    assert_eq!((cluster.cluster_arn(), cluster.cluster_name()), (Some(ARN), Some("wallet-local")));
    assert!(cluster.creation_time().is_some());
    let described = kafka.describe_cluster_v2().cluster_arn(ARN).send().await.unwrap();
    let info = described.cluster_info().unwrap();
    assert_eq!(info.state(), Some(&ClusterState::Active));
    assert_eq!(info.provisioned().unwrap().number_of_broker_nodes(), Some(3));
    let bootstrap = kafka.get_bootstrap_brokers().cluster_arn(ARN).send().await.unwrap();
    let brokers = "127.0.0.1:9091,127.0.0.1:9092,127.0.0.1:9093";
    assert_eq!(bootstrap.bootstrap_broker_string(), Some(brokers));
    let nodes = kafka.list_nodes().cluster_arn(ARN).send().await.unwrap();
    let broker = nodes.node_info_list()[1].broker_node_info().unwrap();
    assert_eq!(broker.broker_id(), Some(2.0));
    assert_eq!(broker.endpoints(), ["127.0.0.1:9092"]);
    let missing = kafka.describe_cluster().cluster_arn("arn:aws:kafka:x").send().await;
    assert!(missing.unwrap_err().into_service_error().is_not_found_exception());
}

#[tokio::test]
async fn a_reboot_is_an_operation_that_can_be_followed() {
    let stage = Stage::start().await;
    let kafka = aws_sdk_kafka::Client::new(&stage.sdk);
    let reboot = |broker: &str| kafka.reboot_broker().cluster_arn(ARN).broker_ids(broker).send();
    assert!(reboot("9").await.unwrap_err().into_service_error().is_bad_request_exception());
    let accepted = reboot("2").await.unwrap();
    let operation = accepted.cluster_operation_arn().unwrap().to_owned();
    let during = kafka.describe_cluster().cluster_arn(ARN).send().await.unwrap();
    assert_eq!(during.cluster_info().unwrap().state(), Some(&ClusterState::RebootingBroker));
    assert!(reboot("1").await.unwrap_err().into_service_error().is_bad_request_exception());
    stage.run(4_000).await;
    let listed = kafka.list_cluster_operations().cluster_arn(ARN).send().await.unwrap();
    let last = &listed.cluster_operation_info_list()[0];
    assert_eq!(last.operation_arn(), Some(operation.as_str()));
    assert_eq!(last.operation_state(), Some("REBOOT_COMPLETE"));
    let one = kafka.describe_cluster_operation().cluster_operation_arn(operation).send().await;
    assert_eq!(
        one.unwrap().cluster_operation_info().unwrap().operation_type(),
        Some("REBOOT_NODE")
    );
    let second = kafka.list_cluster_operations_v2().cluster_arn(ARN).send().await.unwrap();
    assert_eq!(second.cluster_operation_info_list().len(), 1);
}

#[tokio::test]
async fn a_dead_broker_heals() {
    let stage = Stage::start().await;
    let kafka = aws_sdk_kafka::Client::new(&stage.sdk);
    stage.brokers.nodes.lock().unwrap()[0].up = false;
    stage.run(400).await;
    let state = || async {
        let found = kafka.describe_cluster_v2().cluster_arn(ARN).send().await.unwrap();
        found.cluster_info().unwrap().state().cloned().unwrap()
    };
    assert_eq!(state().await, ClusterState::Healing);
    stage.run(4_000).await;
    assert_eq!(state().await, ClusterState::Active);
    let published = stage.services.msk.measure(stage.now()).await;
    let names: Vec<(&str, f64)> = published.iter().map(|one| (one.name, one.values[0].0)).collect();
    assert_eq!(
        names,
        [
            ("ActiveControllerCount", 1.0),
            ("OfflinePartitionsCount", 0.0),
            ("UnderReplicatedPartitions", 2.0)
        ]
    );
}
