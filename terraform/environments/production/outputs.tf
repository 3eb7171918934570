# What people, scripts and the pipeline need to know afterwards.

output "stack" {
  description = "Everything that the stack says of itself, but for the file below."
  value       = { for name, value in module.stack : name => value if name != "control_environment" }
}

output "control_environment" {
  description = "control's environment file: terraform output -raw control_environment."
  value       = module.stack.control_environment
}
