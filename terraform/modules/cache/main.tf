# Balances in Redis: may be lost at any moment, may not be read or written by strangers. TLS, a user with a password, a key of ours.

locals {
  # The same in the user and in the secret, made while applying and kept in neither plan nor state.
  password = uuid()
  username = "wallet"
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["slow-log", "engine-log"])

  name              = "/aws/elasticache/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
  tags              = var.tags
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-redis7"
  family      = "redis7"
  description = "Balances of ${var.name}."
  tags        = var.tags

  # Every value can be made again from the ledger, so the oldest may go when memory is short.
  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }
}

# Redis has a user called default; ours may do nothing.
resource "aws_elasticache_user" "default" {
  user_id              = "${var.name}-default"
  user_name            = "default"
  engine               = "redis"
  access_string        = "off ~* -@all"
  passwords_wo         = uuid()
  passwords_wo_version = var.password_version
  tags                 = var.tags
}

resource "aws_elasticache_user" "wallet" {
  user_id              = "${var.name}-wallet"
  user_name            = local.username
  engine               = "redis"
  access_string        = "on ~* &* -@all +@read +@write +@connection +@scripting +info"
  passwords_wo         = local.password
  passwords_wo_version = var.password_version
  tags                 = var.tags
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "redis"
  user_ids      = [aws_elasticache_user.default.user_id, aws_elasticache_user.wallet.user_id]
  tags          = var.tags
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV_AWS_31:a user group takes the place of the one token for all
  replication_group_id = var.name
  description          = "Balances of ${var.name}."
  engine               = "redis"
  engine_version       = "7.1"
  node_type            = var.node_type
  num_cache_clusters   = var.nodes
  port                 = 6379

  automatic_failover_enabled = true
  multi_az_enabled           = true
  preferred_cache_cluster_azs = [
    for index in range(var.nodes) : var.zones[index % length(var.zones)]
  ]

  at_rest_encryption_enabled = true
  kms_key_id                 = var.data_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]

  parameter_group_name       = aws_elasticache_parameter_group.this.name
  subnet_group_name          = var.subnet_group_name
  security_group_ids         = var.security_group_ids
  auto_minor_version_upgrade = true
  maintenance_window         = "sun:07:30-sun:08:30"
  snapshot_retention_limit   = var.snapshot_retention_days
  snapshot_window            = "04:00-05:00"
  apply_immediately          = false

  dynamic "log_delivery_configuration" {
    for_each = aws_cloudwatch_log_group.this
    content {
      destination      = log_delivery_configuration.value.name
      destination_type = "cloudwatch-logs"
      log_format       = "json"
      log_type         = log_delivery_configuration.key
    }
  }

  tags = merge(var.tags, { Name = var.name })
}

# What a task needs to reach it, password and all, as one address.
resource "aws_secretsmanager_secret" "url" {
  #checkov:skip=CKV2_AWS_57:it follows passwords_version, because the Redis user must change with it
  name                    = "${var.name}/cache"
  description             = "The Redis address with the wallet's password."
  kms_key_id              = var.secrets_key_arn
  recovery_window_in_days = 30
  tags                    = merge(var.tags, { Name = "${var.name}/cache" })
}

resource "aws_secretsmanager_secret_version" "url" {
  secret_id                = aws_secretsmanager_secret.url.id
  secret_string_wo         = "rediss://${local.username}:${local.password}@${aws_elasticache_replication_group.this.primary_endpoint_address}:6379"
  secret_string_wo_version = var.password_version
}
