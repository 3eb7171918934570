# Four dashboards that stand, each panel with metrics, none over the limits of CloudWatch.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "sa-east-1" }
  }
}

variables {
  name        = "wallet-test"
  environment = "test"
  alarms      = { P1 = ["arn:aws:cloudwatch:sa-east-1:123456789012:alarm:one"], P4 = ["arn:aws:cloudwatch:sa-east-1:123456789012:alarm:four"] }
  rules       = { for key in ["finding-high", "finding-medium", "posture", "outside-access", "secret-stale", "backup-failed", "restore-failed"] : key => "wallet-test-${key}" }
  audit_metrics = { for key in ["unauthorized", "no-mfa", "root", "iam", "trail", "logins", "keys", "buckets", "config", "groups", "acls", "gateways", "routes", "vpcs", "accounts"] :
    "audit-${key}" => "Audit${title(key)}"
  }
  load_balancer    = "app/wallet-test/0123456789abcdef"
  target_group     = "targetgroup/wallet-test/0123456789abcdef"
  web_acl          = "wallet-test"
  service          = { cluster = "wallet-test", name = "wallet-svc", log_group = "/wallet-test/wallet-svc" }
  control          = { cluster = "wallet-test", name = "control", log_group = "/wallet-test/control", database = "wallet-test-control" }
  database_cluster = "wallet-test"
  cache            = { group = "wallet-test", nodes = 3 }
  broker           = { cluster = "wallet-test", brokers = 3 }
  nat_gateways     = { a = "nat-a" }
  trail_log_group  = "/wallet-test/trail"
}

run "the_four_that_are_promised" {
  command = plan

  assert {
    condition     = keys(aws_cloudwatch_dashboard.this) == ["business", "infrastructure", "security", "technical"]
    error_message = "Business, technical, infrastructure and security are promised."
  }
  assert {
    condition     = alltrue([for one in aws_cloudwatch_dashboard.this : alltrue([for widget in jsondecode(one.dashboard_body).widgets : length(widget.properties.metrics) > 0 if widget.type == "metric"])])
    error_message = "A panel shows nothing."
  }
  assert {
    condition     = alltrue([for one in aws_cloudwatch_dashboard.this : length(jsondecode(one.dashboard_body).widgets) <= 500])
    error_message = "CloudWatch takes 500 panels."
  }
  assert {
    condition     = alltrue([for one in aws_cloudwatch_dashboard.this : alltrue([for widget in jsondecode(one.dashboard_body).widgets : widget.x + widget.width <= 24])])
    error_message = "A panel hangs over the edge."
  }
}

run "p4_is_seen_here_and_nowhere_else" {
  command = plan

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.this["technical"].dashboard_body, var.alarms.P4[0])
    error_message = "P4 is for dashboards; the technical one must show it."
  }
}

run "flow_logs_in_a_bucket_have_no_query" {
  command = plan

  assert {
    condition     = !contains(keys(aws_cloudwatch_query_definition.this), "network/refused connections")
    error_message = "Without a log group there is nothing to ask."
  }
}

run "flow_logs_in_a_group_have_one" {
  command = plan
  variables {
    flow_log_group = "/wallet-test/flow"
  }

  assert {
    condition     = aws_cloudwatch_query_definition.this["network/refused connections"].log_group_names == tolist(["/wallet-test/flow"])
    error_message = "The query must ask the flow log's group."
  }
}
