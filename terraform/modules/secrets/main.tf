# Passwords and documents that people and tasks need. Values are made while applying and written through write-only
# arguments: they are in no plan and in no state. A password is a random UUID, 122 bits.

data "aws_caller_identity" "this" {}

locals {
  # Even a policy that somebody writes too widely elsewhere opens a secret to nobody outside of the account.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NobodyElse"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "secretsmanager:*"
      Resource  = "*"
      Condition = { StringNotEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
  secrets = merge(
    { for key, user in var.users : key => user.description },
    { for key, document in var.documents : key => document.description },
  )
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:RDS turns its own passwords over; these follow passwords_version, because the database's users must change with them
  for_each = local.secrets

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
  tags                    = merge(var.tags, { Name = "${var.name}/${each.key}" })
}

resource "aws_secretsmanager_secret_policy" "this" {
  for_each = local.secrets

  secret_arn          = aws_secretsmanager_secret.this[each.key].arn
  policy              = local.policy
  block_public_policy = true
}

resource "aws_secretsmanager_secret_version" "user" {
  for_each = var.users

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = jsonencode({ username = each.value.username, password = uuid() })
  secret_string_wo_version = var.passwords_version
}

# People change these in Secrets Manager; Terraform writes the first text only.
resource "aws_secretsmanager_secret_version" "document" {
  for_each = var.documents

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = each.value.initial
  secret_string_wo_version = 1
}
