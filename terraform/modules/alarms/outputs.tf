# What dashboards show.

output "arns" {
  description = "ARNs of all alarms by severity; P4 is shown on dashboards and nowhere else."
  value = {
    for severity in ["P1", "P2", "P3", "P4"] : severity => concat(
      severity == "P1" ? [aws_cloudwatch_composite_alarm.service_down.arn] : [],
      [for key, one in local.alarms : aws_cloudwatch_metric_alarm.this[key].arn if one.severity == severity],
    )
  }
}

output "names" {
  description = "Name of each alarm."
  value = concat(
    [aws_cloudwatch_composite_alarm.service_down.alarm_name],
    [for one in aws_cloudwatch_metric_alarm.this : one.alarm_name],
  )
}

output "rules" {
  description = "Name of each event rule by what it tells."
  value       = { for key in keys(local.rules) : key => "${var.name}-${key}" }
}

output "audit_metrics" {
  description = "Names of the metrics in namespace Wallet/Audit, by alarm."
  value       = local.cis_metric
}
