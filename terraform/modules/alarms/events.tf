# What AWS tells as an event and not as a number: findings, failed backups and deployments, database events, AWS Health.

locals {
  services = [
    { suffix = "/${var.service.cluster}/${var.service.name}" },
    { suffix = "/${var.control.cluster}/${var.control.name}" },
  ]

  rules = {
    "finding-high" = {
      severity = "P2", title = "GuardDuty found a threat", detail = "$.detail.title"
      pattern = {
        source = ["aws.guardduty"], "detail-type" = ["GuardDuty Finding"]
        detail = { severity = [{ numeric = [">=", 7] }] }
      }
    }
    "finding-medium" = {
      severity = "P3", title = "GuardDuty found something suspicious", detail = "$.detail.title"
      pattern = {
        source = ["aws.guardduty"], "detail-type" = ["GuardDuty Finding"]
        detail = { severity = [{ numeric = [">=", 4, "<", 7] }] }
      }
    }
    "posture" = {
      severity = "P3", title = "Security Hub: a control failed", detail = "$.detail.findings[0].Title"
      pattern = {
        source = ["aws.securityhub"], "detail-type" = ["Security Hub Findings - Imported"]
        detail = { findings = {
          Severity    = { Label = ["CRITICAL", "HIGH"] }, Workflow = { Status = ["NEW"] }, RecordState = ["ACTIVE"]
          Compliance  = { Status = ["FAILED"] }
          ProductName = ["Security Hub"]
        } }
      }
    }
    "outside-access" = {
      severity = "P3", title = "Access Analyzer: something is open to others", detail = "$.detail.resource"
      pattern = {
        source = ["aws.access-analyzer"], "detail-type" = ["Access Analyzer Finding"]
        detail = { status = ["ACTIVE"] }
      }
    }
    "backup-failed" = {
      severity = "P2", title = "A backup or its copy failed", detail = "$.detail.statusMessage"
      pattern = {
        source = ["aws.backup"], "detail-type" = ["Backup Job State Change", "Copy Job State Change"]
        detail = { state = ["FAILED", "ABORTED", "EXPIRED"] }
      }
    }
    "restore-failed" = {
      severity = "P2", title = "A restore failed; the weekly test counts", detail = "$.detail.statusMessage"
      pattern = {
        source = ["aws.backup"], "detail-type" = ["Restore Job State Change"]
        detail = { status = ["FAILED", "ABORTED"] }
      }
    }
    "deployment-failed" = {
      severity = "P2", title = "A deployment failed and is rolled back", detail = "$.detail.reason"
      pattern = {
        source = ["aws.ecs"], "detail-type" = ["ECS Deployment State Change"], resources = local.services
        detail = { eventName = ["SERVICE_DEPLOYMENT_FAILED"] }
      }
    }
    "placement-failed" = {
      severity = "P3", title = "ECS cannot start tasks", detail = "$.detail.reason"
      pattern = {
        source = ["aws.ecs"], "detail-type" = ["ECS Service Action"], resources = local.services
        detail = { eventType = ["ERROR"] }
      }
    }
    "task-died" = {
      severity = "P3", title = "A task died by itself", detail = "$.detail.stoppedReason"
      pattern = {
        source = ["aws.ecs"], "detail-type" = ["ECS Task State Change"]
        detail = {
          lastStatus = ["STOPPED"], stopCode = ["EssentialContainerExited"]
          group      = ["service:${var.service.name}", "service:${var.control.name}"]
        }
      }
    }
    "database-event" = {
      severity = "P2", title = "The database failed over or failed", detail = "$.detail.Message"
      pattern = {
        source = ["aws.rds"], "detail-type" = ["RDS DB Cluster Event", "RDS DB Instance Event"]
        detail = { EventCategories = ["failover", "failure", "low storage"] }
      }
    }
    "secret-stale" = {
      severity = "P2", title = "A secret was not rotated", detail = "$.detail.errorMessage"
      pattern = {
        source = ["aws.secretsmanager"], "detail-type" = ["AWS Service Event via CloudTrail"]
        detail = { eventName = ["RotationFailed", "TestRotationFailed"] }
      }
    }
    "aws-issue" = {
      severity = "P2", title = "AWS has trouble that touches us"
      detail   = "$.detail.eventDescription[0].latestDescription"
      pattern = {
        source = ["aws.health"], "detail-type" = ["AWS Health Event"]
        detail = { eventTypeCategory = ["issue"] }
      }
    }
    "aws-notice" = {
      severity = "P3", title = "AWS plans a change that touches us"
      detail   = "$.detail.eventDescription[0].latestDescription"
      pattern = {
        source = ["aws.health"], "detail-type" = ["AWS Health Event"]
        detail = { eventTypeCategory = ["scheduledChange", "accountNotification"] }
      }
    }
  }

  targets = merge([for key, one in local.rules : {
    for index, topic in var.topics[one.severity] : "${key}/${index}" => { rule = key, topic = topic }
  }]...)
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  name          = "${var.name}-${each.key}"
  description   = "${each.value.severity}. ${each.value.title}. Runbook: ${var.runbooks}#${each.key}"
  event_pattern = jsonencode(each.value.pattern)
  tags          = merge(var.tags, { Severity = each.value.severity })
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.targets

  rule      = aws_cloudwatch_event_rule.this[each.value.rule].name
  target_id = "topic-${split("/", each.key)[1]}"
  arn       = each.value.topic

  input_transformer {
    input_paths = {
      time      = "$.time"
      region    = "$.region"
      resources = "$.resources"
      detail    = local.rules[each.value.rule].detail
    }
    input_template = join("\n", [
      "\"${local.rules[each.value.rule].severity} ${var.name}: ${local.rules[each.value.rule].title}\"",
      "\"<detail>\"",
      "\"At <time> in <region>: <resources>\"",
      "\"Runbook: ${var.runbooks}#${each.value.rule}\"",
    ])
  }
}
