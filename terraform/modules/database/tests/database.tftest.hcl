# The ledger's promises: no password in Terraform, TLS only, spread over zones, autoscaled readers, recoverable.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/wallet-test-rds-monitoring" }
  }
}

variables {
  name                  = "wallet-test"
  zones                 = ["sa-east-1a", "sa-east-1b", "sa-east-1c"]
  instance_class        = "db.r6g.2xlarge"
  readers               = { min = 2, max = 5 }
  backup_retention_days = 35
  deletion_protection   = true
  log_retention_days    = 90
  subnet_group_name     = "wallet-test-data"
  security_group_ids    = ["sg-0123456789abcdef0"]
  data_key_arn          = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000001"
  secrets_key_arn       = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn          = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000003"
}

run "no_password_passes_through_terraform" {
  command = plan

  assert {
    condition     = aws_rds_cluster.this.manage_master_user_password && aws_rds_cluster.this.master_password == null
    error_message = "RDS must make the password"
  }
}

run "a_writer_and_two_readers_in_three_zones" {
  command = plan

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 3
    error_message = "one writer and two readers"
  }
  assert {
    condition     = length(distinct([for instance in aws_rds_cluster_instance.this : instance.availability_zone])) == 3
    error_message = "each in a zone of its own"
  }
  assert {
    condition     = alltrue([for instance in aws_rds_cluster_instance.this : instance.publicly_accessible == false])
    error_message = "no instance may be public"
  }
}

run "only_tls_and_only_encrypted" {
  command = plan

  assert {
    condition = anytrue([
      for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name == "require_secure_transport" && parameter.value == "ON"
    ])
    error_message = "connections without TLS must be refused"
  }
  assert {
    condition     = aws_rds_cluster.this.storage_encrypted && aws_rds_cluster.this.kms_key_id == var.data_key_arn
    error_message = "storage must be under our key"
  }
}

run "readers_scale_between_their_limits" {
  command = plan

  assert {
    condition     = aws_appautoscaling_target.readers.min_capacity == 2 && aws_appautoscaling_target.readers.max_capacity == 5
    error_message = "autoscaling must know both limits"
  }
}

run "the_backup_plan_finds_it" {
  command = plan

  assert {
    condition     = aws_rds_cluster.this.tags["Backup"] == "daily"
    error_message = "the backup plan selects by this tag"
  }
}

run "protected_with_few_backups_is_refused" {
  command = plan
  variables {
    backup_retention_days = 7
  }
  expect_failures = [aws_rds_cluster.this]
}

run "no_reader_is_refused" {
  command = plan
  variables {
    readers = { min = 0, max = 2 }
  }
  expect_failures = [var.readers]
}

run "a_class_that_aurora_lacks_is_refused" {
  command = plan
  variables {
    instance_class = "db.r6g.medium"
  }
  expect_failures = [var.instance_class]
}
