# What the environments need to know.

output "bucket" {
  description = "For terraform init -backend-config=\"bucket=...\"."
  value       = aws_s3_bucket.state.id
}

output "bucket_arn" {
  description = "For deployment.github.state_bucket_arn."
  value       = aws_s3_bucket.state.arn
}

output "key_arn" {
  description = "For deployment.github.state_key_arn."
  value       = aws_kms_key.state.arn
}
