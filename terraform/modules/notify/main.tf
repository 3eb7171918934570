# Topics by severity and channel, who may publish to them, and who hears them.
#
# SMS and e-mail have a topic each, so that control can try the other channel when one fails.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  topics = merge(
    {
      "p1-sms" = "WALLET P1"
      "p1"     = "P1: the service is down"
      "p2"     = "P2: the service is degraded"
      "p3"     = "P3: capacity, security, housekeeping"
      "p4"     = "P4: for information"
    },
    { for level in var.next_in_line : "${level.name}-sms" => "WALLET P1" },
    { for level in var.next_in_line : level.name => "P1: nobody acknowledged it" },
  )

  by_email = merge(
    { p1 = var.emails.p1, p2 = var.emails.p2, p3 = var.emails.p3 },
    { for level in var.next_in_line : level.name => level.emails },
  )
  by_sms = merge(
    { "p1-sms" = var.phones },
    { for level in var.next_in_line : "${level.name}-sms" => level.phones },
  )
  wanted = flatten([for protocol, topics in { email = local.by_email, sms = local.by_sms } : [
    for topic, all in topics : [for to in all : { topic = topic, protocol = protocol, to = to }]
  ]])
  subscriptions = { for one in local.wanted : "${one.topic}/${one.to}" => one }

  # Services that publish, and what of theirs may.
  account = data.aws_caller_identity.this.account_id
  arn     = "arn:${data.aws_partition.this.partition}"
  publishers = {
    Alarms    = { service = "cloudwatch.amazonaws.com", source = "${local.arn}:cloudwatch:*:${local.account}:alarm:*" }
    Events    = { service = "events.amazonaws.com", source = "${local.arn}:events:*:${local.account}:rule/*" }
    Budgets   = { service = "budgets.amazonaws.com", source = "${local.arn}:budgets::${local.account}:*" }
    Anomalies = { service = "costalerts.amazonaws.com", source = "${local.arn}:ce::${local.account}:anomalysubscription/*" }
  }
}

resource "aws_sns_topic" "this" {
  for_each = local.topics

  name              = "${var.name}-${each.key}"
  display_name      = each.value
  kms_master_key_id = var.kms_key_arn
  tags              = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

data "aws_iam_policy_document" "topic" {
  for_each = local.topics

  dynamic "statement" {
    for_each = local.publishers

    content {
      sid       = statement.key
      actions   = ["sns:Publish"]
      resources = [aws_sns_topic.this[each.key].arn]

      principals {
        type        = "Service"
        identifiers = [statement.value.service]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }
      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [statement.value.source]
      }
    }
  }

  # AWS Backup signs its messages without a source ARN.
  statement {
    sid       = "Backups"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.key].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.topics

  arn    = aws_sns_topic.this[each.key].arn
  policy = data.aws_iam_policy_document.topic[each.key].json
}

resource "aws_sns_topic_subscription" "this" {
  for_each = local.subscriptions

  topic_arn = aws_sns_topic.this[each.value.topic].arn
  protocol  = each.value.protocol
  endpoint  = each.value.to
}

# Pages are transactional: they are sent also to numbers that refuse advertising.
resource "aws_sns_sms_preferences" "this" {
  default_sms_type    = "Transactional"
  monthly_spend_limit = var.sms_monthly_limit_usd
}
