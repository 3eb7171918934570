# The ledger's Aurora MySQL cluster: one writer, readers in other zones, point-in-time recovery, TLS only.

locals {
  # "1" begins as the writer. Roles move with failovers; names do not.
  instances = { for index in range(1 + var.readers.min) : tostring(index + 1) => var.zones[index % length(var.zones)] }
  logs      = ["audit", "error", "slowquery"]
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(local.logs)

  name              = "/aws/rds/cluster/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
  tags              = var.tags
}

resource "aws_rds_cluster_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "aurora-mysql8.0"
  description = "The ledger of ${var.name}."
  tags        = var.tags

  # What is static comes with the first start, and later with the next one.
  parameter {
    name  = "require_secure_transport"
    value = "ON"
  }
  parameter {
    name         = "tls_version"
    value        = "TLSv1.2,TLSv1.3"
    apply_method = "pending-reboot"
  }
  parameter {
    name         = "character_set_server"
    value        = "utf8mb4"
    apply_method = "pending-reboot"
  }
  parameter {
    name         = "time_zone"
    value        = "UTC"
    apply_method = "pending-reboot"
  }
  parameter {
    name  = "server_audit_logging"
    value = "1"
  }
  # Who connected, and who changed rights or tables. Every query would be the ledger itself, twice.
  parameter {
    name  = "server_audit_events"
    value = "CONNECT,QUERY_DCL,QUERY_DDL"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "aurora-mysql8.0"
  description = "Instances of the ledger of ${var.name}."
  tags        = var.tags

  parameter {
    name  = "slow_query_log"
    value = "1"
  }
  parameter {
    name  = "long_query_time"
    value = "1"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV2_AWS_8:the backup plan selects it by its tag Backup
  #checkov:skip=CKV_AWS_326:backtrack is no substitute for a ledger that is never rewritten; point-in-time recovery is on
  cluster_identifier = var.name
  engine             = "aurora-mysql"
  engine_mode        = "provisioned"
  engine_version     = var.engine_version
  database_name      = "wallet"
  port               = 3306

  # RDS makes the password, keeps it in Secrets Manager and turns it over: it is never here.
  master_username               = "wallet_admin"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.secrets_key_arn

  iam_database_authentication_enabled = true
  storage_encrypted                   = true
  kms_key_id                          = var.data_key_arn
  storage_type                        = var.io_optimized ? "aurora-iopt1" : ""
  db_subnet_group_name                = var.subnet_group_name
  vpc_security_group_ids              = var.security_group_ids
  db_cluster_parameter_group_name     = aws_rds_cluster_parameter_group.this.name

  backup_retention_period      = var.backup_retention_days
  preferred_backup_window      = "05:00-06:00"
  preferred_maintenance_window = "sun:06:30-sun:07:30"
  copy_tags_to_snapshot        = true
  deletion_protection          = var.deletion_protection
  skip_final_snapshot          = false
  final_snapshot_identifier    = "${var.name}-final"

  enabled_cloudwatch_logs_exports = local.logs
  allow_major_version_upgrade     = false
  apply_immediately               = false
  tags                            = merge(var.tags, { Name = var.name, Backup = "daily" })

  lifecycle {
    # Aurora names all three zones by itself whatever is asked for.
    ignore_changes = [availability_zones]

    precondition {
      condition     = !var.deletion_protection || var.backup_retention_days >= 35
      error_message = "a database that is worth protecting keeps 35 days of backups"
    }
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_rds_cluster_instance" "this" {
  for_each = local.instances

  identifier                            = "${var.name}-${each.key}"
  cluster_identifier                    = aws_rds_cluster.this.id
  engine                                = aws_rds_cluster.this.engine
  engine_version                        = aws_rds_cluster.this.engine_version
  instance_class                        = var.instance_class
  availability_zone                     = each.value
  promotion_tier                        = tonumber(each.key) - 1
  db_parameter_group_name               = aws_db_parameter_group.this.name
  publicly_accessible                   = false
  auto_minor_version_upgrade            = true
  ca_cert_identifier                    = "rds-ca-rsa2048-g1"
  copy_tags_to_snapshot                 = true
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.data_key_arn
  performance_insights_retention_period = 7
  tags                                  = merge(var.tags, { Name = "${var.name}-${each.key}" })
}
