# wallet-svc on Fargate: what a task is, how many there are, and how a new version takes over.

data "aws_region" "this" {}

locals {
  container = "wallet-svc"
  files     = "/run/wallet"

  # Below our own: the tools' image writes what the service reads from files, and leaves a busybox for the health
  # check, because the service's image holds the service and nothing else.
  prepare = join(" && ", [
    "cp /bin/busybox ${local.files}/busybox",
    "printf '%s' \"$JWKS\" > ${local.files}/jwks.json",
    "chmod 0444 ${local.files}/jwks.json",
  ])

  database = "${var.database.name}?ssl-mode=VERIFY_IDENTITY&ssl-ca=${var.database.ca_file}"

  environment = merge({
    AWS_REGION               = data.aws_region.this.region
    RUST_LOG                 = "info"
    WALLET_ENVIRONMENT       = var.environment
    WALLET_LISTEN            = "0.0.0.0:${var.port}"
    WALLET_DB_WRITER_URL     = "mysql://${var.database.username}@${var.database.writer}:3306/${local.database}"
    WALLET_DB_READER_URL     = "mysql://${var.database.username}@${var.database.reader}:3306/${local.database}"
    WALLET_KAFKA_BROKERS     = var.events.brokers
    WALLET_KAFKA_TOPIC       = var.events.topic
    WALLET_JWKS_FILE         = "${local.files}/jwks.json"
    WALLET_JWT_ISSUER        = var.identity.issuer
    WALLET_JWT_AUDIENCE      = var.identity.audience
    WALLET_METRICS_NAMESPACE = "Wallet"
  }, var.settings)

  secrets = {
    WALLET_DB_PASSWORD    = "${var.secret_arns.database}:password::"
    WALLET_KAFKA_USERNAME = "${var.secret_arns.events}:username::"
    WALLET_KAFKA_PASSWORD = "${var.secret_arns.events}:password::"
    WALLET_REDIS_URL      = var.secret_arns.cache
  }

  logs = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = data.aws_region.this.region
      awslogs-stream-prefix = local.container
      mode                  = "non-blocking"
      max-buffer-size       = "25m"
    }
  }

  volume = { sourceVolume = "files", containerPath = local.files }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/${local.container}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
  tags              = var.tags
}

resource "aws_ecs_task_definition" "this" {
  #checkov:skip=CKV_AWS_249:pulling an image and speaking to AWS are two roles here
  family                   = "${var.name}-${local.container}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.task.cpu
  memory                   = var.task.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.task.architecture
  }

  volume {
    name = "files"
  }

  container_definitions = jsonencode([
    {
      name                   = local.container
      image                  = var.image
      essential              = true
      command                = ["serve"]
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      stopTimeout            = 30
      dependsOn              = [{ containerName = "files", condition = "SUCCESS" }]
      portMappings           = [{ containerPort = var.port, hostPort = var.port, protocol = "tcp" }]
      mountPoints            = [merge(local.volume, { readOnly = true })]
      environment            = [for name, value in local.environment : { name = name, value = value }]
      secrets                = [for name, arn in local.secrets : { name = name, valueFrom = arn }]
      ulimits                = [{ name = "nofile", softLimit = 65535, hardLimit = 65535 }]
      linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
      logConfiguration       = local.logs
      healthCheck = {
        command     = ["CMD", "${local.files}/busybox", "wget", "-q", "-T", "2", "-O", "/dev/null", "http://127.0.0.1:${var.port}/healthz"]
        interval    = 10
        timeout     = 3
        retries     = 3
        startPeriod = 15
      }
    },
    {
      name                   = "files"
      image                  = var.tools_image
      essential              = false
      command                = ["sh", "-c", local.prepare]
      readonlyRootFilesystem = true
      mountPoints            = [merge(local.volume, { readOnly = false })]
      environment            = [{ name = "JWKS", value = var.identity.jwks }]
      logConfiguration       = local.logs
    },
  ])
}

resource "aws_ecs_service" "this" {
  name                               = local.container
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this.arn
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  desired_count                      = var.tasks.start
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 30
  availability_zone_rebalancing      = "ENABLED"
  enable_ecs_managed_tags            = true
  enable_execute_command             = false
  propagate_tags                     = "SERVICE"
  tags                               = merge(var.tags, { Name = "${var.name}-${local.container}" })

  # A version whose tasks do not become healthy is taken back by ECS itself.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = var.security_group_ids
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = local.container
    container_port   = var.port
  }

  lifecycle {
    # Auto Scaling and the control daemon decide how many.
    ignore_changes = [desired_count]

    precondition {
      condition     = length(var.subnet_ids) >= 3
      error_message = "tasks must be spread over three zones"
    }
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}
