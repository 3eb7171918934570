# The record of what was done is whole, sealed and closed; the detectors are on.

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
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name        = "wallet-test"
  environment = "test"
  kms_key_arn = "arn:aws:kms:sa-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "the_trail_is_whole_and_sealed" {
  command = plan

  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.include_global_service_events
    error_message = "A trail of one region misses what is done in the others (CIS 3.1)."
  }
  assert {
    condition     = aws_cloudtrail.this.enable_log_file_validation && aws_cloudtrail.this.kms_key_id == var.kms_key_arn
    error_message = "The trail must be signed and encrypted with our key (CIS 3.2, 3.5)."
  }
  assert {
    condition     = aws_s3_bucket.this["audit"].object_lock_enabled && one(one(aws_s3_bucket_object_lock_configuration.audit.rule).default_retention).days >= 365
    error_message = "Events must be locked for a year (PCI DSS 10.5.1)."
  }
  assert {
    condition     = alltrue([for one in aws_s3_bucket_public_access_block.this : one.block_public_policy && one.restrict_public_buckets])
    error_message = "The buckets must be closed."
  }
  assert {
    condition     = !aws_s3_bucket.this["config"].object_lock_enabled
    error_message = "AWS Config cannot deliver to a locked bucket."
  }
}

run "the_detectors_are_on" {
  command = plan

  assert {
    condition     = aws_guardduty_detector.this.enable && contains(keys(aws_guardduty_detector_feature.this), "RDS_LOGIN_EVENTS")
    error_message = "GuardDuty must watch, logins to the database too."
  }
  assert {
    condition     = length(aws_securityhub_standards_subscription.this) == 3
    error_message = "Security Hub must check FSBP, CIS and PCI DSS."
  }
  assert {
    condition     = length(aws_config_configuration_recorder_status.this) == 1
    error_message = "AWS Config must record."
  }
}

run "config_is_a_switch" {
  command = plan
  variables {
    config_enabled = false
  }

  assert {
    condition     = length(aws_config_configuration_recorder.this) == 0 && length(aws_iam_role.config) == 0 && keys(aws_s3_bucket.this) == ["audit"]
    error_message = "Switched off, nothing of AWS Config may remain."
  }
}

run "a_lock_of_no_days_is_refused" {
  command = plan
  variables {
    lock_days = 0
  }
  expect_failures = [var.lock_days]
}
