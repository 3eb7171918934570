# Where the secrets are. Never what they say.

output "arns" {
  description = "Secret ARNs by key. With a version, so that a task waits for the value."
  value = merge(
    { for key, version in aws_secretsmanager_secret_version.user : key => version.arn },
    { for key, version in aws_secretsmanager_secret_version.document : key => version.arn },
  )
}

output "count" {
  description = "How many secrets are paid for."
  value       = length(aws_secretsmanager_secret.this)
}
