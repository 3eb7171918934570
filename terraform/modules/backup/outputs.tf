# What alarms, documents and other modules name.

output "vault_name" {
  description = "Vault at home."
  value       = aws_backup_vault.home.name
}

output "vault_arn" {
  description = "ARN of the vault at home."
  value       = aws_backup_vault.home.arn
}

output "copy_vault_arn" {
  description = "ARN of the vault abroad; null if nothing is copied."
  value       = one(aws_backup_vault.copy[*].arn)
}

output "selection_tag" {
  description = "What must be tagged so to be backed up."
  value       = { (var.selection_tag.key) = var.selection_tag.value }
}
