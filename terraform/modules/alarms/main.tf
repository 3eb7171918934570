# One alarm for each entry of the tables beside, and one composite that says that the service is down.
#
# They need nothing of ours: when control is gone, they are what pages.

data "aws_region" "this" {}

locals {
  log_namespace = "Wallet/Logs"

  alarms = merge(
    local.wallet_alarms, local.control_alarms, local.edge_alarms, local.service_alarms, local.database_alarms,
    local.cache_alarms, local.broker_alarms, local.nat_alarms, local.upkeep_alarms, local.cis_alarms,
  )
  # These are told by the composite alone, so that one outage is one page.
  told_by_composite = toset(["no-healthy-target", "canary-failing", "errors-high"])

  description = { for key, one in local.alarms : key => join(" ", [
    "${one.severity}.", one.says, one.do, "Runbook: ${var.runbooks}#${try(one.about, key)}",
  ]) }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = local.description[each.key]
  comparison_operator = can(each.value.under) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.under, each.value.over)
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.periods
  treat_missing_data  = each.value.missing

  namespace          = try(each.value.namespace, null)
  metric_name        = try(each.value.metric, null)
  dimensions         = try(each.value.dimensions, null)
  period             = can(each.value.expression) ? null : each.value.period
  statistic          = try(startswith(each.value.stat, "p") ? null : each.value.stat, null)
  extended_statistic = try(startswith(each.value.stat, "p") ? each.value.stat : null, null)
  # With few values a percentile is not one; CloudWatch may then keep the state as it is.
  evaluate_low_sample_count_percentiles = try(startswith(each.value.stat, "p") ? "ignore" : null, null)

  dynamic "metric_query" {
    for_each = can(each.value.expression) ? [each.value] : []

    content {
      id          = "result"
      expression  = metric_query.value.expression
      label       = metric_query.value.label
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = try(each.value.inputs, {})

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = each.value.period
      }
    }
  }

  alarm_actions = contains(local.told_by_composite, each.key) ? [] : var.topics[each.value.severity]
  ok_actions    = contains(local.told_by_composite, each.key) ? [] : var.topics[each.value.severity]
  tags          = merge(var.tags, { Severity = each.value.severity })
}

resource "aws_cloudwatch_composite_alarm" "service_down" {
  alarm_name = "${var.name}-service-down"
  alarm_description = join(" ", [
    "P1. Clients cannot use the wallet: no healthy target, many errors, or our own deposits fail.",
    "The alarms that made it go off say which. Runbook: ${var.runbooks}#service-down",
  ])
  alarm_rule = join(" OR ", [
    for key in sort(tolist(local.told_by_composite)) : "ALARM(\"${aws_cloudwatch_metric_alarm.this[key].alarm_name}\")"
  ])
  alarm_actions = var.topics.P1
  ok_actions    = var.topics.P1
  tags          = merge(var.tags, { Severity = "P1" })
}
