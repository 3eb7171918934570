//! Consumer groups on the wire: join, sync, heartbeat, leave, describe, list, delete.

use std::time::Duration;

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    GroupId, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, SyncGroupRequest,
    SyncGroupResponse,
};
use uuid::Uuid;

use super::super::group::{Answer, Client, Event, Join};
use super::{Call, number, text};

/// Enters a group; answered when its next generation begins.
pub(super) async fn join(call: &Call, request: JoinGroupRequest) -> JoinGroupResponse {
    let member = request.member_id.to_string();
    let refused = |code: Code| {
        JoinGroupResponse::default()
            .with_error_code(code.code())
            .with_generation_id(-1)
            .with_protocol_name(Some(text("")))
            .with_member_id(request.member_id.clone())
    };
    if let Err(code) = admit(call, &request.group_id) {
        return refused(code);
    }
    let session = milliseconds(request.session_timeout_ms);
    let rebalance = milliseconds(request.rebalance_timeout_ms);
    let protocols = request.protocols.iter();
    let protocols = protocols.map(|one| (one.name.to_string(), one.metadata.clone())).collect();
    let question = |ticket| {
        Event::Join(Join {
            ticket,
            member,
            fresh_id: format!("{}-{}", call.client_id, Uuid::new_v4()),
            must_return: call.version >= 4,
            client: Client { id: call.client_id.clone(), host: call.peer.clone() },
            session,
            // Version 0 had one timeout for both.
            rebalance: if call.version == 0 { session } else { rebalance },
            protocol_type: request.protocol_type.to_string(),
            protocols,
        })
    };
    match call.broker.groups.ask(&request.group_id, question).await {
        Answer::Joined(joined) => {
            let members = joined.members.into_iter().map(|(id, subscription)| {
                JoinGroupResponseMember::default()
                    .with_member_id(text(id))
                    .with_metadata(subscription)
            });
            JoinGroupResponse::default()
                .with_generation_id(joined.generation)
                .with_protocol_name(Some(text(joined.protocol)))
                .with_leader(text(joined.leader))
                .with_member_id(text(joined.member))
                .with_members(members.collect())
        }
        Answer::ReturnWith(id) => refused(Code::MemberIdRequired).with_member_id(text(id)),
        Answer::Refused(code) => refused(code),
        Answer::Assigned(_) => refused(Code::UnknownServerError),
    }
}

/// Fetches the assignment; answered when the leader has brought it.
pub(super) async fn sync(call: &Call, request: SyncGroupRequest) -> SyncGroupResponse {
    let refused = |code: Code| SyncGroupResponse::default().with_error_code(code.code());
    if let Err(code) = admit(call, &request.group_id) {
        return refused(code);
    }
    let assignments = request.assignments.iter();
    let assignments =
        assignments.map(|one| (one.member_id.to_string(), one.assignment.clone())).collect();
    let question = |ticket| Event::Sync {
        ticket,
        member: request.member_id.to_string(),
        generation: request.generation_id,
        assignments,
    };
    match call.broker.groups.ask(&request.group_id, question).await {
        Answer::Assigned(assignment) => SyncGroupResponse::default().with_assignment(assignment),
        Answer::Refused(code) => refused(code),
        Answer::Joined(_) | Answer::ReturnWith(_) => refused(Code::UnknownServerError),
    }
}

/// Takes a sign of life.
pub(super) fn heartbeat(call: &Call, request: &HeartbeatRequest) -> HeartbeatResponse {
    let outcome = admit(call, &request.group_id).and_then(|()| {
        call.broker.groups.with(&request.group_id, |group, now| {
            group.heartbeat(&request.member_id, request.generation_id, now)
        })
    });
    HeartbeatResponse::default().with_error_code(number(&outcome))
}

/// Lets a member go.
pub(super) fn leave(call: &Call, request: &LeaveGroupRequest) -> LeaveGroupResponse {
    let outcome = admit(call, &request.group_id)
        .and_then(|()| call.broker.groups.leave(&request.group_id, request.member_id.to_string()));
    LeaveGroupResponse::default().with_error_code(number(&outcome))
}

/// Shows groups and their members.
pub(super) fn describe(call: &Call, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let groups = request.groups.into_iter().map(|id| match admit(call, &id) {
        Err(code) => DescribedGroup::default().with_error_code(code.code()).with_group_id(id),
        Ok(()) => describe_one(call, id),
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn describe_one(call: &Call, id: GroupId) -> DescribedGroup {
    let seen = call.broker.groups.with(&id, |group, _| group.describe());
    // A group that is neither in use nor has offsets is dead, in Kafka's words.
    let is_known = !seen.members.is_empty() || !call.broker.offsets(&id).is_empty();
    let members = seen.members.into_iter().map(|member| {
        DescribedGroupMember::default()
            .with_member_id(text(member.id))
            .with_client_id(text(member.client.id))
            .with_client_host(text(member.client.host))
            .with_member_metadata(member.subscription)
            .with_member_assignment(member.assignment)
    });
    DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(text(if is_known { seen.state } else { "Dead" }))
        .with_protocol_type(text(seen.protocol_type))
        .with_protocol_data(text(seen.protocol))
        .with_members(members.collect())
}

/// Lists the groups that this broker coordinates.
pub(super) fn list(call: &Call, request: &ListGroupsRequest) -> ListGroupsResponse {
    let mut groups = call.broker.groups.describe_all();
    for name in call.broker.groups_with_offsets() {
        groups.entry(name).or_insert_with(|| super::super::group::Group::default().describe());
    }
    let wanted = &request.states_filter;
    let is_wanted = |state: &str| wanted.is_empty() || wanted.iter().any(|one| &**one == state);
    let mine = groups.into_iter().filter(|(name, group)| {
        call.broker.coordinates(call.node, name).is_ok() && is_wanted(group.state)
    });
    let listed = mine.map(|(name, group)| {
        let one = ListedGroup::default()
            .with_group_id(text(name).into())
            .with_protocol_type(text(group.protocol_type));
        if call.version >= 4 { one.with_group_state(text(group.state)) } else { one }
    });
    ListGroupsResponse::default().with_groups(listed.collect())
}

/// Deletes groups that nobody is in.
pub(super) fn delete(call: &Call, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|id| {
        let outcome = admit(call, &id).and_then(|()| call.broker.delete_group(&id));
        DeletableGroupResult::default().with_group_id(id).with_error_code(number(&outcome))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}

/// Whether this broker answers for the group.
fn admit(call: &Call, group: &str) -> Result<(), Code> {
    if group.is_empty() {
        return Err(Code::InvalidGroupId);
    }
    call.broker.coordinates(call.node, group)
}

fn milliseconds(count: i32) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(0))
}
