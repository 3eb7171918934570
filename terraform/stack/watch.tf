# What watches, guards and tells: people, alarms, dashboards, the audit trail, backups, the budget and the pipeline's roles.

locals {
  watched = {
    service  = { cluster = module.service.cluster_name, name = module.service.service_name, log_group = module.service.log_group_name }
    control  = { cluster = module.service.cluster_name, name = local.control, log_group = module.control.log_group_name, database = module.control.journal_id }
    cache    = { group = module.cache.group_id, nodes = var.cache.nodes }
    broker   = { cluster = module.messaging.cluster_name, brokers = var.messaging.brokers }
    database = local.database_sizes[var.database.instance_class]
  }
}

module "notify" {
  source = "../modules/notify"

  name                  = local.name
  environment           = var.environment
  kms_key_arn           = module.kms.arns["notify"]
  emails                = var.deployment.contacts.emails
  phones                = var.deployment.contacts.phones
  next_in_line          = var.deployment.contacts.next_in_line
  sms_monthly_limit_usd = var.deployment.contacts.sms_monthly_limit_usd
}

module "alarms" {
  source = "../modules/alarms"

  name          = local.name
  environment   = var.environment
  topics        = module.notify.by_severity
  topic_names   = module.notify.topic_names
  load_balancer = module.edge.load_balancer_suffix
  target_group  = module.edge.target_group_suffix
  web_acl       = module.edge.web_acl_name
  service       = merge(local.watched.service, { tasks_min = var.service.tasks.min, tasks_max = var.service.tasks.max })
  control       = merge(local.watched.control, { tasks = 2 })
  database = {
    cluster         = module.database.cluster_id
    memory_bytes    = local.watched.database.memory_gib * 1024 * 1024 * 1024
    connections_max = local.watched.database.connections
    storage_gb      = var.database.storage_gb
  }
  cache           = local.watched.cache
  broker          = local.watched.broker
  nat_gateways    = module.network.nat_gateway_ids
  trail_log_group = module.audit.trail_log_group
  backup_vault    = module.backup.vault_name
}

module "dashboards" {
  source = "../modules/dashboards"

  name             = local.name
  environment      = var.environment
  alarms           = module.alarms.arns
  rules            = module.alarms.rules
  audit_metrics    = module.alarms.audit_metrics
  load_balancer    = module.edge.load_balancer_suffix
  target_group     = module.edge.target_group_suffix
  web_acl          = module.edge.web_acl_name
  service          = local.watched.service
  control          = local.watched.control
  database_cluster = module.database.cluster_id
  cache            = local.watched.cache
  broker           = local.watched.broker
  nat_gateways     = module.network.nat_gateway_ids
  flow_log_group   = module.network.flow_log_group_name
  trail_log_group  = module.audit.trail_log_group
}

module "audit" {
  source = "../modules/audit"

  name                     = local.name
  environment              = var.environment
  kms_key_arn              = module.kms.arns["logs"]
  log_retention_days       = var.retention.log_days
  lock_days                = var.retention.audit_lock_days
  keep_days                = var.retention.audit_keep_days
  config_enabled           = var.retention.record_configuration
  force_destroy            = !var.protected
  permissions_boundary_arn = local.boundary
}

module "backup" {
  source = "../modules/backup"

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  name                     = local.name
  environment              = var.environment
  kms_key_arn              = module.kms.arns["backup"]
  replica_kms_key_arn      = module.kms.copy_arn
  copy_to_replica          = var.deployment.copy_abroad
  topic_arn                = module.notify.topic_arns["p2"]
  daily_keep_days          = var.retention.backup_days
  monthly_keep_days        = var.retention.monthly_backup_days
  restore_test             = { subnet_group = module.network.db_subnet_group_name, security_group_ids = [module.security_groups.ids["database"]] }
  permissions_boundary_arn = local.boundary
}

module "cost" {
  source = "../modules/cost"

  name        = local.name
  environment = var.environment
  budget_usd  = var.budget_usd
  topic_arn   = module.notify.topic_arns["p3"]
  emails      = var.deployment.contacts.emails.p3
  cost_tags   = var.deployment.cost_tags
}

module "ci" {
  count  = var.deployment.github == null ? 0 : 1
  source = "../modules/ci"

  name             = local.name
  environment      = var.environment
  repository       = var.deployment.github.repository
  branch           = var.deployment.github.branch
  create_provider  = var.deployment.github.create_provider
  state_bucket_arn = var.deployment.github.state_bucket_arn
  state_key_arn    = var.deployment.github.state_key_arn
}
