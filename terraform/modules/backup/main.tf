# Recovery points beside Aurora's own point-in-time recovery: daily and monthly, locked, copied abroad by choice.
#
# Point-in-time recovery at home loses at most five minutes. A copy abroad is a day old at worst: that is what is left if
# the region is lost.

data "aws_partition" "this" {}
data "aws_caller_identity" "this" {}

locals {
  iam    = "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}"
  copies = var.copy_to_replica ? 1 : 0

  rules = {
    daily   = { schedule = "cron(0 5 * * ? *)", keep_days = var.daily_keep_days }
    monthly = { schedule = "cron(0 6 1 * ? *)", keep_days = var.monthly_keep_days }
  }
}

resource "aws_backup_vault" "home" {
  name        = "${var.name}-home"
  kms_key_arn = var.kms_key_arn
  tags        = var.tags
}

resource "aws_backup_vault" "copy" {
  count    = local.copies
  provider = aws.replica

  name        = "${var.name}-copy"
  kms_key_arn = var.replica_kms_key_arn
  tags        = var.tags
}

resource "aws_backup_vault_lock_configuration" "home" {
  backup_vault_name   = aws_backup_vault.home.name
  min_retention_days  = 7
  max_retention_days  = 3650
  changeable_for_days = var.lock_changeable_days
}

resource "aws_backup_vault_lock_configuration" "copy" {
  count    = local.copies
  provider = aws.replica

  backup_vault_name   = aws_backup_vault.copy[0].name
  min_retention_days  = 7
  max_retention_days  = 3650
  changeable_for_days = var.lock_changeable_days
}

# Recovery points leave the vault by their age alone, whoever asks.
data "aws_iam_policy_document" "vault" {
  statement {
    sid       = "NobodyDeletes"
    effect    = "Deny"
    actions   = ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle", "backup:DeleteBackupVault"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    # AWS Backup itself expires them under its service-linked role.
    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = ["${local.iam}:role/aws-service-role/backup.amazonaws.com/*"]
    }
  }
}

resource "aws_backup_vault_policy" "home" {
  backup_vault_name = aws_backup_vault.home.name
  policy            = data.aws_iam_policy_document.vault.json
}

resource "aws_backup_vault_policy" "copy" {
  count    = local.copies
  provider = aws.replica

  backup_vault_name = aws_backup_vault.copy[0].name
  policy            = data.aws_iam_policy_document.vault.json
}

resource "aws_backup_plan" "this" {
  name = var.name
  tags = var.tags

  dynamic "rule" {
    for_each = local.rules

    content {
      rule_name         = rule.key
      target_vault_name = aws_backup_vault.home.name
      schedule          = rule.value.schedule
      start_window      = 60
      completion_window = 480

      recovery_point_tags = merge(var.tags, { Rule = rule.key })

      lifecycle {
        delete_after = rule.value.keep_days
      }

      dynamic "copy_action" {
        for_each = aws_backup_vault.copy

        content {
          destination_vault_arn = copy_action.value.arn

          lifecycle {
            delete_after = rule.value.keep_days
          }
        }
      }
    }
  }
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-backup"
  description          = "AWS Backup takes, copies and restores recovery points."
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = toset(["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"])

  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/${each.value}"
}

resource "aws_backup_selection" "this" {
  name         = "by-tag"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.this.arn

  selection_tag {
    type  = "STRINGEQUALS"
    key   = var.selection_tag.key
    value = var.selection_tag.value
  }
}

# Failures come as events (module alarms); this tells what nobody should do quietly.
resource "aws_backup_vault_notifications" "home" {
  backup_vault_name   = aws_backup_vault.home.name
  sns_topic_arn       = var.topic_arn
  backup_vault_events = ["RECOVERY_POINT_MODIFIED", "RESTORE_JOB_STARTED"]
}
