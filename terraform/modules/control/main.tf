# The control daemon: a leader and a standby on Fargate, reached by nobody from outside, with a journal of their own.

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}

locals {
  container = "control"
  account   = data.aws_caller_identity.this.account_id
  region    = data.aws_region.this.region
  port      = 7070
  files     = "/etc/control/environments"

  environment_file = templatefile("${path.module}/environment.yaml.tftpl", {
    environment  = var.environment
    tier         = var.environment
    mode         = var.mode
    region       = local.region
    account      = local.account
    service      = var.service
    database     = var.database
    cache        = var.cache_group
    broker       = var.broker_arn
    tasks        = var.tasks
    targets      = var.targets
    readers      = var.readers
    topics       = var.topics
    next_in_line = var.next_in_line
    budget_usd   = var.budget_usd
    counts       = var.counts
    backup_days  = var.backup_days
  })

  journal = join("", [
    "mysql://${var.journal.username}@${aws_db_instance.journal.address}:3306/journal",
    "?ssl-mode=VERIFY_IDENTITY&ssl-ca=${var.journal.ca_file}",
  ])

  with_canary   = var.canary_token_secret_arn != null
  with_identity = var.identity_file != null

  # The tools' image writes the files that the daemon reads, for the daemon's user alone, and leaves a busybox for the
  # health check. The environment's file is in the task definition: a change is a deployment, and can be rolled back.
  documents = merge(
    { "environment.yaml" = "ENVIRONMENT_FILE", "tokens.yaml" = "TOKENS", "journal-password" = "JOURNAL_PASSWORD" },
    local.with_identity ? { "identity.yaml" = "IDENTITY_FILE" } : {},
    local.with_canary ? { "canary-token" = "CANARY_TOKEN" } : {},
  )
  prepare = join(" && ", concat(
    ["cp /bin/busybox ${local.files}/busybox", "umask 0077"],
    [for file, variable in local.documents : "printf '%s' \"$${variable}\" > ${local.files}/${file}"],
    ["chown 65532:65532 ${join(" ", [for file, variable in local.documents : "${local.files}/${file}"])}"],
  ))

  command = concat(
    ["serve", "--environment", "${local.files}/environment.yaml", "--runbooks", "/etc/control/runbooks"],
    ["--tokens", "${local.files}/tokens.yaml", "--journal", local.journal, "--listen", "127.0.0.1:${local.port}"],
    local.with_identity ? ["--identity", "${local.files}/identity.yaml"] : [],
  )

  logs = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = local.region
      awslogs-stream-prefix = local.container
      mode                  = "non-blocking"
      max-buffer-size       = "25m"
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/${local.container}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
  tags              = var.tags
}

resource "aws_ecs_task_definition" "this" {
  #checkov:skip=CKV_AWS_249:pulling an image and speaking to AWS are two roles here
  #checkov:skip=CKV_AWS_336:the container named door needs a file system that ECS Exec can write to; the daemon's is read-only
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
      command                = local.command
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      stopTimeout            = 40
      dependsOn              = [{ containerName = "files", condition = "SUCCESS" }]
      mountPoints            = [{ sourceVolume = "files", containerPath = local.files, readOnly = true }]
      environment = concat(
        [
          { name = "AWS_REGION", value = local.region },
          { name = "CONTROL_JOURNAL_PASSWORD_FILE", value = "${local.files}/journal-password" },
          { name = "RUST_LOG", value = "info" },
        ],
        local.with_canary ? [{ name = "CONTROL_WALLET_TOKEN_FILE", value = "${local.files}/canary-token" }] : [],
      )
      linuxParameters  = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
      logConfiguration = local.logs
      healthCheck = {
        command     = ["CMD", "${local.files}/busybox", "wget", "-q", "-T", "2", "-O", "/dev/null", "http://127.0.0.1:${local.port}/healthz"]
        interval    = 10
        timeout     = 3
        retries     = 3
        startPeriod = 30
      }
    },
    {
      name                   = "files"
      image                  = var.tools_image
      essential              = false
      command                = ["sh", "-c", local.prepare]
      readonlyRootFilesystem = true
      mountPoints            = [{ sourceVolume = "files", containerPath = local.files, readOnly = false }]
      environment = concat(
        [{ name = "ENVIRONMENT_FILE", value = local.environment_file }],
        local.with_identity ? [{ name = "IDENTITY_FILE", value = var.identity_file }] : [],
      )
      secrets = concat(
        [
          { name = "JOURNAL_PASSWORD", valueFrom = "${var.secret_arns.journal}:password::" },
          { name = "TOKENS", valueFrom = var.secret_arns.tokens },
        ],
        local.with_canary ? [{ name = "CANARY_TOKEN", valueFrom = var.canary_token_secret_arn }] : [],
      )
      logConfiguration = local.logs
    },
    {
      # The way in for people: a session of SSM forwards a port to it, and so to the daemon on loopback.
      name             = "door"
      image            = var.tools_image
      essential        = false
      command          = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"]
      linuxParameters  = { initProcessEnabled = true }
      logConfiguration = local.logs
    },
  ])

  lifecycle {
    precondition {
      condition     = length(local.environment_file) < 32768
      error_message = "the environment's file leaves no room in the task definition: 64 KiB in all"
    }
  }
}

resource "aws_ecs_service" "this" {
  name                               = local.container
  cluster                            = var.service.cluster_arn
  task_definition                    = aws_ecs_task_definition.this.arn
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  desired_count                      = 2
  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 200
  availability_zone_rebalancing      = "ENABLED"
  enable_ecs_managed_tags            = true
  enable_execute_command             = true
  propagate_tags                     = "SERVICE"
  tags                               = merge(var.tags, { Name = "${var.name}-${local.container}" })

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = var.security_group_ids
    assign_public_ip = false
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.calls]
}
