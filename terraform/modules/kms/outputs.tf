# The keys by what they protect.

output "arns" {
  description = "Key ARNs by use: data, secrets, logs, notify, backup."
  value       = { for use, key in aws_kms_key.this : use => key.arn }
}

output "copy_arn" {
  description = "The key of the region that backups are copied to; null without copies."
  value       = one(aws_kms_key.copy[*].arn)
}

output "count" {
  description = "How many keys are paid for."
  value       = length(aws_kms_key.this) + length(aws_kms_key.copy)
}
