# Staging: the same product, smaller. What is rehearsed here is what runs in production.

module "stack" {
  source = "../../stack"

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  environment = "staging"
  protected   = false
  deployment  = var.deployment

  network = {
    cidr         = "10.10.0.0/16"
    nat_gateways = 1
  }

  service = {
    task  = { cpu = 1024, memory = 2048 }
    tasks = { min = 2, start = 2, max = 6 }
    # Errors and slow answers are logged; of the others one in so many.
    settings = { WALLET_LOG_SAMPLE_EVERY = "10" }
  }

  database = {
    instance_class = "db.r6g.large"
    readers        = { min = 1, max = 2 }
    storage_gb     = 100
  }

  cache = {
    node_type = "cache.t4g.small"
    nodes     = 2
  }

  messaging = {
    instance_type = "kafka.t3.small"
    volume_gb     = { min = 20, max = 100 }
  }

  control = {
    mode    = "act"
    task    = { cpu = 256, memory = 512 }
    journal = { instance_class = "db.t4g.micro", multi_az = false }
  }

  retention = {
    backup_days         = 7
    monthly_backup_days = 90
    log_days            = 90
    audit_lock_days     = 30
    audit_keep_days     = 400
  }

  budget_usd = 2200
}
