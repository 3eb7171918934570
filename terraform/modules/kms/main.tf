# Keys of our own, one for each kind of secret, so that a grant on one opens no other. All are turned over every year.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  region  = data.aws_region.this.region
  arn     = "arn:${data.aws_partition.this.partition}"

  keys = {
    data    = "Databases, cache, brokers, images."
    secrets = "Secrets Manager."
    logs    = "Log groups and the audit trail."
    notify  = "Messages to people."
    backup  = "Backup vault."
  }

  # The account decides by IAM who may use a key; without this statement nobody could.
  of_account = {
    Sid       = "AccountDecidesByIam"
    Effect    = "Allow"
    Principal = { AWS = "${local.arn}:iam::${local.account}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }

  encrypt = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]

  # What AWS's own services may do, each only for this account.
  of_services = {
    data = [
      for name, rights in {
        FargateEncryptsScratchDisks = { actions = ["kms:GenerateDataKeyWithoutPlaintext"], more = {} }
        FargateGrantsDecryption = {
          actions = ["kms:CreateGrant"]
          more    = { "ForAllValues:StringEquals" = { "kms:GrantOperations" = ["Decrypt"] } }
        }
        } : {
        Sid       = name
        Effect    = "Allow"
        Principal = { Service = "fargate.amazonaws.com" }
        Action    = rights.actions
        Resource  = "*"
        Condition = merge(rights.more, {
          StringEquals = {
            "kms:EncryptionContext:aws:ecs:clusterAccount" = [local.account]
            "kms:EncryptionContext:aws:ecs:clusterName"    = [var.name]
          }
        })
      }
    ]
    secrets = []
    backup = [{
      Sid       = "BackupsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = local.encrypt
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
    logs = [
      {
        Sid       = "LogGroupsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = local.encrypt
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "${local.arn}:logs:${local.region}:${local.account}:*" } }
      },
      {
        Sid       = "TrailsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = ["kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnLike      = { "aws:SourceArn" = "${local.arn}:cloudtrail:*:${local.account}:trail/*" }
        }
      },
      {
        Sid       = "ConfigOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
    notify = [
      {
        Sid    = "PublishersOfThisAccount"
        Effect = "Allow"
        Principal = {
          Service = [
            "backup.amazonaws.com", "budgets.amazonaws.com", "cloudwatch.amazonaws.com",
            "costalerts.amazonaws.com", "events.amazonaws.com", "rds.amazonaws.com",
          ]
        }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
      {
        # Whoever may publish to a topic, as the control daemon, needs no grant on the key besides.
        Sid       = "PublishersThroughSns"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = local.account
            "kms:ViaService"    = "sns.${local.region}.amazonaws.com"
          }
        }
      },
    ]
  }
}

resource "aws_kms_key" "this" {
  #checkov:skip=CKV_AWS_33:the one wildcard principal is bound to this account and to SNS by its condition
  for_each = local.keys

  description             = "${var.name}: ${each.value}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.of_account], local.of_services[each.key])
  })
  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_kms_alias" "this" {
  for_each = local.keys

  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

# Copies of backups in another region are sealed with a key of that region. Its policy stays with this account:
# a copy abroad is an international transfer (LGPD, art. 33) and needs its legal basis written down.
resource "aws_kms_key" "copy" {
  count = var.copy_region == null ? 0 : 1

  region                  = var.copy_region
  description             = "${var.name}: Copies of backups."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.of_account]
  })
  tags = merge(var.tags, { Name = "${var.name}-copy" })
}

resource "aws_kms_alias" "copy" {
  count = var.copy_region == null ? 0 : 1

  region        = var.copy_region
  name          = "alias/${var.name}-copy"
  target_key_id = aws_kms_key.copy[0].key_id
}
