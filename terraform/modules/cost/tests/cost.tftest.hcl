# The budget warns in time, and people hear of it.

mock_provider "aws" {}

variables {
  name        = "wallet-test"
  environment = "test"
  budget_usd  = 2500
  topic_arn   = "arn:aws:sns:sa-east-1:123456789012:wallet-test-p3"
  emails      = ["team@example.com"]
}

run "it_warns_at_half_at_most_at_all_and_before" {
  command = plan

  assert {
    condition     = toset([for one in aws_budgets_budget.this.notification : "${one.notification_type} ${one.threshold}"]) == toset(["ACTUAL 50", "ACTUAL 80", "ACTUAL 100", "FORECASTED 100"])
    error_message = "The budget must warn at 50, 80 and 100 % and when 100 % is expected."
  }
  assert {
    condition     = alltrue([for one in aws_budgets_budget.this.notification : length(one.subscriber_email_addresses) > 0 && length(one.subscriber_sns_topic_arns) > 0])
    error_message = "Each warning must reach people."
  }
  assert {
    condition     = toset(one(aws_budgets_budget.this.cost_filter).values) == toset(["user:Environment$test"])
    error_message = "The budget is the environment's and not the account's."
  }
}

run "unusual_costs_of_this_environment_are_told" {
  command = plan

  assert {
    condition     = aws_ce_anomaly_monitor.this.monitor_type == "CUSTOM" && jsondecode(aws_ce_anomaly_monitor.this.monitor_specification).Tags.Values == ["test"]
    error_message = "A monitor of services exists once an account already; ours follows the tag."
  }
  assert {
    condition     = aws_ce_anomaly_subscription.this.frequency == "IMMEDIATE"
    error_message = "A topic can be told only at once."
  }
}

run "tags_are_activated_only_once_aws_knows_them" {
  command = plan

  assert {
    condition     = length(aws_ce_cost_allocation_tag.this) == 0
    error_message = "AWS refuses a tag that it has not seen on the bill yet."
  }
}

run "a_budget_of_nothing_is_refused" {
  command = plan
  variables {
    budget_usd = 0
  }
  expect_failures = [var.budget_usd]
}
