# Where to look.

output "names" {
  description = "Name of each dashboard by what it is about."
  value       = { for key, one in aws_cloudwatch_dashboard.this : key => one.dashboard_name }
}

output "urls" {
  description = "Address of each dashboard in the console."
  value       = { for key in keys(local.panels) : key => "${local.console}#dashboards:name=${var.name}-${key}" }
}

output "queries" {
  description = "Names of the saved log queries."
  value       = [for one in aws_cloudwatch_query_definition.this : one.name]
}
