//! Every shape agrees with the codec in every version, and no bytes get past it that would harm.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use proptest::prelude::*;

use super::super::wire::{self, APIS};
use super::*;

fn text() -> StrBytes {
    StrBytes::from_static_str("wallet.events")
}

fn name() -> TopicName {
    text().into()
}

fn blob() -> Bytes {
    Bytes::from_static(b"some bytes")
}

fn records() -> Vec<RequestKind> {
    let data = PartitionProduceData::default().with_records(Some(blob()));
    let produced = TopicProduceData::default().with_name(name());
    let produce =
        ProduceRequest::default()
            .with_topic_data(vec![produced.with_partition_data(vec![data; 3]); 2]);
    let fetched = FetchTopic::default().with_topic(name());
    vec![
        RequestKind::Produce(produce),
        RequestKind::Fetch(FetchRequest::default().with_topics(vec![
            fetched.with_partitions(
                vec![FetchPartition::default(); 3]
            );
            2
        ])),
        RequestKind::ListOffsets(ListOffsetsRequest::default().with_topics(vec![
            ListOffsetsTopic::default()
                .with_name(name())
                .with_partitions(vec![ListOffsetsPartition::default(); 3]);
            2
        ])),
        RequestKind::OffsetForLeaderEpoch(OffsetForLeaderEpochRequest::default().with_topics(
            vec![
                OffsetForLeaderTopic::default()
                    .with_topic(name())
                    .with_partitions(vec![OffsetForLeaderPartition::default(); 3]);
                2
            ],
        )),
        RequestKind::Metadata(MetadataRequest::default().with_topics(Some(vec![
                MetadataRequestTopic::default()
                    .with_name(Some(name()));
                3
            ]))),
        RequestKind::ApiVersions(
            ApiVersionsRequest::default()
                .with_client_software_name(text())
                .with_client_software_version(text()),
        ),
        RequestKind::InitProducerId(
            InitProducerIdRequest::default().with_transactional_id(Some(text().into())),
        ),
        RequestKind::AddPartitionsToTxn(
            AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(text().into())
                .with_v3_and_below_topics(vec![
                    AddPartitionsToTxnTopic::default()
                        .with_name(name())
                        .with_partitions(vec![1, 2, 3]);
                    2
                ]),
        ),
        RequestKind::EndTxn(EndTxnRequest::default().with_transactional_id(text().into())),
    ]
}

fn groups() -> Vec<RequestKind> {
    let commit = OffsetCommitRequestPartition::default().with_committed_metadata(Some(text()));
    vec![
        RequestKind::OffsetCommit(OffsetCommitRequest::default().with_topics(vec![
            OffsetCommitRequestTopic::default().with_name(name()).with_partitions(vec![commit; 3]);
            2
        ])),
        RequestKind::OffsetFetch(OffsetFetchRequest::default().with_topics(Some(vec![
            OffsetFetchRequestTopic::default()
                .with_name(name())
                .with_partition_indexes(vec![1, 2, 3]);
            2
        ]))),
        RequestKind::FindCoordinator(FindCoordinatorRequest::default().with_key(text())),
        RequestKind::JoinGroup(JoinGroupRequest::default().with_protocols(vec![
            JoinGroupRequestProtocol::default().with_name(text()).with_metadata(blob());
            3
        ])),
        RequestKind::Heartbeat(HeartbeatRequest::default().with_member_id(text())),
        RequestKind::LeaveGroup(LeaveGroupRequest::default().with_member_id(text())),
        RequestKind::SyncGroup(SyncGroupRequest::default().with_assignments(vec![
            SyncGroupRequestAssignment::default().with_member_id(text()).with_assignment(blob());
            3
        ])),
        RequestKind::DescribeGroups(
            DescribeGroupsRequest::default().with_groups(vec![text().into(); 3]),
        ),
        RequestKind::ListGroups(ListGroupsRequest::default()),
        RequestKind::DeleteGroups(
            DeleteGroupsRequest::default().with_groups_names(vec![text().into(); 3]),
        ),
    ]
}

