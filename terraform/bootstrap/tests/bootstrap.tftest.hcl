# The state's promises: versioned, under a key of ours, closed, TLS only.

mock_provider "aws" {}

variables {
  account_id  = "123456789012"
  environment = "staging"
}

run "the_state_is_kept_safe" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "an overwritten state must be there still"
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "the state must not be public in any way"
  }
  assert {
    condition     = aws_kms_key.state.enable_key_rotation
    error_message = "the key must turn over"
  }
}

run "a_short_account_is_refused" {
  command = plan
  variables {
    account_id = "1234"
  }
  expect_failures = [var.account_id]
}
