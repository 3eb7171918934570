# Alarms on what the wallet itself says (namespace Wallet), on what control says and on their logs.
#
# Each entry: severity; what to read; when it goes off; what silence means (`missing`); what it says; what to do.
# `missing = "breaching"`: the value always comes while all is well, so silence is trouble.
# `missing = "notBreaching"`: the value comes only when something happens.

locals {
  wallet_dimensions = { Environment = var.environment }

  wallet_alarms = {
    "errors-high" = {
      severity   = "P1", periods = 3, period = 60, over = var.thresholds.error_percent, missing = "notBreaching"
      expression = local.error_percent, label = "errors, % of requests", inputs = local.error_inputs
      says       = "More than ${var.thresholds.error_percent} % of requests end with an error of ours."
      do         = "Look at database-writer-absent and control's alerts first; then the query 'errors by cause'."
    }
    "errors-raised" = {
      severity   = "P2", periods = 5, period = 60, over = var.thresholds.degraded_percent, missing = "notBreaching"
      expression = local.error_percent, label = "errors, % of requests", inputs = local.error_inputs
      says       = "More than ${var.thresholds.degraded_percent} % of requests end with an error of ours."
      do         = "Query 'errors by cause'; compare with the last deployment."
    }
    "latency-high" = {
      severity   = "P2", namespace = "Wallet", metric = "LatencyMs", stat = "p95"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 3, over = var.thresholds.p95_ms, missing = "notBreaching"
      says       = "The 95th percentile of all answers is over ${var.thresholds.p95_ms} ms, which is the promise."
      do         = "Compare with database-commit-slow, service-cpu-high and the lanes' queue."
    }
    "latency-tail" = {
      severity   = "P3", namespace = "Wallet", metric = "LatencyMs", stat = "p99"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 5, over = var.thresholds.p99_ms, missing = "notBreaching"
      says       = "One answer in a hundred takes longer than ${var.thresholds.p99_ms} ms."
      do         = "Query 'slow answers' by operation."
    }
    "traffic-unknown" = {
      severity   = "P2", namespace = "Wallet", metric = "Requests", stat = "SampleCount"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 3, under = 1, missing = "breaching"
      says       = "No task has said how many requests it served; a calm task says zero."
      do         = "Are tasks running? If so they cannot reach CloudWatch: endpoint, role, or AWS Health."
    }
    "outbox-stuck" = {
      severity   = "P2", namespace = "Wallet", metric = "OutboxOldestSeconds", stat = "Maximum"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 3, over = var.thresholds.outbox_oldest_s, missing = "notBreaching"
      says       = "A committed batch waits longer than ${var.thresholds.outbox_oldest_s} s for its event; consumers are behind."
      do         = "Look at broker-offline and the query 'relay'."
    }
    "outbox-behind" = {
      severity   = "P3", namespace = "Wallet", metric = "OutboxPending", stat = "Maximum"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 5, over = var.thresholds.outbox_pending, missing = "notBreaching"
      says       = "More than ${var.thresholds.outbox_pending} batches wait for the broker."
      do         = "Look at the brokers' CPU and disk."
    }
    "lanes-full" = {
      severity   = "P3", namespace = "Wallet", metric = "LaneQueueDepth", stat = "Maximum"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 5, over = var.thresholds.lane_queue_depth, missing = "notBreaching"
      says       = "Commands queue before a lane; a full lane answers 503."
      do         = "Is the database slow, or are there too few tasks?"
    }
    "decline-surge" = {
      severity   = "P4", periods = 3, period = 300, over = 50, missing = "notBreaching"
      expression = "IF(requests > ${var.thresholds.requests_min}, 100 * declines / requests, 0)"
      label      = "declines, % of requests"
      inputs = {
        declines = { namespace = "Wallet", metric = "Declines", dimensions = local.wallet_dimensions, stat = "Sum" }
        requests = { namespace = "Wallet", metric = "Requests", dimensions = local.wallet_dimensions, stat = "Sum" }
      }
      says = "More than half of the requests are declined: a client's fault, an attack, or wrong tokens."
      do   = "Query 'answers by status'; look at the web ACL."
    }
    "panics" = {
      severity = "P2", namespace = local.log_namespace, metric = "Panics", dimensions = {}, stat = "Sum"
      period   = 60, periods = 1, over = 0, missing = "notBreaching"
      says     = "wallet-svc panicked; its task ends and is replaced."
      do       = "Query 'panics' names the place; roll back if it came with a deployment."
    }
  }

  error_percent = "IF(requests > ${var.thresholds.requests_min}, 100 * errors / requests, 0)"
  error_inputs = {
    errors   = { namespace = "Wallet", metric = "Errors", dimensions = local.wallet_dimensions, stat = "Sum" }
    requests = { namespace = "Wallet", metric = "Requests", dimensions = local.wallet_dimensions, stat = "Sum" }
  }

  control_alarms = {
    # Period 30 s and one period: CloudWatch looks back three more before it calls a point missing.
    "control-heartbeat" = {
      severity   = "P1", namespace = "Wallet/Control", metric = "Heartbeat", stat = "Maximum"
      dimensions = local.wallet_dimensions
      period     = 30, periods = 1, under = 1, missing = "breaching"
      says       = "No control daemon is evaluating and delivering alerts."
      do         = "Are its tasks running, is its journal database up? Until then these alarms are all there is."
    }
    "canary-failing" = {
      severity   = "P1", namespace = "Wallet/Control", metric = "CanarySuccess", stat = "Average"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 3, under = var.thresholds.canary_share, missing = "notBreaching"
      says       = "Our own deposits through the load balancer fail: clients' do too."
      do         = "control's screen says which step fails."
    }
    "canary-silent" = {
      severity   = "P3", namespace = "Wallet/Control", metric = "CanarySuccess", stat = "SampleCount"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 10, under = 1, missing = "breaching"
      says       = "The canary moves no cent, so nobody measures what a client sees."
      do         = "Has control its canary token? See control-heartbeat."
    }
    "canary-slow" = {
      severity   = "P2", namespace = "Wallet/Control", metric = "CanaryLatencyMs", stat = "p95"
      dimensions = local.wallet_dimensions
      period     = 60, periods = 5, over = var.thresholds.canary_p95_ms, missing = "notBreaching"
      says       = "Our own deposits take longer than ${var.thresholds.canary_p95_ms} ms through the load balancer."
      do         = "Compare with latency-high: if that is calm, the time is lost before wallet-svc."
    }
    "control-alone" = {
      severity   = "P3", namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", stat = "Minimum"
      dimensions = { ClusterName = var.control.cluster, ServiceName = var.control.name }
      period     = 60, periods = 10, under = var.control.tasks, missing = "breaching"
      says       = "control runs without its standby."
      do         = "Query 'control errors'; ECS says why the task stopped."
    }
    "control-errors" = {
      severity   = "P3", namespace = local.log_namespace, metric = "ControlErrors", stat = "Sum"
      dimensions = {}
      period     = 300, periods = 2, over = 0, missing = "notBreaching"
      says       = "control logs errors."
      do         = "Query 'control errors'."
    }
    "journal-database" = {
      severity   = "P2", namespace = "AWS/RDS", metric = "CPUUtilization", stat = "Average"
      dimensions = { DBInstanceIdentifier = var.control.database }
      period     = 60, periods = 5, over = 90, missing = "breaching"
      says       = "control's journal database is silent or busy; without it control stops."
      do         = "RDS events of the instance; control resumes by itself when it answers."
    }
    "journal-storage" = {
      severity   = "P3", namespace = "AWS/RDS", metric = "FreeStorageSpace", stat = "Minimum"
      dimensions = { DBInstanceIdentifier = var.control.database }
      period     = 300, periods = 3, under = 2147483648, missing = "breaching"
      says       = "control's journal has less than 2 GiB left."
      do         = "Let the instance grow."
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "panics" {
  name           = "${var.name}-panics"
  log_group_name = var.service.log_group
  pattern        = "{ $.level = \"ERROR\" && $.message = \"panicked*\" }"

  metric_transformation {
    namespace     = local.log_namespace
    name          = "Panics"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_metric_filter" "control_errors" {
  name           = "${var.name}-control-errors"
  log_group_name = var.control.log_group
  pattern        = "{ $.level = \"ERROR\" }"

  metric_transformation {
    namespace     = local.log_namespace
    name          = "ControlErrors"
    value         = "1"
    default_value = "0"
  }
}
