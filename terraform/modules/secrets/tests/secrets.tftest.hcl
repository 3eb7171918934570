# Secrets keep out of the state, under a key of ours, within the account.

mock_provider "aws" {
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:wallet-test-abcdef" }
  }
}

variables {
  name        = "wallet-test"
  kms_key_arn = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  users       = { database = { username = "wallet", description = "The ledger's user." } }
  documents   = { tokens = { description = "Who may ask.", initial = "[]\n" } }
}

run "values_are_in_no_state" {
  command = apply

  assert {
    condition = alltrue(concat(
      [for version in aws_secretsmanager_secret_version.user : version.secret_string == null || version.secret_string == ""],
      [for version in aws_secretsmanager_secret_version.user : version.secret_string_wo == null],
    ))
    error_message = "a password reached the state"
  }
  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.kms_key_id == var.kms_key_arn])
    error_message = "a secret under a key that is not ours"
  }
}

run "a_new_version_writes_passwords_and_leaves_documents" {
  command = plan
  variables {
    passwords_version = 2
  }

  assert {
    condition     = aws_secretsmanager_secret_version.user["database"].secret_string_wo_version == 2
    error_message = "the password must be written again"
  }
  assert {
    condition     = aws_secretsmanager_secret_version.document["tokens"].secret_string_wo_version == 1
    error_message = "what people wrote must stay"
  }
}

run "a_long_username_is_refused" {
  command = plan
  variables {
    users = { database = { username = "a_name_that_is_too_long_for_any_mysql_server", description = "" } }
  }
  expect_failures = [var.users]
}

run "a_version_of_zero_is_refused" {
  command = plan
  variables {
    passwords_version = 0
  }
  expect_failures = [var.passwords_version]
}
