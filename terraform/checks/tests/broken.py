"""A small environment that every check passes, and the means to break it."""

import copy
import json
from typing import Any, Callable

from ..world import Document, World

NOTIFY = "arn:aws:sns:sa-east-1:123456789012:wallet-test-"
KEY = "arn:aws:kms:sa-east-1:123456789012:key/notify"
SERVICES = [
    "cloudwatch.amazonaws.com",
    "events.amazonaws.com",
    "budgets.amazonaws.com",
    "costalerts.amazonaws.com",
    "backup.amazonaws.com",
]


def allow(**rest: Any) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **rest}]})


def _topics() -> list[dict[str, Any]]:
    resources = []
    for topic, protocol in (("p1-sms", "sms"), ("p1", "email"), ("p2", "email"), ("p3", "email"), ("p4", "")):
        arn = NOTIFY + topic
        resources.append(
            {
                "type": "aws_sns_topic",
                "name": topic,
                "values": {"arn": arn, "name": f"wallet-test-{topic}", "kms_master_key_id": KEY},
            }
        )
        resources.append(
            {
                "type": "aws_sns_topic_policy",
                "name": topic,
                "values": {"arn": arn, "policy": allow(Action="sns:Publish", Principal={"Service": SERVICES})},
            }
        )
        if protocol:
            resources.append(
                {
                    "type": "aws_sns_topic_subscription",
                    "name": topic,
                    "values": {"topic_arn": arn, "protocol": protocol},
                }
            )
    key = {
        "arn": KEY,
        "id": "notify",
        "key_id": "notify",
        "policy": allow(Action=["kms:Decrypt", "kms:GenerateDataKey*"], Principal={"Service": SERVICES}),
    }
    return resources + [{"type": "aws_kms_key", "name": "notify", "values": key}]


def alarm(
    name: str, severity: str, namespace: str, metric: str, dimensions: dict[str, str], missing: str = "breaching"
) -> dict[str, Any]:
    """An alarm that tells its severity's topics."""
    topics = {"P1": ["p1-sms", "p1"], "P2": ["p2"], "P3": ["p3"], "P4": ["p4"]}[severity]
    return {
        "type": "aws_cloudwatch_metric_alarm",
        "name": name,
        "values": {
            "alarm_name": f"wallet-test-{name}",
            "alarm_description": "Runbook: docs",
            "namespace": namespace,
            "metric_name": metric,
            "dimensions": dimensions,
            "treat_missing_data": missing,
            "alarm_actions": [NOTIFY + one for one in topics],
            "tags": {"Severity": severity},
            "period": 60,
        },
    }


def _alarms() -> list[dict[str, Any]]:
    here = {"Environment": "test"}
    return [
        alarm("traffic", "P1", "Wallet", "Requests", here),
        alarm("heart", "P1", "Wallet/Control", "Heartbeat", here),
        alarm("writer", "P1", "AWS/RDS", "EngineUptime", {"DBClusterIdentifier": "wallet-test", "Role": "WRITER"}),
        alarm(
            "cache",
            "P2",
            "AWS/ElastiCache",
            "CurrConnections",
            {"CacheClusterId": "wallet-test-001", "CacheNodeId": "0001"},
        ),
        alarm("broker", "P2", "AWS/Kafka", "ActiveControllerCount", {"Cluster Name": "wallet-test"}),
        alarm("backup", "P3", "AWS/Backup", "NumberOfBackupJobsCompleted", {"BackupVaultName": "home"}),
        alarm("declines", "P4", "Wallet", "Declines", {"Environment": "test", "Operation": "deposit"}, "notBreaching"),
    ]


