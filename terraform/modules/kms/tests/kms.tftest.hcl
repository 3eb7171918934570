# Keys turn over, cannot vanish within a month, and open for named services of this account only.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { region = "sa-east-1" }
  }
}

variables {
  name = "wallet-test"
}

run "every_key_turns_over" {
  command = plan

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation && key.deletion_window_in_days == 30])
    error_message = "a key that does not turn over, or vanishes within days"
  }
  assert {
    condition     = length(aws_kms_key.copy) == 0
    error_message = "without copies there is no key abroad"
  }
}

run "who_pages_people_may_use_the_topics_key" {
  command = plan

  assert {
    condition = alltrue([
      for service in ["cloudwatch", "events", "budgets", "backup"] : strcontains(aws_kms_key.this["notify"].policy, "${service}.amazonaws.com")
    ])
    error_message = "an alarm, event, budget or backup could not publish to an encrypted topic"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.this["notify"].policy).Statement : can(statement.Condition) if statement.Sid != "AccountDecidesByIam"
    ])
    error_message = "a service may use the key for any account"
  }
}

run "logs_and_trails_may_use_the_logs_key" {
  command = plan

  assert {
    condition     = strcontains(aws_kms_key.this["logs"].policy, "logs.sa-east-1.amazonaws.com") && strcontains(aws_kms_key.this["logs"].policy, "cloudtrail.amazonaws.com")
    error_message = "log groups or trails could not be encrypted"
  }
}

run "copies_have_a_key_of_their_region" {
  command = plan
  variables {
    copy_region = "us-east-1"
  }

  assert {
    condition     = aws_kms_key.copy[0].region == "us-east-1" && aws_kms_key.copy[0].enable_key_rotation
    error_message = "copies need a key in their region"
  }
}
