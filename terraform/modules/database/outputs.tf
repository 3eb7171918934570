# What others build on.

output "cluster_id" {
  description = "The cluster's identifier."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "cluster_arn" {
  description = "The cluster's ARN."
  value       = aws_rds_cluster.this.arn
}

output "instance_ids" {
  description = "The instances that are always there. Readers that autoscaling adds are not among them."
  value       = [for instance in aws_rds_cluster_instance.this : instance.identifier]
}

output "writer_endpoint" {
  description = "Where writes go."
  value       = aws_rds_cluster.this.endpoint
}

output "reader_endpoint" {
  description = "Where reads may go."
  value       = aws_rds_cluster.this.reader_endpoint
}

output "admin_secret_arn" {
  description = "Where RDS keeps the administrator's password."
  value       = try(aws_rds_cluster.this.master_user_secret[0].secret_arn, "")
}

output "admin_username" {
  description = "The administrator."
  value       = aws_rds_cluster.this.master_username
}

output "log_group_names" {
  description = "Log groups by kind: audit, error, slowquery."
  value       = { for kind, group in aws_cloudwatch_log_group.this : kind => group.name }
}

output "monitoring_role_arn" {
  description = "The role with which RDS writes its machines' metrics."
  value       = aws_iam_role.monitoring.arn
}