fn admin() -> Vec<RequestKind> {
    let topic = CreatableTopic::default()
        .with_name(name())
        .with_assignments(vec![
            CreatableReplicaAssignment::default()
                .with_broker_ids(vec![1.into(); 2]);
            2
        ])
        .with_configs(vec![CreatableTopicConfig::default().with_name(text()); 2]);
    let resource = DescribeConfigsResource::default()
        .with_resource_name(text())
        .with_configuration_keys(Some(vec![text(); 2]));
    vec![
        RequestKind::CreateTopics(CreateTopicsRequest::default().with_topics(vec![topic; 2])),
        RequestKind::DeleteTopics(DeleteTopicsRequest::default().with_topic_names(vec![name(); 2])),
        RequestKind::DescribeConfigs(
            DescribeConfigsRequest::default().with_resources(vec![resource; 2]),
        ),
        RequestKind::DescribeCluster(DescribeClusterRequest::default()),
    ]
}

/// Body of a request in one version, as the codec writes it. Fields that came later are left out.
fn encoded(request: &RequestKind, version: i16) -> BytesMut {
    let mut request = request.clone();
    if let RequestKind::Fetch(fetch) = &mut request
        && version >= 7
    {
        fetch.forgotten_topics_data =
            vec![ForgottenTopic::default().with_topic(name()).with_partitions(vec![1, 2]); 2];
    }
    if let RequestKind::ListGroups(list) = &mut request
        && version >= 4
    {
        list.states_filter = vec![text(); 2];
    }
    let mut body = BytesMut::new();
    request.encode(&mut body, version).unwrap();
    body
}

#[test]
fn every_shape_agrees_with_the_codec_in_every_version() {
    let requests: Vec<_> = [records(), groups(), admin()].into_iter().flatten().collect();
    assert_eq!(requests.len(), APIS.len());
    for api in &APIS {
        let named = format!("{:?}(", api.key);
        let request = requests.iter().find(|request| format!("{request:?}").starts_with(&named));
        let request = request.unwrap_or_else(|| panic!("no request of {:?}", api.key));
        for version in api.min..=api.max {
            let flexible = api.key.request_header_version(version) >= 2;
            let body = encoded(request, version);
            let walked = walk(api.shape, version, flexible, &body);
            assert_eq!(walked, Ok(body.len()), "{:?} v{version}", api.key);
        }
    }
}

#[test]
fn impossible_lengths_are_refused() {
    let rows: [(&str, bool, &[u8], ShapeError); 8] = [
        ("[ s ]", false, &[0x7f, 0xff, 0xff, 0xff], ShapeError::TooMany),
        ("[ s ]", false, &[0, 0, 0, 9, 0, 1], ShapeError::Short),
        ("[ s ]", false, &[0xff, 0xff, 0xff, 0xfe], ShapeError::Negative),
        ("s", false, &[0xff, 0xfe], ShapeError::Negative),
        ("s", false, &[0, 5, 1], ShapeError::Short),
        ("y", true, &[0xff, 0xff, 0xff, 0xff, 0x0f], ShapeError::Short),
        ("[ s ]", true, &[0xff, 0xff, 0xff, 0xff, 0x0f], ShapeError::TooMany),
        ("b", true, &[0, 0xff, 0xff, 0xff, 0xff, 0x0f], ShapeError::TooMany),
    ];
    for (shape, flexible, body, error) in rows {
        assert_eq!(walk(shape, 0, flexible, body), Err(error), "{shape} {body:?}");
    }
    assert_eq!(walk("[ s ] y s", 0, false, &[0xff; 10]), Ok(10), "null is allowed everywhere");
}

#[test]
fn versions_select_fields() {
    for (versions, inside, outside) in
        [("", vec![0, 9], vec![]), ("7+", vec![7, 8], vec![6]), ("2-4", vec![2, 4], vec![1, 5])]
    {
        assert!(inside.iter().all(|version| is_within(versions, *version)), "{versions}");
        assert!(outside.iter().all(|version| !is_within(versions, *version)), "{versions}");
    }
}

/// Bytes that are lengths and counts more often than chance would have it.
fn telling_byte() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), Just(1), Just(0xff), any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_frames_are_refused_or_decoded_and_never_panic(
        api in 0..APIS.len(),
        step in 0_i16..9,
        body in prop::collection::vec(telling_byte(), 0..80),
    ) {
        let api = &APIS[api];
        let version = (api.min + step).min(api.max);
        let mut frame = Vec::new();
        frame.extend_from_slice(&(api.key as i16).to_be_bytes());
        frame.extend_from_slice(&version.to_be_bytes());
        frame.extend_from_slice(&[0, 0, 0, 1, 0xff, 0xff, 0]);
        frame.extend_from_slice(&body);
        let _ = wire::decode(frame.into());
    }
}
