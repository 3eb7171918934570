# What no environment may be talked into.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["sa-east-1a", "sa-east-1b", "sa-east-1c"] }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_elb_service_account" {
    defaults = { arn = "arn:aws:iam::507241528517:root" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { region = "sa-east-1" }
  }
}

mock_provider "aws" {
  alias = "replica"
}

variables {
  environment = "production"
  protected   = true
  network     = { cidr = "10.20.0.0/16", nat_gateways = 3 }
  service     = { task = { cpu = 4096, memory = 8192 }, tasks = { min = 3, start = 6, max = 20 } }
  database    = { instance_class = "db.r6g.2xlarge", readers = { min = 2, max = 5 }, storage_gb = 1200 }
  cache       = { node_type = "cache.r6g.large", nodes = 3 }
  messaging   = { instance_type = "kafka.m5.large", volume_gb = { min = 100, max = 1000 } }
  control     = { mode = "act", task = { cpu = 512, memory = 1024 }, journal = { instance_class = "db.t4g.micro", multi_az = true } }
  retention   = { backup_days = 35, monthly_backup_days = 365, log_days = 365, audit_lock_days = 365, audit_keep_days = 1825 }
  budget_usd  = 11000
  deployment = {
    domain_name = "wallet.example.com"
    zone_id     = "Z0123456789ABCDEFGHIJ"
    image_tags  = { wallet-svc = "1.0.0", control = "1.0.0" }
    identity    = { issuer = "https://id.example.com/", jwks = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"11qY\"}]}" }
    copy_abroad = false
    contacts    = { emails = { p1 = ["a@example.com"], p2 = ["a@example.com"], p3 = ["a@example.com"] }, phones = ["+5511900000000"] }
  }
}

run "another_environment_is_refused" {
  command = plan
  variables {
    environment = "demo"
  }
  expect_failures = [var.environment]
}

run "unprotected_production_is_refused" {
  command = plan
  variables {
    protected = false
  }
  expect_failures = [var.protected]
}

run "a_short_audit_of_production_is_refused" {
  command = plan
  variables {
    retention = { backup_days = 35, monthly_backup_days = 365, log_days = 365, audit_lock_days = 30, audit_keep_days = 1825 }
  }
  expect_failures = [var.retention]
}

run "a_class_without_known_limits_is_refused" {
  command = plan
  variables {
    database = { instance_class = "db.r5.large", readers = { min = 2, max = 5 }, storage_gb = 1200 }
  }
  expect_failures = [var.database]
}
