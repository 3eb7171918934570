# What others build on, and the file that control reads.

output "environment_file" {
  description = "control's environment file, as its tasks read it. For `control check --environment FILE`."
  value       = local.environment_file
}

output "service_name" {
  description = "The daemon's ECS service."
  value       = aws_ecs_service.this.name
}

output "journal_id" {
  description = "The journal's database instance."
  value       = aws_db_instance.journal.identifier
}

output "setup_task" {
  description = "The task definition that makes the journal's user. Run once before the daemon first starts."
  value       = aws_ecs_task_definition.setup.arn
}

output "log_group_name" {
  description = "Where the daemon's logs are."
  value       = aws_cloudwatch_log_group.this.name
}

output "task_role_name" {
  description = "The role that the daemon acts with; its policy `calls` is what control/src/aws sends."
  value       = aws_iam_role.task.name
}

output "port" {
  description = "Where the daemon answers on the loopback of its task; reach it by a port forwarded to the container door."
  value       = local.port
}
