# One environment of the wallet, whole. Staging and production are this with other values.

data "aws_region" "this" {}

data "aws_availability_zones" "this" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  name  = "wallet-${var.environment}"
  zones = slice(sort(data.aws_availability_zones.this.names), 0, 3)

  users       = { ledger = "wallet", journal = "control" }
  control     = "control"
  copy_region = var.deployment.copy_abroad ? "us-east-1" : null
  boundary    = one(module.ci[*].boundary_arn)

  public_images = {
    tools = "${module.registry.public_prefix}/docker/library/busybox:${var.images.busybox}"
    mysql = "${module.registry.public_prefix}/docker/library/mysql:${var.images.mysql}"
  }

  # What an instance of each class has; the second is Aurora's own formula for max_connections.
  database_sizes = {
    "db.r6g.large"   = { memory_gib = 16, connections = 1000 }
    "db.r6g.xlarge"  = { memory_gib = 32, connections = 2000 }
    "db.r6g.2xlarge" = { memory_gib = 64, connections = 3000 }
    "db.r6g.4xlarge" = { memory_gib = 128, connections = 4000 }
  }
}

module "kms" {
  source = "../modules/kms"

  name        = local.name
  copy_region = local.copy_region
}

module "network" {
  source = "../modules/network"

  name                     = local.name
  cidr                     = var.network.cidr
  zones                    = local.zones
  nat_gateways             = var.network.nat_gateways
  interface_endpoints      = var.network.interface_endpoints
  flow_log_retention_days  = var.retention.log_days
  logs_key_arn             = module.kms.arns["logs"]
  permissions_boundary_arn = local.boundary
}

module "security_groups" {
  source = "../modules/security-groups"

  name              = local.name
  vpc_id            = module.network.vpc_id
  behind_cloudfront = var.deployment.cloudfront
}

module "registry" {
  source = "../modules/registry"

  name         = local.name
  kms_key_arn  = module.kms.arns["data"]
  copy_region  = local.copy_region
  force_delete = !var.protected
}

module "secrets" {
  source = "../modules/secrets"

  name              = local.name
  kms_key_arn       = module.kms.arns["secrets"]
  passwords_version = var.deployment.passwords_version
  users = {
    ledger  = { username = local.users.ledger, description = "The service's user of the ledger's database." }
    journal = { username = local.users.journal, description = "The control daemon's user of its journal." }
  }
  documents = {
    control-tokens = {
      description = "Who may ask control's API: YAML, hashes only, see docs/CONTROL.md."
      # control refuses an empty list. Of this token only the hash was ever there.
      initial = "- { name: nobody, role: viewer, sha256: ${sha256(uuid())} }\n"
    }
  }
}

module "edge" {
  source = "../modules/edge"

  name                 = local.name
  domain_name          = var.deployment.domain_name
  zone_id              = var.deployment.zone_id
  cloudfront           = var.deployment.cloudfront
  vpc_id               = module.network.vpc_id
  public_subnet_ids    = module.network.public_subnet_ids
  app_subnet_ids       = module.network.app_subnet_ids
  security_group_ids   = [module.security_groups.ids["alb"]]
  requests_per_address = var.deployment.requests_per_address
  deletion_protection  = var.protected
  log_retention_days   = var.retention.log_days
  logs_key_arn         = module.kms.arns["logs"]
}
