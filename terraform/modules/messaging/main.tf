# The events' Kafka on MSK: three brokers in three zones, every event on two of them before it is acknowledged, TLS only.

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/msk/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
  tags              = var.tags
}

resource "aws_msk_configuration" "this" {
  name           = var.name
  description    = "No acknowledged event is lost with one broker."
  kafka_versions = [var.kafka_version]
  server_properties = join("\n", [
    "default.replication.factor=3",
    "min.insync.replicas=2",
    "auto.create.topics.enable=false",
    "delete.topic.enable=false",
    "unclean.leader.election.enable=false",
    "offsets.topic.replication.factor=3",
    "transaction.state.log.replication.factor=3",
    "transaction.state.log.min.isr=2",
    "num.partitions=${var.partitions}",
    "log.retention.hours=${var.retention_hours}",
    "",
  ])

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = var.brokers
  enhanced_monitoring    = "PER_TOPIC_PER_BROKER"

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnet_ids
    security_groups = var.security_group_ids

    storage_info {
      ebs_storage_info {
        volume_size = var.volume_gb.min
      }
    }
  }

  # Tasks come with a password, people and tools with their IAM role. Nobody comes without.
  client_authentication {
    unauthenticated = false

    sasl {
      scram = true
      iam   = true
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.data_key_arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.this.name
      }
    }
  }

  tags = merge(var.tags, { Name = var.name })

  lifecycle {
    # Autoscaling grows the volumes; they never shrink.
    ignore_changes = [broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size]

    precondition {
      condition     = var.brokers % length(var.subnet_ids) == 0
      error_message = "brokers must be a multiple of the number of subnets"
    }
  }
}

resource "aws_msk_topic" "events" {
  cluster_arn        = aws_msk_cluster.this.arn
  name               = var.topic
  partition_count    = var.partitions
  replication_factor = 3
  configs = jsonencode({
    "cleanup.policy"      = "delete"
    "min.insync.replicas" = "2"
    "retention.ms"        = tostring(var.retention_hours * 3600000)
  })
}

# MSK takes passwords only from secrets of this name, under a key that is not the account's default.
resource "aws_secretsmanager_secret" "scram" {
  #checkov:skip=CKV2_AWS_57:it follows passwords_version, and brokers take the new one by themselves
  name                    = "AmazonMSK_${var.name}"
  description             = "The wallet's Kafka user."
  kms_key_id              = var.secrets_key_arn
  recovery_window_in_days = 30
  tags                    = merge(var.tags, { Name = "AmazonMSK_${var.name}" })
}

resource "aws_secretsmanager_secret_version" "scram" {
  secret_id                = aws_secretsmanager_secret.scram.id
  secret_string_wo         = jsonencode({ username = "wallet", password = uuid() })
  secret_string_wo_version = var.password_version
}

resource "aws_secretsmanager_secret_policy" "scram" {
  secret_arn          = aws_secretsmanager_secret.scram.arn
  block_public_policy = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "BrokersReadIt"
      Effect    = "Allow"
      Principal = { Service = "kafka.amazonaws.com" }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = aws_secretsmanager_secret.scram.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_msk_cluster.this.arn } }
    }]
  })
}

resource "aws_msk_single_scram_secret_association" "this" {
  cluster_arn = aws_msk_cluster.this.arn
  secret_arn  = aws_secretsmanager_secret.scram.arn

  depends_on = [aws_secretsmanager_secret_version.scram, aws_secretsmanager_secret_policy.scram]
}
