# Alarms on what AWS says of the load balancer, the tasks, the database, the cache, the brokers and the rest.

locals {
  edge_alarms = {
    "no-healthy-target" = {
      severity   = "P1", namespace = "AWS/ApplicationELB", metric = "HealthyHostCount", stat = "Maximum"
      dimensions = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
      period     = 60, periods = 2, under = 1, missing = "breaching"
      says       = "The load balancer has no healthy task to send anything to."
      do         = "Roll back a deployment that just ran; else ECS says why tasks stop."
    }
    "unhealthy-targets" = {
      severity   = "P2", namespace = "AWS/ApplicationELB", metric = "UnHealthyHostCount", stat = "Maximum"
      dimensions = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
      period     = 60, periods = 10, over = 0, missing = "notBreaching"
      says       = "A task fails its health check and is not replaced."
      do         = "Read the task's last lines; stop the task."
    }
    "edge-errors" = {
      severity   = "P2", namespace = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", stat = "Sum"
      dimensions = { LoadBalancer = var.load_balancer }
      period     = 60, periods = 3, over = var.thresholds.requests_min, missing = "notBreaching"
      says       = "The load balancer itself answers with errors: no target, or a target that closed the connection."
      do         = "Compare with no-healthy-target and with task stops."
    }
    "edge-slow" = {
      severity   = "P2", namespace = "AWS/ApplicationELB", metric = "TargetResponseTime", stat = "p95"
      dimensions = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
      period     = 60, periods = 5, over = var.thresholds.p95_ms / 1000, missing = "notBreaching"
      says       = "As the load balancer measures it, the 95th percentile is over ${var.thresholds.p95_ms} ms."
      do         = "If latency-high is calm, the time is lost before wallet-svc's handler: connections or CPU."
    }
    "edge-rejects" = {
      severity   = "P2", namespace = "AWS/ApplicationELB", metric = "RejectedConnectionCount", stat = "Sum"
      dimensions = { LoadBalancer = var.load_balancer }
      period     = 60, periods = 3, over = 0, missing = "notBreaching"
      says       = "The load balancer is full and rejects connections."
      do         = "An attack, or clients without keep-alive; look at the web ACL."
    }
    "firewall-blocks" = {
      severity   = "P3", namespace = "AWS/WAFV2", metric = "BlockedRequests", stat = "Sum"
      dimensions = { WebACL = var.web_acl, Region = data.aws_region.this.region, Rule = "ALL" }
      period     = 300, periods = 1, over = var.thresholds.blocked_requests, missing = "notBreaching"
      says       = "The firewall blocks more than ${var.thresholds.blocked_requests} requests in five minutes."
      do         = "Dashboard security: by which rule? A rule that blocks real clients must be counted, not enforced."
    }
  }

  service_dimensions = { ClusterName = var.service.cluster, ServiceName = var.service.name }
  service_alarms = {
    "service-tasks-missing" = {
      severity   = "P2", namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", stat = "Minimum"
      dimensions = local.service_dimensions
      period     = 60, periods = 10, under = var.service.tasks_min, missing = "breaching"
      says       = "Fewer than ${var.service.tasks_min} tasks of wallet-svc have run for ten minutes."
      do         = "ECS service events: capacity, image, health check, secret."
    }
    "service-at-maximum" = {
      severity   = "P3", namespace = "ECS/ContainerInsights", metric = "DesiredTaskCount", stat = "Minimum"
      dimensions = local.service_dimensions
      period     = 60, periods = 15, over = var.service.tasks_max - 1, missing = "notBreaching"
      says       = "wallet-svc is at its largest size and cannot grow."
      do         = "Raise tasks_max if the database has room; see control's capacity page."
    }
    "service-cpu-high" = {
      severity   = "P3", namespace = "AWS/ECS", metric = "CPUUtilization", stat = "Average"
      dimensions = local.service_dimensions
      period     = 60, periods = 15, over = var.thresholds.cpu_percent, missing = "notBreaching"
      says       = "Tasks have been over ${var.thresholds.cpu_percent} % CPU for 15 minutes; scaling should have added some."
      do         = "Is a hold or freeze on in control? Is the size at its maximum?"
    }
    "service-memory-high" = {
      severity   = "P3", namespace = "AWS/ECS", metric = "MemoryUtilization", stat = "Maximum"
      dimensions = local.service_dimensions
      period     = 60, periods = 15, over = var.thresholds.memory_percent, missing = "notBreaching"
      says       = "A task has used more than ${var.thresholds.memory_percent} % of its memory for 15 minutes."
      do         = "Look for growth since the last deployment."
    }
  }

  writer  = { DBClusterIdentifier = var.database.cluster, Role = "WRITER" }
  readers = { DBClusterIdentifier = var.database.cluster, Role = "READER" }
  database_alarms = {
    # The uptime comes from a running writer only, so its silence is the writer's absence.
    "database-writer-absent" = {
      severity   = "P1", namespace = "AWS/RDS", metric = "EngineUptime", stat = "SampleCount"
      dimensions = local.writer
      period     = 60, periods = 3, under = 1, missing = "breaching"
      says       = "Aurora has no writer that reports. Writes are refused, reads go on."
      do         = "Aurora promotes a reader within two minutes; if not: runbooks/aurora-writer-failover.yaml."
    }
    "database-connections" = {
      severity   = "P2", namespace = "AWS/RDS", metric = "DatabaseConnections", stat = "Maximum"
      dimensions = local.writer
      period     = 60, periods = 5, over = floor(0.8 * var.database.connections_max), missing = "notBreaching"
      says       = "The writer has used 80 % of its ${var.database.connections_max} connections."
      do         = "Tasks times lanes and readers; who else is connected?"
    }
    "database-memory" = {
      severity   = "P2", namespace = "AWS/RDS", metric = "FreeableMemory", stat = "Minimum"
      dimensions = local.writer
      period     = 60, periods = 5, under = floor(0.05 * var.database.memory_bytes), missing = "notBreaching"
      says       = "The writer has less than 5 % of its memory left."
      do         = "Connections, or a query; fail over to a fresh reader if it goes on."
    }
    "database-commit-slow" = {
      severity   = "P2", namespace = "AWS/RDS", metric = "CommitLatency", stat = "Average"
      dimensions = local.writer
      period     = 60, periods = 5, over = var.thresholds.commit_ms, missing = "notBreaching"
      says       = "A commit takes more than ${var.thresholds.commit_ms} ms on the writer."
      do         = "Performance Insights: what does it wait for?"
    }
    "database-lag" = {
      severity   = "P2", namespace = "AWS/RDS", metric = "AuroraReplicaLag", stat = "Maximum"
      dimensions = local.readers
      period     = 60, periods = 5, over = var.thresholds.replica_lag_ms, missing = "notBreaching"
      says       = "A reader is more than ${var.thresholds.replica_lag_ms} ms behind; it would be a poor writer."
      do         = "Is the writer saturated? Restart the reader if only one lags."
    }
    "database-cpu" = {
      severity   = "P3", namespace = "AWS/RDS", metric = "CPUUtilization", stat = "Average"
      dimensions = local.writer
      period     = 300, periods = 3, over = var.thresholds.cpu_percent, missing = "notBreaching"
      says       = "The writer has been over ${var.thresholds.cpu_percent} % CPU for 15 minutes."
      do         = "Plan a larger class; see docs/COST-OPTIMIZATION.md for its price."
    }
    "database-readers-absent" = {
      severity   = "P2", namespace = "AWS/RDS", metric = "EngineUptime", stat = "SampleCount"
      dimensions = local.readers
      period     = 60, periods = 10, under = 1, missing = "breaching"
      says       = "No reader reports: a failover would have to start an instance first."
      do         = "RDS events; create a reader."
    }
    "database-volume" = {
      severity   = "P3", namespace = "AWS/RDS", metric = "VolumeBytesUsed", stat = "Average"
      dimensions = { DBClusterIdentifier = var.database.cluster }
      period     = 3600, periods = 1, over = floor(var.thresholds.storage_share * var.database.storage_gb) * 1073741824
      missing    = "notBreaching"
      says       = "The ledger has grown to ${var.thresholds.storage_share * 100} % of the ${var.database.storage_gb} GB that were planned."
      do         = "Archive history or plan for more; it grows by itself, the bill too."
    }
    "database-deadlocks" = {
      severity   = "P4", namespace = "AWS/RDS", metric = "Deadlocks", stat = "Average"
      dimensions = local.writer
      period     = 300, periods = 3, over = 0.1, missing = "notBreaching"
      says       = "Deadlocks on the writer; lanes lock in order, so there should be none."
      do         = "Who else writes? SHOW ENGINE INNODB STATUS."
    }
    "database-logins-failed" = {
      severity   = "P3", namespace = "AWS/RDS", metric = "LoginFailures", stat = "Average"
      dimensions = local.writer
      period     = 300, periods = 1, over = var.thresholds.failed_logins_s, missing = "notBreaching"
      says       = "Logins to the database fail."
      do         = "A rotated secret that a task has not read, or somebody who tries: audit log."
    }
  }

  cache_node_alarms = {
    "cache-silent" = {
      severity = "P2", metric = "CurrConnections", stat = "SampleCount"
      period   = 60, periods = 5, under = 1, missing = "breaching"
      says     = "Cache node %s does not report. The wallet goes on without it, slower."
      do       = "ElastiCache events; a lost node is replaced by itself."
    }
    "cache-cpu" = {
      severity = "P3", metric = "EngineCPUUtilization", stat = "Average"
      period   = 300, periods = 3, over = var.thresholds.cpu_percent, missing = "notBreaching"
      says     = "Cache node %s is over ${var.thresholds.cpu_percent} % of its engine's one thread."
      do       = "A larger class does not help much; look for hot keys."
    }
    "cache-memory" = {
      severity = "P3", metric = "DatabaseMemoryUsagePercentage", stat = "Maximum"
      period   = 300, periods = 3, over = var.thresholds.memory_percent, missing = "notBreaching"
      says     = "Cache node %s has used ${var.thresholds.memory_percent} % of its memory; it will evict."
      do       = "Plan a larger class."
    }
    "cache-evictions" = {
      severity = "P4", metric = "Evictions", stat = "Sum"
      period   = 300, periods = 3, over = 1000, missing = "notBreaching"
      says     = "Cache node %s evicts balances; reads of them go to the database."
      do       = "See cache-memory."
    }
  }
  cache_nodes = [for number in range(1, var.cache.nodes + 1) : format("%s-%03d", var.cache.group, number)]
  cache_alarms = merge([for number, node in local.cache_nodes : {
    for key, one in local.cache_node_alarms : "${key}-${number + 1}" => merge(one, {
      about      = key
      namespace  = "AWS/ElastiCache"
      dimensions = { CacheClusterId = node, CacheNodeId = "0001" }
      says       = replace(one.says, "%s", node)
    })
  }]...)

  broker_dimensions = { "Cluster Name" = var.broker.cluster }
  broker_cluster_alarms = {
    "broker-leaderless" = {
      severity   = "P2", namespace = "AWS/Kafka", metric = "ActiveControllerCount", stat = "Maximum"
      dimensions = local.broker_dimensions
      period     = 60, periods = 5, under = 1, missing = "breaching"
      says       = "Kafka has no active controller or does not report. Writes to the wallet go on; events wait in the outbox."
      do         = "MSK console: state of the cluster; AWS Health."
    }
    "broker-offline" = {
      severity   = "P2", namespace = "AWS/Kafka", metric = "OfflinePartitionsCount", stat = "Maximum"
      dimensions = local.broker_dimensions
      period     = 60, periods = 3, over = 0, missing = "notBreaching"
      says       = "A partition has no leader; its events wait in the outbox."
      do         = "Which broker is gone? Never allow an unclean election."
    }
  }
  broker_node_alarms = {
    "broker-underreplicated" = {
      severity = "P3", metric = "UnderReplicatedPartitions", stat = "Maximum"
      period   = 60, periods = 15, over = 0, missing = "notBreaching"
      says     = "Broker %s leads partitions that lack a replica."
      do       = "Maintenance of a broker does this for some minutes; longer means a broker is gone."
    }
    "broker-disk" = {
      severity = "P3", metric = "KafkaDataLogsDiskUsed", stat = "Maximum"
      period   = 300, periods = 1, over = var.thresholds.disk_percent, missing = "breaching"
      says     = "Broker %s has used ${var.thresholds.disk_percent} % of its disk, or does not report."
      do       = "Storage grows by itself, once in six hours; shorten the retention if that is too slow."
    }
    "broker-cpu" = {
      severity = "P3", metric = "CpuUser", stat = "Average"
      period   = 300, periods = 3, over = 60, missing = "notBreaching"
      says     = "Broker %s spends more than 60 % of its CPU on Kafka; above that it has no room for a lost neighbour."
      do       = "Plan a larger class."
    }
  }
  broker_alarms = merge(local.broker_cluster_alarms, merge([for number in range(1, var.broker.brokers + 1) : {
    for key, one in local.broker_node_alarms : "${key}-${number}" => merge(one, {
      about      = key
      namespace  = "AWS/Kafka"
      dimensions = merge(local.broker_dimensions, { "Broker ID" = tostring(number) })
      says       = replace(one.says, "%s", tostring(number))
    })
  }]...))

  nat_alarms = { for key, id in var.nat_gateways : "nat-ports-${key}" => {
    about      = "nat-ports"
    severity   = "P3", namespace = "AWS/NATGateway", metric = "ErrorPortAllocation", stat = "Sum"
    dimensions = { NatGatewayId = id }
    period     = 300, periods = 1, over = 0, missing = "notBreaching"
    says       = "The NAT gateway of ${key} has no port left for new connections."
    do         = "Who opens so many? Endpoints carry AWS traffic."
  } }

  upkeep_alarms = merge(
    {
      # Backups are taken daily; one period of a day could miss one that ended a little later than yesterday's.
      "backup-absent" = {
        severity   = "P2", namespace = "AWS/Backup", metric = "NumberOfBackupJobsCompleted", stat = "Sum"
        dimensions = { BackupVaultName = var.backup_vault }
        period     = 86400, periods = 2, under = 1, missing = "breaching"
        says       = "No backup was completed for two days."
        do         = "AWS Backup: jobs. Point-in-time recovery of Aurora does not depend on it."
      }
    },
    { for topic in ["p1-sms", "p1", "p2", "p3"] : "undelivered-${topic}" => {
      severity   = topic == "p1-sms" || topic == "p1" ? "P2" : "P3", namespace = "AWS/SNS", metric = "NumberOfNotificationsFailed"
      dimensions = { TopicName = lookup(var.topic_names, topic, "missing") }, stat = "Sum"
      period     = 300, periods = 1, over = 0, missing = "notBreaching"
      says       = "A message to ${topic} did not reach somebody."
      do         = "Number, address, or the month's SMS limit."
    } },
  )
}
