# The task that a deployment runs once before the new version: makes the service's database user, then migrates.
# Nothing starts it by itself.

locals {
  # Repeated without harm; a new password is taken over. The user may change rows, not tables.
  user_sql = <<-SQL
    CREATE USER IF NOT EXISTS '${var.database.username}'@'%' IDENTIFIED BY '$USER_PASSWORD' REQUIRE SSL;
    ALTER USER '${var.database.username}'@'%' IDENTIFIED BY '$USER_PASSWORD' REQUIRE SSL;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ${var.database.name}.* TO '${var.database.username}'@'%';
  SQL

  admin_login = "mysql --host=${var.database.writer} --user=${var.database.admin} --ssl-mode=REQUIRED"
}

resource "aws_ecs_task_definition" "migrate" {
  #checkov:skip=CKV_AWS_249:it speaks to no AWS API, so it has no task role
  family                   = "${var.name}-migrate"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.execution.arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.task.architecture
  }

  container_definitions = jsonencode([
    {
      name                   = "migrate"
      image                  = var.image
      essential              = true
      command                = ["migrate"]
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      dependsOn              = [{ containerName = "user", condition = "SUCCESS" }]
      environment = [
        { name = "RUST_LOG", value = "info" },
        { name = "WALLET_DB_WRITER_URL", value = "mysql://${var.database.admin}@${var.database.writer}:3306/${local.database}" },
      ]
      secrets          = [{ name = "WALLET_DB_PASSWORD", valueFrom = "${var.secret_arns.database_admin}:password::" }]
      linuxParameters  = { capabilities = { drop = ["ALL"] } }
      logConfiguration = merge(local.logs, { options = merge(local.logs.options, { awslogs-stream-prefix = "migrate" }) })
    },
    {
      name                   = "user"
      image                  = var.mysql_image
      essential              = false
      entryPoint             = ["bash", "-ec"]
      command                = ["${local.admin_login} <<SQL\n${local.user_sql}SQL\n"]
      readonlyRootFilesystem = true
      mountPoints            = [{ sourceVolume = "scratch", containerPath = "/tmp", readOnly = false }]
      secrets = [
        { name = "MYSQL_PWD", valueFrom = "${var.secret_arns.database_admin}:password::" },
        { name = "USER_PASSWORD", valueFrom = "${var.secret_arns.database}:password::" },
      ]
      logConfiguration = merge(local.logs, { options = merge(local.logs.options, { awslogs-stream-prefix = "migrate" }) })
    },
  ])

  # bash keeps a here-document in a file.
  volume {
    name = "scratch"
  }
}
