# The groups by role.

output "ids" {
  description = "Security group ids by role: alb, service, database, cache, broker, control, journal, setup."
  value       = { for role, group in aws_security_group.this : role => group.id }
}
