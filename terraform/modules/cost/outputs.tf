# What control and documents name.

output "budget_name" {
  description = "Name of the budget."
  value       = aws_budgets_budget.this.name
}

output "budget_usd" {
  description = "What a month may cost; control's environment file has the same."
  value       = var.budget_usd
}

output "resource_group" {
  description = "The group of everything that belongs to the environment."
  value       = aws_resourcegroups_group.this.name
}
