# What the pipeline and the other modules name.

output "plan_role_arn" {
  description = "Role of pull requests."
  value       = aws_iam_role.this["plan"].arn
}

output "apply_role_arn" {
  description = "Role of approved deployments."
  value       = aws_iam_role.this["apply"].arn
}

output "boundary_arn" {
  description = "Boundary that every role of the environment carries, or the pipeline cannot make it."
  value       = aws_iam_policy.boundary.arn
}
