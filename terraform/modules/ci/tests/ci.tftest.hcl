# Only the named repository, branch and environment get a role, and no role can lift its own ceiling.

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
  name             = "wallet-test"
  environment      = "test"
  repository       = "example/wallet"
  state_bucket_arn = "arn:aws:s3:::wallet-test-state"
  state_key_arn    = "arn:aws:kms:sa-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "who_may_take_a_role" {
  command = plan

  assert {
    condition = alltrue([for role in ["plan", "apply"] : alltrue([
      for subject in one([for one in one(data.aws_iam_policy_document.assume[role].statement).condition : one.values if endswith(one.variable, ":sub")]) :
      startswith(subject, "repo:example/wallet:") && !strcontains(subject, "*")
    ])])
    error_message = "A subject without repository or with a wildcard lets strangers in."
  }
  assert {
    condition     = toset(one([for one in one(data.aws_iam_policy_document.assume["apply"].statement).condition : one.values if endswith(one.variable, ":sub")])) == toset(["repo:example/wallet:environment:test"])
    error_message = "Only an approved job may apply: not a branch, not a pull request."
  }
}

run "the_ceiling_is_over_both" {
  command = plan

  assert {
    condition     = length(aws_iam_role.this) == 2 && aws_iam_policy.boundary.name == "wallet-test-ci-boundary"
    error_message = "Both roles carry the boundary."
  }
}

run "the_provider_may_exist_already" {
  command = plan
  variables {
    create_provider = false
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "One account has one provider for GitHub."
  }
}

run "a_wildcard_is_no_repository" {
  command = plan
  variables {
    repository = "example/*"
  }
  expect_failures = [var.repository]
}
