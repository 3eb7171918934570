# Infrastructure: CPU, memory, network and storage of what runs.

locals {
  tasks       = ["ClusterName", var.service.cluster, "ServiceName", var.service.name]
  watchman    = ["ClusterName", var.control.cluster, "ServiceName", var.control.name]
  writer      = ["DBClusterIdentifier", var.database_cluster, "Role", "WRITER"]
  reader      = ["DBClusterIdentifier", var.database_cluster, "Role", "READER"]
  cache_nodes = [for number in range(1, var.cache.nodes + 1) : format("%s-%03d", var.cache.group, number)]
  broker      = ["Cluster Name", var.broker.cluster]
  journal     = ["DBInstanceIdentifier", var.control.database]
  brokers     = [for number in range(1, var.broker.brokers + 1) : tostring(number)]

  infrastructure = [
    {
      title = "Tasks of wallet-svc", stat = "Average"
      metrics = [
        concat(["ECS/ContainerInsights", "DesiredTaskCount"], local.tasks, [{ label = "desired" }]),
        concat(["ECS/ContainerInsights", "RunningTaskCount"], local.tasks, [{ label = "running" }]),
        concat(["AWS/ApplicationELB", "HealthyHostCount"], local.target, [{ label = "healthy" }]),
        concat(["AWS/ApplicationELB", "UnHealthyHostCount"], local.target, [{ label = "unhealthy" }]),
      ]
    },
    {
      title = "Tasks: CPU and memory, %", stat = "Average", min = 0, max = 100
      metrics = [
        concat(["AWS/ECS", "CPUUtilization"], local.tasks, [{ label = "wallet-svc CPU" }]),
        concat(["AWS/ECS", "MemoryUtilization"], local.tasks, [{ label = "wallet-svc memory" }]),
        concat(["AWS/ECS", "CPUUtilization"], local.watchman, [{ label = "control CPU" }]),
        concat(["AWS/ECS", "MemoryUtilization"], local.watchman, [{ label = "control memory" }]),
      ]
    },
    {
      title = "Tasks: network, bytes", stat = "Sum"
      metrics = [
        concat(["ECS/ContainerInsights", "NetworkRxBytes"], local.tasks, [{ label = "in" }]),
        concat(["ECS/ContainerInsights", "NetworkTxBytes"], local.tasks, [{ label = "out" }]),
      ]
    },
    {
      title = "Aurora: CPU, %", stat = "Average", min = 0, max = 100
      metrics = [
        concat(["AWS/RDS", "CPUUtilization"], local.writer, [{ label = "writer" }]),
        concat(["AWS/RDS", "CPUUtilization"], local.reader, [{ label = "readers" }]),
      ]
    },
    {
      title = "Aurora: memory free, connections", stat = "Minimum"
      metrics = [
        concat(["AWS/RDS", "FreeableMemory"], local.writer, [{ label = "memory free, bytes" }]),
        concat(["AWS/RDS", "DatabaseConnections"], local.writer, [{ stat = "Maximum", label = "connections", yAxis = "right" }]),
      ]
    },
    {
      title   = "Aurora: lag of the readers, ms", stat = "Maximum"
      metrics = [concat(["AWS/RDS", "AuroraReplicaLag"], local.reader, [{ label = "lag" }])]
    },
    {
      title = "Aurora: storage used, bytes; I/O", stat = "Average"
      metrics = [
        ["AWS/RDS", "VolumeBytesUsed", "DBClusterIdentifier", var.database_cluster, { label = "volume" }],
        ["AWS/RDS", "VolumeReadIOPs", "DBClusterIdentifier", var.database_cluster, { label = "reads", yAxis = "right" }],
        ["AWS/RDS", "VolumeWriteIOPs", "DBClusterIdentifier", var.database_cluster, { label = "writes", yAxis = "right" }],
      ]
    },
    {
      title = "Cache: engine CPU, %", stat = "Average", min = 0, max = 100
      metrics = [for node in local.cache_nodes :
      ["AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", node, "CacheNodeId", "0001", { label = node }]]
    },
    {
      title = "Cache: memory, %", stat = "Maximum", min = 0, max = 100
      metrics = [for node in local.cache_nodes :
      ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", node, "CacheNodeId", "0001", { label = node }]]
    },
    {
      title = "Brokers: CPU, %", stat = "Average", min = 0, max = 100
      metrics = [for id in local.brokers :
      ["AWS/Kafka", "CpuUser", "Cluster Name", var.broker.cluster, "Broker ID", id, { label = "broker ${id}" }]]
    },
    {
      title = "Brokers: disk, %", stat = "Maximum", min = 0, max = 100
      metrics = [for id in local.brokers :
      ["AWS/Kafka", "KafkaDataLogsDiskUsed", "Cluster Name", var.broker.cluster, "Broker ID", id, { label = "broker ${id}" }]]
    },
    {
      title = "Brokers: partitions in trouble", stat = "Maximum"
      metrics = concat(
        [["AWS/Kafka", "OfflinePartitionsCount", "Cluster Name", var.broker.cluster, { label = "offline" }]],
        [for id in local.brokers :
        concat(["AWS/Kafka", "UnderReplicatedPartitions"], local.broker, ["Broker ID", id, { label = "under-replicated, broker ${id}" }])],
      )
    },
    {
      title = "NAT gateways: bytes out, ports refused", stat = "Sum"
      metrics = concat(
        [for key, id in var.nat_gateways :
        ["AWS/NATGateway", "BytesOutToDestination", "NatGatewayId", id, { label = "bytes ${key}" }]],
        [for key, id in var.nat_gateways :
        ["AWS/NATGateway", "ErrorPortAllocation", "NatGatewayId", id, { label = "refused ${key}", yAxis = "right" }]],
      )
    },
    {
      title = "Journal database of control", stat = "Average"
      metrics = [
        ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", var.control.database, { label = "CPU, %" }],
        concat(["AWS/RDS", "FreeStorageSpace"], local.journal, [{ label = "storage free, bytes", yAxis = "right" }]),
      ]
    },
  ]
}
