# What others build on.

output "group_id" {
  description = "The replication group's identifier."
  value       = aws_elasticache_replication_group.this.replication_group_id
}

output "member_ids" {
  description = "The nodes as CloudWatch calls them."
  value       = [for index in range(var.nodes) : format("%s-%03d", var.name, index + 1)]
}

output "url_secret_arn" {
  description = "The secret with the address and the password in it."
  value       = aws_secretsmanager_secret_version.url.arn
}
