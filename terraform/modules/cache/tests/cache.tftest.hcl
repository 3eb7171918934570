# The cache's promises: TLS, a password in no state, nodes in several zones.

mock_provider "aws" {
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:wallet-test-abcdef" }
  }
}

variables {
  name               = "wallet-test"
  zones              = ["sa-east-1a", "sa-east-1b", "sa-east-1c"]
  node_type          = "cache.r6g.large"
  nodes              = 3
  log_retention_days = 90
  subnet_group_name  = "wallet-test-data"
  security_group_ids = ["sg-0123456789abcdef0"]
  data_key_arn       = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000001"
  secrets_key_arn    = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn       = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000003"
}

run "encrypted_everywhere" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_mode == "required" && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled)
    error_message = "plain text on the wire or on the disk"
  }
  assert {
    condition     = aws_elasticache_replication_group.this.auth_token == null && aws_elasticache_user.default.access_string == "off ~* -@all"
    error_message = "strangers could log in, or a token lies in the state"
  }
}

run "no_password_stays_behind" {
  command = apply

  assert {
    condition     = aws_elasticache_user.wallet.passwords_wo == null && aws_secretsmanager_secret_version.url.secret_string_wo == null
    error_message = "the password reached the state"
  }
}

run "three_nodes_in_three_zones" {
  command = plan

  assert {
    condition     = length(distinct(aws_elasticache_replication_group.this.preferred_cache_cluster_azs)) == 3
    error_message = "nodes must be spread"
  }
  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "the loss of a zone must not stop it"
  }
}

run "a_type_that_does_not_exist_is_refused" {
  command = plan
  variables {
    node_type = "cache.r6g.medium"
  }
  expect_failures = [var.node_type]
}

run "one_node_is_refused" {
  command = plan
  variables {
    nodes = 1
  }
  expect_failures = [var.nodes]
}
