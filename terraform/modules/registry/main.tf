# Container images: what was pushed under a tag stays what it was, is scanned, and old ones go.

locals {
  images = {
    wallet-svc = "The ledger service."
    control    = "The control daemon."
  }
}

resource "aws_ecr_repository" "this" {
  for_each = local.images

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_delete
  tags                 = merge(var.tags, { Name = "${var.name}/${each.key}" })

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = local.images

  repository = aws_ecr_repository.this[each.key].name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Images without a tag were never deployed."
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "Enough releases to go back to."
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.images_kept }
        action       = { type = "expire" }
      },
    ]
  })
}

resource "aws_ecr_repository_policy" "this" {
  for_each = local.images

  repository = aws_ecr_repository.this[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NobodyElse"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "ecr:*"
      Condition = { StringNotEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

# The two public images that tasks are started with, kept in the account's own registry.
resource "aws_ecr_pull_through_cache_rule" "public" {
  ecr_repository_prefix = "${var.name}-public"
  upstream_registry_url = "public.ecr.aws"
}

resource "aws_ecr_replication_configuration" "this" {
  count = var.copy_region == null ? 0 : 1

  replication_configuration {
    rule {
      destination {
        region      = var.copy_region
        registry_id = data.aws_caller_identity.this.account_id
      }
      repository_filter {
        filter      = "${var.name}/"
        filter_type = "PREFIX_MATCH"
      }
    }
  }
}

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
