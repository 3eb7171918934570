# Technical: response times, errors, throughput, and the parts of the ledger that explain them.

locals {
  wallet_metrics = [
    "CommandsPerBatch", "Declines", "Errors", "LaneQueueDepth", "LatencyMs", "OutboxOldestSeconds", "OutboxPending", "Requests",
  ]
  wallet = { for metric in local.wallet_metrics : metric => ["Wallet", metric, "Environment", var.environment] }
  edge   = ["LoadBalancer", var.load_balancer]
  target = concat(local.edge, ["TargetGroup", var.target_group])

  technical = [
    {
      title   = "Latency of all answers, ms; promised: p95 under 100", stat = "p95", line = 100
      metrics = [for stat in ["p50", "p95", "p99"] : concat(local.wallet.LatencyMs, [{ stat = stat, label = stat }])]
    },
    {
      title = "p95 by operation, ms", stat = "p95"
      metrics = [for operation in concat(local.movements, local.looks) :
      ["Wallet", "LatencyMs", "Environment", var.environment, "Operation", operation, { label = operation }]]
    },
    {
      title = "Requests a second", stat = "Sum"
      metrics = [
        [{ expression = "requests / PERIOD(requests)", label = "served by wallet-svc", id = "served" }],
        [{ expression = "arrived / PERIOD(arrived)", label = "arrived at the load balancer", id = "edge" }],
        concat(local.wallet.Requests, [{ id = "requests", visible = false }]),
        concat(["AWS/ApplicationELB", "RequestCount"], local.edge, [{ id = "arrived", visible = false }]),
      ]
    },
    {
      title = "Errors, % of requests", stat = "Sum", min = 0
      metrics = [
        [{ expression = "100 * errors / requests", label = "errors of ours", id = "share" }],
        concat(local.wallet.Errors, [{ id = "errors", visible = false }]),
        concat(local.wallet.Requests, [{ id = "requests", visible = false }]),
      ]
    },
    {
      title = "Answers of the load balancer by status", stat = "Sum"
      metrics = concat(
        [for class in ["2XX", "4XX", "5XX"] :
        concat(["AWS/ApplicationELB", "HTTPCode_Target_${class}_Count"], local.target, [{ label = "target ${class}" }])],
        [concat(["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"], local.edge, [{ label = "load balancer 5XX" }])],
      )
    },
    {
      title = "Response time seen by the load balancer, s", stat = "p95"
      metrics = [for stat in ["p50", "p95", "p99"] :
      concat(["AWS/ApplicationELB", "TargetResponseTime"], local.target, [{ stat = stat, label = stat }])]
    },
    {
      title = "Group commit: commands a batch, deepest queue", stat = "Average"
      metrics = [
        concat(local.wallet.CommandsPerBatch, [{ label = "commands a batch" }]),
        concat(local.wallet.LaneQueueDepth, [{ stat = "Maximum", label = "deepest queue", yAxis = "right" }]),
      ]
    },
    {
      title = "Outbox: batches waiting, age of the oldest", stat = "Maximum"
      metrics = [
        concat(local.wallet.OutboxPending, [{ label = "batches" }]),
        concat(local.wallet.OutboxOldestSeconds, [{ label = "age, s", yAxis = "right" }]),
      ]
    },
    {
      title = "Our own deposits through the load balancer, ms", stat = "p95"
      metrics = [for stat in ["p50", "p95"] :
      ["Wallet/Control", "CanaryLatencyMs", "Environment", var.environment, { stat = stat, label = stat }]]
    },
    {
      title = "control: heartbeat, errors", stat = "Maximum"
      metrics = [
        ["Wallet/Control", "Heartbeat", "Environment", var.environment, { label = "heartbeat" }],
        ["Wallet/Logs", "ControlErrors", { stat = "Sum", label = "errors logged", yAxis = "right" }],
        ["Wallet/Logs", "Panics", { stat = "Sum", label = "panics of wallet-svc", yAxis = "right" }],
      ]
    },
    {
      title = "Commit on the writer, ms", stat = "Average"
      metrics = [
        concat(["AWS/RDS", "CommitLatency"], local.writer, [{ label = "commit" }]),
        concat(["AWS/RDS", "DMLLatency"], local.writer, [{ label = "write" }]),
        concat(["AWS/RDS", "SelectLatency"], local.writer, [{ label = "read" }]),
      ]
    },
  ]
}
