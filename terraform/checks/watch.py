"""Trap 5: alarms and dashboards read metrics that exist, of resources that exist, and silence is heard."""

import json
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from . import metrics
from .world import Document, World

# A part of the environment and the namespaces in which its death is silence.
PARTS = {
    "the service": {"Wallet", "AWS/ApplicationELB", "ECS/ContainerInsights"},
    "control": {"Wallet/Control"},
    "the database": {"AWS/RDS"},
    "the cache": {"AWS/ElastiCache"},
    "the broker": {"AWS/Kafka"},
    "backups": {"AWS/Backup"},
}


class Metric(NamedTuple):
    """One metric that something reads."""

    reader: str
    namespace: str
    name: str
    dimensions: dict[str, str]


def _alarm_metrics(alarm: Any) -> Iterator[Metric]:
    values = alarm.values
    if values.get("namespace"):
        yield Metric(alarm.address, values["namespace"], values["metric_name"], values.get("dimensions") or {})
    for query in values.get("metric_query") or []:
        for one in query.get("metric") or []:
            yield Metric(alarm.address, one["namespace"], one["metric_name"], one.get("dimensions") or {})


def _panel_metrics(dashboard: Any) -> Iterator[Metric]:
    for widget in json.loads(dashboard.text("dashboard_body") or "{}").get("widgets", []):
        where = f"{dashboard.address} '{widget['properties'].get('title', '')}'"
        for row in widget["properties"].get("metrics", []):
            words = [one for one in row if isinstance(one, str)]
            if len(words) >= 2:
                pairs = dict(zip(words[2::2], words[3::2]))
                yield Metric(where, words[0], words[1], pairs)


def _filters(state: Document) -> dict[str, dict[str, list[set[str]]]]:
    """The metrics that log filters of the environment emit."""
    emitted: dict[str, dict[str, list[set[str]]]] = {}
    for one in state.of("aws_cloudwatch_log_metric_filter"):
        for made in one.values.get("metric_transformation") or []:
            dimensions = set((made.get("dimensions") or {}).keys())
            emitted.setdefault(made["namespace"], {}).setdefault(made["name"], []).append(dimensions)
    return emitted


def _existing(state: Document) -> dict[str, set[str]]:
    """The legal values of each dimension, from the resources of the state."""
    texts = lambda key, *types: {one.text(key) for one in state.of(*types)} - {""}
    acls = {
        rule.get("metric_name")
        for one in state.of("aws_wafv2_web_acl")
        for rule in one.values.get("visibility_config") or []
    }
    caches = {
        f"{one.text('replication_group_id')}-{number:03d}"
        for one in state.of("aws_elasticache_replication_group")
        for number in range(1, int(one.values.get("num_cache_clusters") or 0) + 1)
    }
    brokers = max([int(one.values.get("number_of_broker_nodes") or 0) for one in state.of("aws_msk_cluster")] or [0])
    return {
        "LoadBalancer": texts("arn_suffix", "aws_lb"),
        "TargetGroup": texts("arn_suffix", "aws_lb_target_group"),
        "ClusterName": texts("name", "aws_ecs_cluster"),
        "ServiceName": texts("name", "aws_ecs_service"),
        "DBClusterIdentifier": texts("cluster_identifier", "aws_rds_cluster"),
        "DBInstanceIdentifier": texts("identifier", "aws_rds_cluster_instance", "aws_db_instance"),
        "Role": {"WRITER", "READER"},
        "CacheClusterId": caches,
        "CacheNodeId": {"0001"},
        "Cluster Name": texts("cluster_name", "aws_msk_cluster"),
        "Broker ID": {str(number) for number in range(1, brokers + 1)},
        "NatGatewayId": texts("id", "aws_nat_gateway"),
        "WebACL": acls,
        "Rule": {"ALL"},
        "Region": {"sa-east-1"},
        "TopicName": texts("name", "aws_sns_topic"),
        "RuleName": texts("name", "aws_cloudwatch_event_rule"),
        "BackupVaultName": texts("name", "aws_backup_vault"),
    }


def _environments(state: Document) -> set[str]:
    """What the tasks of wallet-svc write into the dimension Environment."""
    names = set()
    for one in state.of("aws_ecs_task_definition"):
        for container in json.loads(one.text("container_definitions") or "[]"):
            names |= {
                pair["value"] for pair in container.get("environment") or [] if pair["name"] == "WALLET_ENVIRONMENT"
            }
    return names


def check(world: World, root: Path) -> list[str]:
    """Metrics that nobody emits, dimensions of nothing, undecided silence."""
    state, found = world.state, []
    known = {**metrics.AWS, **metrics.ours(root), **_filters(state)}
    existing = _existing(state)
    existing["Environment"] = _environments(state)
    existing["Operation"] = metrics.operations(root)
    insights = [
        one
        for one in state.of("aws_ecs_cluster")
        if any(
            s.get("name") == "containerInsights" and s.get("value") != "disabled"
            for s in one.values.get("setting") or []
        )
    ]

    alarms = state.of("aws_cloudwatch_metric_alarm")
    read = [metric for one in alarms for metric in _alarm_metrics(one)]
    read += [metric for one in state.of("aws_cloudwatch_dashboard") for metric in _panel_metrics(one)]
    for one in read:
        shapes = known.get(one.namespace, {}).get(one.name)
        if shapes is None:
            found.append(f"{one.reader} reads {one.namespace} {one.name}, which nobody emits")
            continue
        if set(one.dimensions) not in shapes:
            found.append(f"{one.reader}: {one.namespace} {one.name} has no dimensions {sorted(one.dimensions)}")
        for key, value in one.dimensions.items():
            if value not in existing.get(key, set()):
                found.append(f"{one.reader}: {key} is {value}, and no resource of the environment has that")
        if one.namespace == "ECS/ContainerInsights" and not insights:
            found.append(f"{one.reader} reads Container Insights, which is off")
    for alarm in alarms:
        if alarm.values.get("treat_missing_data") not in ("breaching", "notBreaching"):
            found.append(f"{alarm.address} does not decide what silence means")
        if "Runbook: " not in alarm.text("alarm_description"):
            found.append(f"{alarm.address} does not say what to do")
    groups = {one.text("name") for one in state.of("aws_cloudwatch_log_group")}
    for one in state.of("aws_cloudwatch_log_metric_filter", "aws_cloudwatch_query_definition"):
        names = [one.text("log_group_name")] if one.text("log_group_name") else one.values.get("log_group_names") or []
        found += [
            f"{one.address} reads the log group {name}, which is not there" for name in names if name not in groups
        ]
    return found + dead(state)


def dead(state: Document) -> list[str]:
    """Parts whose total silence no alarm that tells somebody would hear."""
    composite = " ".join(one.text("alarm_rule") for one in state.of("aws_cloudwatch_composite_alarm"))
    loud: dict[str, set[str]] = {}
    for alarm in state.of("aws_cloudwatch_metric_alarm"):
        told = alarm.values.get("alarm_actions") or f'"{alarm.text("alarm_name")}"' in composite
        if told and alarm.values.get("treat_missing_data") == "breaching":
            severity = (alarm.values.get("tags") or {}).get("Severity", "none")
            for metric in _alarm_metrics(alarm):
                loud.setdefault(metric.namespace, set()).add(severity)
    found = []
    for part, namespaces in PARTS.items():
        severities = set().union(*(loud.get(one, set()) for one in namespaces))
        if not severities:
            found.append(f"if {part} fell silent, no alarm would go off")
        elif part in ("the service", "control", "the database") and "P1" not in severities:
            found.append(f"if {part} fell silent, nobody would be paged")
    return found
