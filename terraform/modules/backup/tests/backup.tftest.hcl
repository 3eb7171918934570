# What is backed up is kept, locked, copied only by choice, and restored once a week.

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

mock_provider "aws" {
  alias = "replica"
}

variables {
  name                = "wallet-test"
  environment         = "test"
  kms_key_arn         = "arn:aws:kms:sa-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  replica_kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  copy_to_replica     = true
  topic_arn           = "arn:aws:sns:sa-east-1:123456789012:wallet-test-p3"
  restore_test        = { subnet_group = "wallet-test", security_group_ids = ["sg-0123456789abcdef0"] }
}

run "daily_and_monthly_are_kept_as_promised" {
  command = plan

  assert {
    condition     = { for rule in aws_backup_plan.this.rule : rule.rule_name => one(rule.lifecycle).delete_after } == { daily = 35, monthly = 365 }
    error_message = "Daily backups are kept for 35 days and monthly ones for a year."
  }
  assert {
    condition     = alltrue([for rule in aws_backup_plan.this.rule : length(rule.copy_action) == 1])
    error_message = "Each rule must copy."
  }
  assert {
    condition     = length(aws_backup_vault_lock_configuration.copy) == 1 && aws_backup_vault_lock_configuration.home.min_retention_days >= 7
    error_message = "Both vaults must be locked."
  }
}

run "nothing_goes_abroad_unasked" {
  command = plan
  variables {
    copy_to_replica = false
  }

  assert {
    condition     = length(aws_backup_vault.copy) == 0 && alltrue([for rule in aws_backup_plan.this.rule : length(rule.copy_action) == 0])
    error_message = "Switched off, no personal data may leave the country."
  }
}

run "a_restore_is_tested_every_week" {
  command = plan

  assert {
    condition     = strcontains(aws_backup_restore_testing_plan.this.schedule_expression, "SUN")
    error_message = "A restore must be tested once a week."
  }
  assert {
    condition     = aws_backup_restore_testing_selection.database.protected_resource_type == "Aurora"
    error_message = "The ledger's database is what must be restored."
  }
  assert {
    condition     = can(regex("^[A-Za-z0-9_]+$", aws_backup_restore_testing_plan.this.name))
    error_message = "AWS takes letters, digits and underscores."
  }
}

run "a_lock_without_grace_is_refused" {
  command = plan
  variables {
    lock_changeable_days = 1
  }
  expect_failures = [var.lock_changeable_days]
}
