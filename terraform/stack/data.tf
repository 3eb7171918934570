# What holds data: the ledger, the balances and the events.

module "database" {
  source = "../modules/database"

  name                     = local.name
  zones                    = local.zones
  instance_class           = var.database.instance_class
  readers                  = var.database.readers
  io_optimized             = var.database.io_optimized
  backup_retention_days    = var.retention.backup_days
  deletion_protection      = var.protected
  log_retention_days       = var.retention.log_days
  subnet_group_name        = module.network.db_subnet_group_name
  security_group_ids       = [module.security_groups.ids["database"]]
  data_key_arn             = module.kms.arns["data"]
  secrets_key_arn          = module.kms.arns["secrets"]
  logs_key_arn             = module.kms.arns["logs"]
  permissions_boundary_arn = local.boundary
}

module "cache" {
  source = "../modules/cache"

  name               = local.name
  zones              = local.zones
  node_type          = var.cache.node_type
  nodes              = var.cache.nodes
  password_version   = var.deployment.passwords_version
  log_retention_days = var.retention.log_days
  subnet_group_name  = module.network.cache_subnet_group_name
  security_group_ids = [module.security_groups.ids["cache"]]
  data_key_arn       = module.kms.arns["data"]
  secrets_key_arn    = module.kms.arns["secrets"]
  logs_key_arn       = module.kms.arns["logs"]
}

module "messaging" {
  source = "../modules/messaging"

  name               = local.name
  subnet_ids         = module.network.data_subnet_ids
  security_group_ids = [module.security_groups.ids["broker"]]
  instance_type      = var.messaging.instance_type
  brokers            = var.messaging.brokers
  volume_gb          = var.messaging.volume_gb
  password_version   = var.deployment.passwords_version
  log_retention_days = var.retention.log_days
  data_key_arn       = module.kms.arns["data"]
  secrets_key_arn    = module.kms.arns["secrets"]
  logs_key_arn       = module.kms.arns["logs"]
}
