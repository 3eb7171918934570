# The journal's database: small, apart from everything that control manages, and written every two seconds.

resource "aws_db_parameter_group" "journal" {
  name_prefix = "${var.name}-journal-"
  family      = "mysql8.4"
  description = "The journal of ${var.name}'s control daemon."
  tags        = var.tags

  parameter {
    name  = "require_secure_transport"
    value = "ON"
  }
  parameter {
    name  = "time_zone"
    value = "UTC"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "journal" {
  for_each = toset(["error", "slowquery"])

  name              = "/aws/rds/instance/${var.name}-journal/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
  tags              = var.tags
}

resource "aws_db_instance" "journal" {
  #checkov:skip=CKV_AWS_353:this size has no Performance Insights
  #checkov:skip=CKV_AWS_354:this size has no Performance Insights
  #checkov:skip=CKV_AWS_157:two zones are a value; staging has one
  #checkov:skip=CKV_AWS_293:protection is a value; staging has none
  identifier     = "${var.name}-journal"
  engine         = "mysql"
  engine_version = "8.4"
  instance_class = var.journal.instance_class
  db_name        = "journal"
  port           = 3306

  # RDS makes the password, keeps it and turns it over. The daemon has a user of its own.
  username                      = "journal_admin"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.secrets_key_arn

  allocated_storage     = 20
  max_allocated_storage = 100
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.data_key_arn

  multi_az                            = var.journal.multi_az
  publicly_accessible                 = false
  db_subnet_group_name                = var.db_subnet_group_name
  vpc_security_group_ids              = var.journal_security_group_ids
  parameter_group_name                = aws_db_parameter_group.journal.name
  iam_database_authentication_enabled = true
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"
  auto_minor_version_upgrade          = true
  monitoring_interval                 = 60
  monitoring_role_arn                 = var.monitoring_role_arn
  enabled_cloudwatch_logs_exports     = ["error", "slowquery"]

  backup_retention_period   = var.backup_days
  backup_window             = "05:00-06:00"
  maintenance_window        = "sun:08:30-sun:09:30"
  copy_tags_to_snapshot     = true
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = false
  final_snapshot_identifier = "${var.name}-journal-final"
  apply_immediately         = false
  tags                      = merge(var.tags, { Name = "${var.name}-journal", Backup = "daily" })

  lifecycle {
    # Storage grows by itself up to its limit.
    ignore_changes = [allocated_storage]
  }

  depends_on = [aws_cloudwatch_log_group.journal]
}

locals {
  # The daemon may add events and read them, and change the lease and the snapshots. It cannot rewrite what happened.
  # A right on a table that is not there yet needs CREATE with it.
  user     = var.journal.username
  user_sql = <<-SQL
    CREATE USER IF NOT EXISTS '${local.user}'@'%' IDENTIFIED BY '$USER_PASSWORD' REQUIRE SSL;
    ALTER USER '${local.user}'@'%' IDENTIFIED BY '$USER_PASSWORD' REQUIRE SSL;
    GRANT CREATE, SELECT, INSERT ON journal.* TO '${local.user}'@'%';
    GRANT CREATE, UPDATE, DELETE ON journal.leader_lease TO '${local.user}'@'%';
    GRANT CREATE, UPDATE, DELETE ON journal.snapshot TO '${local.user}'@'%';
  SQL
}

# Run once by the first deployment, and after each new password.
resource "aws_ecs_task_definition" "setup" {
  #checkov:skip=CKV_AWS_249:it speaks to no AWS API, so it has no task role
  family                   = "${var.name}-journal-setup"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.task.architecture
  }

  # bash keeps a here-document in a file.
  volume {
    name = "scratch"
  }

  container_definitions = jsonencode([{
    name                   = "user"
    image                  = var.mysql_image
    essential              = true
    entryPoint             = ["bash", "-ec"]
    readonlyRootFilesystem = true
    mountPoints            = [{ sourceVolume = "scratch", containerPath = "/tmp", readOnly = false }]
    command = [join("", [
      "mysql --host=${aws_db_instance.journal.address} --user=${aws_db_instance.journal.username} --ssl-mode=REQUIRED <<SQL\n",
      local.user_sql, "SQL\n",
    ])]
    secrets = [
      { name = "MYSQL_PWD", valueFrom = "${local.journal_admin_secret_arn}:password::" },
      { name = "USER_PASSWORD", valueFrom = "${var.secret_arns.journal}:password::" },
    ]
    logConfiguration = merge(local.logs, { options = merge(local.logs.options, { awslogs-stream-prefix = "setup" }) })
  }])
}

locals {
  journal_admin_secret_arn = try(aws_db_instance.journal.master_user_secret[0].secret_arn, "")
}