def _data() -> list[dict[str, Any]]:
    home, abroad = (
        "arn:aws:backup:sa-east-1:123456789012:backup-vault:home",
        "arn:aws:backup:us-east-1:123456789012:backup-vault:copy",
    )
    rule = {
        "rule_name": "daily",
        "target_vault_name": "home",
        "lifecycle": [{"delete_after": 35}],
        "copy_action": [{"destination_vault_arn": abroad}],
    }
    return [
        {
            "type": "aws_ecs_task_definition",
            "name": "wallet",
            "values": {
                "family": "wallet-svc",
                "cpu": "4096",
                "memory": "8192",
                "container_definitions": json.dumps(
                    [{"environment": [{"name": "WALLET_ENVIRONMENT", "value": "test"}]}]
                ),
            },
        },
        {"type": "aws_security_group", "name": "alb", "values": {"id": "sg-alb"}},
        {"type": "aws_network_acl", "name": "data", "values": {"id": "acl", "subnet_ids": ["subnet-1"]}},
        {
            "type": "aws_lb",
            "name": "this",
            "values": {"id": "lb", "arn": "arn:lb", "security_groups": ["sg-alb"], "load_balancer_type": "application"},
        },
        {
            "type": "aws_wafv2_web_acl",
            "name": "this",
            "values": {"arn": "arn:acl", "rule": [{"name": "AWSManagedRulesKnownBadInputsRuleSet"}]},
        },
        {
            "type": "aws_wafv2_web_acl_association",
            "name": "this",
            "values": {"resource_arn": "arn:lb", "web_acl_arn": "arn:acl"},
        },
        {
            "type": "aws_rds_cluster_parameter_group",
            "name": "this",
            "values": {"name": "tls", "parameter": [{"name": "require_secure_transport", "value": "ON"}]},
        },
        {
            "type": "aws_rds_cluster",
            "name": "this",
            "values": {
                "db_cluster_parameter_group_name": "tls",
                "cluster_identifier": "wallet-test",
                "tags_all": {"Backup": "daily"},
                "backup_retention_period": 35,
            },
        },
        {
            "type": "aws_elasticache_replication_group",
            "name": "this",
            "values": {"replication_group_id": "wallet-test", "num_cache_clusters": 3, "node_type": "cache.r6g.large"},
        },
        {
            "type": "aws_msk_cluster",
            "name": "this",
            "values": {
                "cluster_name": "wallet-test",
                "number_of_broker_nodes": 3,
                "broker_node_group_info": [
                    {
                        "instance_type": "kafka.m5.large",
                        "client_subnets": ["a", "b", "c"],
                        "storage_info": [{"ebs_storage_info": [{"volume_size": 100}]}],
                    }
                ],
            },
        },
        {
            "type": "aws_backup_selection",
            "name": "this",
            "values": {"selection_tag": [{"key": "Backup", "value": "daily"}]},
        },
        {
            "type": "aws_backup_vault",
            "name": "home",
            "values": {"name": "home", "arn": home, "region": "sa-east-1", "kms_key_arn": KEY},
        },
        {
            "type": "aws_backup_vault",
            "name": "copy",
            "values": {"name": "copy", "arn": abroad, "region": "us-east-1", "kms_key_arn": KEY},
        },
        {
            "type": "aws_backup_vault_lock_configuration",
            "name": "home",
            "values": {"backup_vault_name": "home", "min_retention_days": 7},
        },
        {
            "type": "aws_backup_vault_lock_configuration",
            "name": "copy",
            "values": {"backup_vault_name": "copy", "min_retention_days": 7},
        },
        {"type": "aws_backup_plan", "name": "this", "values": {"rule": [rule]}},
        {"type": "aws_backup_restore_testing_selection", "name": "this", "values": {}},
        {"type": "aws_budgets_budget", "name": "this", "values": {"limit_amount": "1000"}},
    ]


def control_role(actions: list[str]) -> list[dict[str, Any]]:
    """control's task definition, its role and what that may do."""
    role = "arn:aws:iam::123456789012:role/wallet-test-control"
    return [
        {
            "type": "aws_ecs_task_definition",
            "name": "control",
            "values": {
                "family": "wallet-test-control",
                "task_role_arn": role,
                "cpu": "512",
                "memory": "1024",
                "arn": "t",
            },
        },
        {
            "type": "aws_iam_role",
            "name": "control",
            "values": {"arn": role, "name": "wallet-test-control", "id": "wallet-test-control"},
        },
        {
            "type": "aws_iam_role_policy",
            "name": "control",
            "values": {
                "role": "wallet-test-control",
                "name": "calls",
                "policy": allow(Action=actions, Resource="arn:aws:ecs:sa-east-1:123456789012:service/x"),
            },
        },
    ]


def world(
    change: Callable[[list[dict[str, Any]]], None] = lambda resources: None,
    more: list[dict[str, Any]] | None = None,
    name: str = "test",
) -> World:
    """The sound environment after a change."""
    resources = copy.deepcopy(_topics() + _alarms() + _data() + (more or []))
    change(resources)
    for one in resources:
        one.setdefault("mode", "managed")
        one.setdefault("address", f"{one['type']}.{one['name']}")
    document = Document({"values": {"root_module": {"resources": resources}}})
    return World(name, document, document)


def put(type_: str, name: str, **values: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Sets arguments of one resource."""

    def change(resources: list[dict[str, Any]]) -> None:
        for one in resources:
            if (one["type"], one["name"]) == (type_, name):
                one["values"].update(values)

    return change


def without(type_: str, name: str = "") -> Callable[[list[dict[str, Any]]], None]:
    """Takes resources away."""

    def change(resources: list[dict[str, Any]]) -> None:
        resources[:] = [one for one in resources if one["type"] != type_ or (name and one["name"] != name)]

    return change


def add(type_: str, **values: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Puts a resource in."""
    return lambda resources: resources.append({"type": type_, "name": "added", "values": values})
