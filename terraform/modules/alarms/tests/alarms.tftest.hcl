# Every alarm tells somebody, says what to do, and takes silence for what it is.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "sa-east-1" }
  }
}

variables {
  name        = "wallet-test"
  environment = "test"
  topics = {
    P1 = ["arn:aws:sns:sa-east-1:123456789012:wallet-test-p1-sms", "arn:aws:sns:sa-east-1:123456789012:wallet-test-p1"]
    P2 = ["arn:aws:sns:sa-east-1:123456789012:wallet-test-p2"]
    P3 = ["arn:aws:sns:sa-east-1:123456789012:wallet-test-p3"]
    P4 = ["arn:aws:sns:sa-east-1:123456789012:wallet-test-p4"]
  }
  topic_names     = { "p1-sms" = "wallet-test-p1-sms", p1 = "wallet-test-p1", p2 = "wallet-test-p2", p3 = "wallet-test-p3", p4 = "wallet-test-p4" }
  load_balancer   = "app/wallet-test/0123456789abcdef"
  target_group    = "targetgroup/wallet-test/0123456789abcdef"
  web_acl         = "wallet-test"
  service         = { cluster = "wallet-test", name = "wallet-svc", tasks_min = 3, tasks_max = 20, log_group = "/wallet-test/wallet-svc" }
  control         = { cluster = "wallet-test", name = "control", tasks = 2, log_group = "/wallet-test/control", database = "wallet-test-control" }
  database        = { cluster = "wallet-test", memory_bytes = 68719476736, connections_max = 4000, storage_gb = 400 }
  cache           = { group = "wallet-test", nodes = 3 }
  broker          = { cluster = "wallet-test", brokers = 3 }
  nat_gateways    = { a = "nat-a", b = "nat-b", c = "nat-c" }
  trail_log_group = "/wallet-test/trail"
  backup_vault    = "wallet-test-home"
}

run "every_alarm_tells_somebody" {
  command = plan

  assert {
    condition     = alltrue([for key, one in aws_cloudwatch_metric_alarm.this : length(one.alarm_actions) > 0 || strcontains(aws_cloudwatch_composite_alarm.service_down.alarm_rule, "\"${one.alarm_name}\"")])
    error_message = "An alarm has neither an action nor a place in the composite."
  }
  assert {
    condition     = alltrue([for key, one in aws_cloudwatch_metric_alarm.this : one.alarm_actions == one.ok_actions])
    error_message = "Who heard that it began must hear that it ended."
  }
  assert {
    condition     = toset(aws_cloudwatch_composite_alarm.service_down.alarm_actions) == toset(var.topics.P1)
    error_message = "An outage must go out by SMS and by e-mail."
  }
  assert {
    condition     = alltrue([for key, one in aws_cloudwatch_metric_alarm.this : contains(["P1", "P2", "P3", "P4"], one.tags.Severity) && startswith(one.alarm_description, "${one.tags.Severity}. ") && startswith(key, regex("Runbook: docs/MONITORING.md#(.+)$", one.alarm_description)[0])])
    error_message = "An alarm lacks its severity or its runbook."
  }
}

run "silence_is_trouble_where_data_always_comes" {
  command = plan

  assert {
    condition = alltrue([for key in [
      "control-heartbeat", "traffic-unknown", "no-healthy-target", "service-tasks-missing", "database-writer-absent",
      "cache-silent-1", "cache-silent-3", "broker-leaderless", "journal-database", "backup-absent",
    ] : aws_cloudwatch_metric_alarm.this[key].treat_missing_data == "breaching"])
    error_message = "Something that always reports may fall silent without an alarm."
  }
  assert {
    condition     = alltrue([for one in aws_cloudwatch_metric_alarm.this : contains(["breaching", "notBreaching"], one.treat_missing_data)])
    error_message = "What silence means must be decided for each alarm."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["control-heartbeat"].period == 30 && aws_cloudwatch_metric_alarm.this["control-heartbeat"].evaluation_periods == 1
    error_message = "With longer periods the page for a dead control comes after more than three minutes."
  }
}

run "each_node_is_watched" {
  command = plan

  assert {
    condition     = toset([for key, one in aws_cloudwatch_metric_alarm.this : one.dimensions["CacheClusterId"] if startswith(key, "cache-silent")]) == toset(["wallet-test-001", "wallet-test-002", "wallet-test-003"])
    error_message = "Every cache node needs its alarms."
  }
  assert {
    condition     = toset([for key, one in aws_cloudwatch_metric_alarm.this : one.dimensions["Broker ID"] if startswith(key, "broker-disk")]) == toset(["1", "2", "3"])
    error_message = "Every broker needs its alarms."
  }
  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.this) : key if startswith(key, "nat-ports")]) == 3
    error_message = "Every NAT gateway needs its alarm."
  }
}

run "the_account_is_watched" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_log_metric_filter.cis) == 15
    error_message = "CIS 4.1 to 4.15 are fifteen filters."
  }
  assert {
    condition     = alltrue([for key, one in aws_cloudwatch_log_metric_filter.cis : aws_cloudwatch_metric_alarm.this[key].metric_name == one.metric_transformation[0].name])
    error_message = "A filter counts what no alarm reads."
  }
  assert {
    condition     = alltrue([for key in keys(aws_cloudwatch_event_rule.this) : length([for target, one in aws_cloudwatch_event_target.this : target if startswith(target, "${key}/")]) > 0])
    error_message = "An event rule has no target."
  }
  assert {
    condition     = alltrue([for key in ["finding-high", "backup-failed", "deployment-failed", "database-event", "aws-issue"] : contains(keys(aws_cloudwatch_event_rule.this), key)])
    error_message = "GuardDuty, Backup, ECS, RDS and Health must each have a rule."
  }
}

run "thresholds_follow_the_promises" {
  command = plan
  variables {
    thresholds = { p95_ms = 250 }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["latency-high"].threshold == 250 && aws_cloudwatch_metric_alarm.this["edge-slow"].threshold == 0.25
    error_message = "The latency alarms must follow the threshold."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["latency-high"].extended_statistic == "p95"
    error_message = "The promise is about the 95th percentile."
  }
}

run "a_range_upside_down_is_refused" {
  command = plan
  variables {
    service = { cluster = "wallet-test", name = "wallet-svc", tasks_min = 6, tasks_max = 3, log_group = "/wallet-test/wallet-svc" }
  }
  expect_failures = [var.service]
}
