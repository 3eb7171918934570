# What others build on.

output "url" {
  description = "Where clients reach the wallet."
  value       = "https://${var.domain_name}"
}

output "load_balancer_arn" {
  description = "The load balancer."
  value       = aws_lb.this.arn
}

output "load_balancer_suffix" {
  description = "The load balancer as CloudWatch calls it."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn" {
  description = "The tasks' target group, once a listener sends to it: ECS takes no other."
  value       = aws_lb_target_group.service.arn
  depends_on  = [aws_lb_listener.https]
}

output "target_group_name" {
  description = "The tasks' target group by name."
  value       = aws_lb_target_group.service.name
}

output "target_group_suffix" {
  description = "The tasks' target group as CloudWatch calls it."
  value       = aws_lb_target_group.service.arn_suffix
}

output "web_acl_name" {
  description = "The firewall as CloudWatch calls it."
  value       = aws_wafv2_web_acl.this.name
}

output "waf_log_group_name" {
  description = "Where requests that were turned away are logged."
  value       = aws_cloudwatch_log_group.waf.name
}

output "log_bucket" {
  description = "Where access logs are."
  value       = aws_s3_bucket.logs.id
}
