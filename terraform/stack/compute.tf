# What runs: the service, and the daemon that keeps it running.

module "service" {
  source = "../modules/service"

  name                    = local.name
  environment             = var.environment
  image                   = "${module.registry.repository_urls["wallet-svc"]}:${var.deployment.image_tags.wallet-svc}"
  tools_image             = local.public_images.tools
  mysql_image             = local.public_images.mysql
  repository_arn          = module.registry.repository_arns["wallet-svc"]
  public_repositories_arn = module.registry.public_repositories_arn

  task      = var.service.task
  tasks     = { start = var.service.tasks.start, max = var.service.tasks.max }
  targets   = var.service.targets
  schedules = var.service.schedules
  settings  = var.service.settings
  identity  = var.deployment.identity
  events    = { brokers = module.messaging.brokers, topic = module.messaging.topic }
  database = {
    writer   = module.database.writer_endpoint
    reader   = module.database.reader_endpoint
    name     = "wallet"
    username = local.users.ledger
    admin    = module.database.admin_username
    ca_file  = var.images.database_ca_file
  }
  secret_arns = {
    database       = module.secrets.arns["ledger"]
    database_admin = module.database.admin_secret_arn
    events         = module.messaging.user_secret_arn
    cache          = module.cache.url_secret_arn
  }

  subnet_ids          = module.network.app_subnet_ids
  security_group_ids  = [module.security_groups.ids["service"]]
  target_group_arn    = module.edge.target_group_arn
  request_count_label = "${module.edge.load_balancer_suffix}/${module.edge.target_group_suffix}"

  log_retention_days       = var.retention.log_days
  logs_key_arn             = module.kms.arns["logs"]
  secrets_key_arn          = module.kms.arns["secrets"]
  scratch_key_arn          = module.kms.arns["data"]
  permissions_boundary_arn = local.boundary
}

module "control" {
  source = "../modules/control"

  name                    = local.name
  environment             = var.environment
  mode                    = var.control.mode
  image                   = "${module.registry.repository_urls["control"]}:${var.deployment.image_tags.control}"
  tools_image             = local.public_images.tools
  mysql_image             = local.public_images.mysql
  repository_arn          = module.registry.repository_arns["control"]
  public_repositories_arn = module.registry.public_repositories_arn
  task                    = var.control.task

  service = {
    cluster      = module.service.cluster_name
    cluster_arn  = module.service.cluster_arn
    name         = module.service.service_name
    arn          = module.service.service_arn
    target_group = module.edge.target_group_name
  }
  database    = { cluster = module.database.cluster_id, instances = module.database.instance_ids }
  cache_group = module.cache.group_id
  broker_arn  = module.messaging.cluster_arn
  tasks       = var.service.tasks
  targets     = var.service.targets
  readers     = var.database.readers
  topics = {
    p1_sms = module.notify.topic_arns["p1-sms"]
    p1     = module.notify.topic_arns["p1"]
    p2     = module.notify.topic_arns["p2"]
    p3     = module.notify.topic_arns["p3"]
  }
  next_in_line = module.notify.next_in_line
  budget_usd   = var.budget_usd
  backup_days  = var.retention.backup_days

  # Beside what control sees: our metrics are four for each of ten operations and for all, four of the ledger, three of
  # control, and those that the audit's filters make. Secrets are ours, the cache's, the brokers' and two of RDS.
  counts = {
    load_balancer      = 1
    nat_gateway        = var.network.nat_gateways
    public_address     = var.network.nat_gateways + (var.deployment.cloudfront ? 0 : length(local.zones))
    interface_endpoint = length(var.network.interface_endpoints) * length(local.zones)
    alarm              = length(module.alarms.names)
    dashboard          = 4
    secret             = module.secrets.count + 4
    key                = module.kms.count
    custom_metric      = 4 * 11 + 4 + 3 + length(module.alarms.audit_metrics)
  }

  identity_file           = var.deployment.control_identity
  canary_token_secret_arn = var.deployment.canary_token_secret_arn
  secret_arns             = { journal = module.secrets.arns["journal"], tokens = module.secrets.arns["control-tokens"] }
  journal                 = merge(var.control.journal, { username = local.users.journal, ca_file = var.images.database_ca_file })

  subnet_ids                 = module.network.app_subnet_ids
  security_group_ids         = [module.security_groups.ids["control"]]
  db_subnet_group_name       = module.network.db_subnet_group_name
  journal_security_group_ids = [module.security_groups.ids["journal"]]
  monitoring_role_arn        = module.database.monitoring_role_arn
  deletion_protection        = var.protected
  log_retention_days         = var.retention.log_days
  data_key_arn               = module.kms.arns["data"]
  secrets_key_arn            = module.kms.arns["secrets"]
  logs_key_arn               = module.kms.arns["logs"]
  permissions_boundary_arn   = local.boundary
}
