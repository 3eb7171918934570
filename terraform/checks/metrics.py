"""Which metrics exist: those of AWS that we use, with their dimensions, and ours, read from what emits them."""

import re
from pathlib import Path

# Namespace -> metric -> the sets of dimensions under which AWS publishes it. Only what is used; add a row with its use.
AWS: dict[str, dict[str, list[set[str]]]] = {}


def _rows(namespace: str, dimensions: list[set[str]], *names: str) -> None:
    for name in names:
        AWS.setdefault(namespace, {})[name] = dimensions


_LB = [{"LoadBalancer"}]
_TARGET = [{"LoadBalancer"}, {"LoadBalancer", "TargetGroup"}]
_rows("AWS/ApplicationELB", _LB, "HTTPCode_ELB_5XX_Count", "RejectedConnectionCount", "RequestCount")
_rows(
    "AWS/ApplicationELB",
    _TARGET,
    "HTTPCode_Target_2XX_Count",
    "HTTPCode_Target_4XX_Count",
    "HTTPCode_Target_5XX_Count",
    "TargetResponseTime",
)
_rows("AWS/ApplicationELB", [{"LoadBalancer", "TargetGroup"}], "HealthyHostCount", "UnHealthyHostCount")
_rows("AWS/ApplicationELB", _TARGET + [{"TargetGroup"}], "RequestCountPerTarget")
_SERVICE = [{"ClusterName", "ServiceName"}]
_rows("AWS/ECS", _SERVICE, "CPUUtilization", "MemoryUtilization")
_rows("ECS/ContainerInsights", _SERVICE, "DesiredTaskCount", "NetworkRxBytes", "NetworkTxBytes", "RunningTaskCount")
_MEMBER = [{"DBClusterIdentifier", "Role"}, {"DBInstanceIdentifier"}, {"DBClusterIdentifier"}]
_rows(
    "AWS/RDS",
    _MEMBER,
    "AuroraReplicaLag",
    "CPUUtilization",
    "CommitLatency",
    "DMLLatency",
    "DatabaseConnections",
    "Deadlocks",
    "EngineUptime",
    "FreeableMemory",
    "LoginFailures",
    "SelectLatency",
)
_rows("AWS/RDS", [{"DBClusterIdentifier"}], "VolumeBytesUsed", "VolumeReadIOPs", "VolumeWriteIOPs")
_rows("AWS/RDS", [{"DBInstanceIdentifier"}], "FreeStorageSpace")
_rows(
    "AWS/ElastiCache",
    [{"CacheClusterId", "CacheNodeId"}],
    "CurrConnections",
    "DatabaseMemoryUsagePercentage",
    "EngineCPUUtilization",
    "Evictions",
)
_rows("AWS/Kafka", [{"Cluster Name"}], "ActiveControllerCount", "OfflinePartitionsCount")
_rows("AWS/Kafka", [{"Cluster Name", "Broker ID"}], "CpuUser", "KafkaDataLogsDiskUsed", "UnderReplicatedPartitions")
_rows("AWS/NATGateway", [{"NatGatewayId"}], "BytesOutToDestination", "ErrorPortAllocation")
_rows("AWS/WAFV2", [{"WebACL", "Region", "Rule"}], "AllowedRequests", "BlockedRequests")
_rows("AWS/SNS", [{"TopicName"}], "NumberOfNotificationsFailed")
_rows("AWS/Events", [{"RuleName"}], "FailedInvocations", "MatchedEvents")
_rows("AWS/Backup", [{"BackupVaultName"}], "NumberOfBackupJobsCompleted")

_ENVIRONMENT = [{"Environment"}]
_OPERATION = _ENVIRONMENT + [{"Environment", "Operation"}]


def ours(root: Path) -> dict[str, dict[str, list[set[str]]]]:
    """What wallet-svc and control publish, by the names that stand in their sources."""
    service = (root / "wallet-svc/src/cloudwatch.rs").read_text(encoding="utf-8")
    emitted: dict[str, dict[str, list[set[str]]]] = {"Wallet": {}, "Wallet/Control": {}}
    served = service[service.index("fn served_data") : service.index("fn ledger_data")]
    ledger = service[service.index("fn ledger_data") : service.index("fn datum")]
    for name in re.findall(r'\b(?:count|datum)\((?:dimensions, )?"([A-Za-z]+)"', served):
        emitted["Wallet"][name] = _OPERATION
    for name in re.findall(r'\bdatum\("([A-Za-z]+)"', ledger):
        emitted["Wallet"][name] = _ENVIRONMENT
    heart = (root / "control/src/alert/heartbeat.rs").read_text(encoding="utf-8")
    canary = (root / "control/src/probe/publish.rs").read_text(encoding="utf-8")
    names = re.findall(r'const (?:HEARTBEAT_METRIC|LATENCY|SUCCESS): &str = "([A-Za-z]+)"', heart + canary)
    emitted["Wallet/Control"] = {name: _ENVIRONMENT for name in names}
    return emitted


def operations(root: Path) -> set[str]:
    """The values of the dimension Operation."""
    traffic = (root / "wallet-svc/src/traffic.rs").read_text(encoding="utf-8")
    names = traffic[traffic.index("enum Operation") : traffic.index("enum Ending")]
    return set(re.findall(r'Self::[A-Za-z]+ => "([a-z_]+)"', names))
