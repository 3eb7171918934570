# What others build on.

output "cluster_name" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "cluster_arn" {
  description = "The ECS cluster's ARN."
  value       = aws_ecs_cluster.this.arn
}

output "service_name" {
  description = "The ECS service."
  value       = aws_ecs_service.this.name
}

output "service_arn" {
  description = "The ECS service's ARN."
  value       = aws_ecs_service.this.arn
}

output "migrate_task" {
  description = "The task definition that a deployment runs first."
  value       = aws_ecs_task_definition.migrate.arn
}

output "log_group_name" {
  description = "Where the service's logs are."
  value       = aws_cloudwatch_log_group.this.name
}

output "role_arns" {
  description = "The roles that tasks are started with and act with."
  value       = { execution = aws_iam_role.execution.arn, task = aws_iam_role.task.arn }
}
