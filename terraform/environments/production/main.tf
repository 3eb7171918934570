# Production: ten million users, 5,000 transactions a second sustained and 15,000 at peak.

module "stack" {
  source = "../../stack"

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  environment = "production"
  protected   = true
  deployment  = var.deployment

  network = {
    cidr                = "10.20.0.0/16"
    nat_gateways        = 3
    interface_endpoints = ["ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "secretsmanager"]
  }

  # 800 requests a second a task: 7 tasks sustained, 19 at peak.
  service = {
    task  = { cpu = 4096, memory = 8192 }
    tasks = { min = 3, start = 6, max = 20 }
    # Errors and slow answers are logged; of the others one in so many.
    settings = { WALLET_LOG_SAMPLE_EVERY = "1000" }
  }

  database = {
    instance_class = "db.r6g.2xlarge"
    readers        = { min = 2, max = 5 }
    storage_gb     = 1200
  }

  cache = {
    node_type = "cache.r6g.large"
    nodes     = 3
  }

  messaging = {
    instance_type = "kafka.m5.large"
    volume_gb     = { min = 100, max = 1000 }
  }

  control = {
    mode    = "act"
    task    = { cpu = 512, memory = 1024 }
    journal = { instance_class = "db.t4g.micro", multi_az = true }
  }

  retention = {
    backup_days         = 35
    monthly_backup_days = 365
    log_days            = 365
    audit_lock_days     = 365
    audit_keep_days     = 1825
  }

  budget_usd = 11000
}
