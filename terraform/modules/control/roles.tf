# Two roles: one with which ECS starts a task, one with which the daemon acts. The policy `calls` names exactly the
# actions that control/src/aws sends, each on the resources of this environment where AWS knows resources for it.

locals {
  arn = "arn:aws"

  assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TasksOfThisAccount"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "${local.arn}:ecs:${local.region}:${local.account}:*" }
      }
    }]
  })

  in_cluster = { ArnEquals = { "ecs:cluster" = var.service.cluster_arn } }

  calls = [
    {
      Sid      = "ReadTheService"
      Effect   = "Allow"
      Action   = ["ecs:DescribeServices"]
      Resource = [var.service.arn]
    },
    {
      Sid       = "ReadItsTasks"
      Effect    = "Allow"
      Action    = ["ecs:DescribeTasks", "ecs:ListTasks"]
      Resource  = ["*"]
      Condition = local.in_cluster
    },
    {
      Sid      = "ResizeTheService"
      Effect   = "Allow"
      Action   = ["ecs:UpdateService"]
      Resource = [var.service.arn]
    },
    {
      Sid       = "ReplaceATask"
      Effect    = "Allow"
      Action    = ["ecs:StopTask"]
      Resource  = ["${local.arn}:ecs:${local.region}:${local.account}:task/${var.service.cluster}/*"]
      Condition = local.in_cluster
    },
    {
      Sid    = "ReadWhatAwsKnowsOnlyAsAWhole"
      Effect = "Allow"
      Action = [
        "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
        "ce:GetCostAndUsage", "cloudwatch:GetMetricData",
        "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
      ]
      Resource = ["*"]
    },
    {
      Sid      = "MoveTheMinimum"
      Effect   = "Allow"
      Action   = ["application-autoscaling:RegisterScalableTarget"]
      Resource = ["${local.arn}:application-autoscaling:${local.region}:${local.account}:scalable-target/*"]
      Condition = {
        StringEquals = {
          "application-autoscaling:scalable-dimension" = ["ecs:service:DesiredCount", "rds:cluster:ReadReplicaCount"]
        }
      }
    },
    {
      Sid    = "ReadTheDatabase"
      Effect = "Allow"
      Action = ["rds:DescribeDBClusters", "rds:DescribeDBInstances"]
      Resource = [
        "${local.arn}:rds:${local.region}:${local.account}:cluster:${var.database.cluster}",
        "${local.arn}:rds:${local.region}:${local.account}:db:*",
      ]
    },
    {
      Sid      = "FailTheDatabaseOver"
      Effect   = "Allow"
      Action   = ["rds:FailoverDBCluster"]
      Resource = ["${local.arn}:rds:${local.region}:${local.account}:cluster:${var.database.cluster}"]
    },
    {
      Sid      = "ReadAndFailOverTheCache"
      Effect   = "Allow"
      Action   = ["elasticache:DescribeReplicationGroups", "elasticache:TestFailover"]
      Resource = ["${local.arn}:elasticache:${local.region}:${local.account}:replicationgroup:${var.cache_group}"]
    },
    {
      Sid      = "ReadAndRebootBrokers"
      Effect   = "Allow"
      Action   = ["kafka:DescribeCluster", "kafka:GetBootstrapBrokers", "kafka:ListNodes", "kafka:RebootBroker"]
      Resource = [var.broker_arn]
    },
    {
      Sid       = "PublishItsMetrics"
      Effect    = "Allow"
      Action    = ["cloudwatch:PutMetricData"]
      Resource  = ["*"]
      Condition = { StringEquals = { "cloudwatch:namespace" = "Wallet/Control" } }
    },
    {
      Sid      = "TellPeople"
      Effect   = "Allow"
      Action   = ["sns:Publish"]
      Resource = distinct(concat(values(var.topics), flatten([for level in var.next_in_line : [level.sms, level.email]])))
    },
  ]
}

resource "aws_iam_role" "task" {
  name                 = "${var.name}-${local.container}"
  description          = "The control daemon itself: reads the environment and changes its size."
  assume_role_policy   = local.assume
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "calls" {
  #checkov:skip=CKV_AWS_290:what has no ARN is bound by a condition; see each statement
  #checkov:skip=CKV_AWS_355:descriptions, metrics and the bill have no ARN
  name   = "calls"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.calls })
}

# What the SSM agent of ECS Exec needs, so that people can reach the daemon. No call of the daemon's own.
resource "aws_iam_role_policy" "door" {
  #checkov:skip=CKV_AWS_290:these channels have no ARN
  #checkov:skip=CKV_AWS_355:these channels have no ARN
  name = "door"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "SessionsOfEcsExec"
      Effect = "Allow"
      Action = [
        "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
      ]
      Resource = "*"
    }]
  })
}

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-${local.container}-start"
  description          = "Starts tasks of control: images, secrets, logs."
  assume_role_policy   = local.assume
  permissions_boundary = var.permissions_boundary_arn
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
        Sid    = "ReadItsSecrets"
        Effect = "Allow"
        Action = "secretsmanager:GetSecretValue"
        Resource = concat(
          [var.secret_arns.journal, var.secret_arns.tokens, local.journal_admin_secret_arn],
          local.with_canary ? [var.canary_token_secret_arn] : [],
        )
      },
      {
        Sid       = "DecryptThem"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.secrets_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
      },
    ]
  })
}
