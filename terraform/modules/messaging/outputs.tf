# What others build on.

output "cluster_arn" {
  description = "The cluster's ARN."
  value       = aws_msk_cluster.this.arn
}

output "cluster_name" {
  description = "The cluster's name."
  value       = aws_msk_cluster.this.cluster_name
}

output "brokers" {
  description = "Where clients with a password begin: host:port, separated by commas."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
}

output "broker_ids" {
  description = "The brokers as CloudWatch calls them."
  value       = [for index in range(var.brokers) : tostring(index + 1)]
}

output "topic" {
  description = "Where the wallet's events are published."
  value       = aws_msk_topic.events.name
}

output "user_secret_arn" {
  description = "The secret with the wallet's Kafka user. Known when the brokers take it."
  value       = aws_msk_single_scram_secret_association.this.secret_arn
}
