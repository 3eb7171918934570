# Two roles: one with which ECS starts a task, one with which the service speaks to AWS.

data "aws_caller_identity" "this" {}

locals {
  assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TasksOfThisAccount"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:${data.aws_region.this.region}:${data.aws_caller_identity.this.account_id}:*" }
      }
    }]
  })
}

resource "aws_iam_role" "execution" {
  permissions_boundary = var.permissions_boundary_arn
  name                 = "${var.name}-${local.container}-start"
  description          = "Starts tasks of wallet-svc: images, secrets, logs."
  assume_role_policy   = local.assume
  tags                 = var.tags
}

resource "aws_iam_role_policy" "execution" {
  #checkov:skip=CKV_AWS_355:a registry's login takes no resource
  name = "start"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LogInToTheRegistry"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "PullOurImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [var.repository_arn, var.public_repositories_arn]
      },
      {
        Sid      = "FillTheCacheOfPublicImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
        Resource = var.public_repositories_arn
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this.arn}:*"
      },
      {
        Sid      = "ReadItsSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = values(var.secret_arns)
      },
      {
        Sid       = "DecryptThem"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.secrets_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${data.aws_region.this.region}.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_iam_role" "task" {
  permissions_boundary = var.permissions_boundary_arn
  name                 = "${var.name}-${local.container}"
  description          = "wallet-svc itself: publishes its metrics."
  assume_role_policy   = local.assume
  tags                 = var.tags
}

resource "aws_iam_role_policy" "task" {
  #checkov:skip=CKV_AWS_290:metrics have no ARN; the namespace is the limit
  #checkov:skip=CKV_AWS_355:metrics have no ARN; the namespace is the limit
  name = "calls"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PublishItsMetrics"
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = "Wallet" } }
    }]
  })
}
