# Each severity reaches people by the channels that are promised, and services may publish.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name        = "wallet-test"
  environment = "test"
  kms_key_arn = "arn:aws:kms:sa-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  emails      = { p1 = ["oncall@example.com"], p2 = ["oncall@example.com"], p3 = ["team@example.com"] }
  phones      = ["+5511987654321"]
  next_in_line = [
    { name = "second", phones = ["+5511987654322"], emails = ["second@example.com"] },
  ]
}

run "each_severity_reaches_people" {
  command = plan

  assert {
    condition     = toset([for key, one in aws_sns_topic_subscription.this : one.protocol if startswith(key, "p1/") || startswith(key, "p1-sms/")]) == toset(["email", "sms"])
    error_message = "P1 must go out by SMS and by e-mail."
  }
  assert {
    condition     = toset([for key, one in aws_sns_topic_subscription.this : one.protocol if startswith(key, "p2/")]) == toset(["email"])
    error_message = "P2 must go out by e-mail."
  }
  assert {
    condition     = toset([for key, one in aws_sns_topic_subscription.this : one.protocol if startswith(key, "p3/")]) == toset(["email"])
    error_message = "P3 must go out by e-mail."
  }
  assert {
    condition     = length([for key, one in aws_sns_topic_subscription.this : key if startswith(key, "p4")]) == 0
    error_message = "P4 is for dashboards and must wake nobody."
  }
  assert {
    condition     = toset([for key, one in aws_sns_topic_subscription.this : one.protocol if startswith(key, "second")]) == toset(["email", "sms"])
    error_message = "The next in line must be told by SMS and by e-mail."
  }
}

run "topics_are_encrypted_and_have_a_policy" {
  command = plan

  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == var.kms_key_arn])
    error_message = "Every topic must be encrypted with the given key."
  }
  assert {
    condition     = keys(aws_sns_topic_policy.this) == keys(aws_sns_topic.this)
    error_message = "Every topic needs a policy, or no service can publish to it."
  }
  assert {
    condition     = aws_sns_topic.this["p1-sms"].name == "wallet-test-p1-sms"
    error_message = "control finds the topics by these names."
  }
}

run "a_page_without_a_phone_is_refused" {
  command = plan
  variables {
    phones = []
  }
  expect_failures = [var.phones]
}

run "a_phone_must_be_in_e164" {
  command = plan
  variables {
    phones = ["11 98765-4321"]
  }
  expect_failures = [var.phones]
}

run "a_severity_without_an_address_is_refused" {
  command = plan
  variables {
    emails = { p1 = ["oncall@example.com"], p2 = [], p3 = ["team@example.com"] }
  }
  expect_failures = [var.emails]
}
