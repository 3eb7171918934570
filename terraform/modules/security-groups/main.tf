# One security group for each role, and who may speak to whom. Nothing else may.

data "aws_ec2_managed_prefix_list" "cloudfront" {
  count = var.behind_cloudfront ? 1 : 0

  name = "com.amazonaws.global.cloudfront.origin-facing"
}

locals {
  groups = {
    alb      = "The load balancer: takes HTTPS from clients."
    service  = "The wallet's tasks."
    database = "The ledger's Aurora cluster."
    cache    = "The balances' Redis."
    broker   = "The events' Kafka."
    control  = "The control daemon: is reached by nobody."
    journal  = "The control daemon's own database."
    setup    = "One-off tasks that migrate schemas and make database users."
  }

  # from -> to on a port. Both sides get a rule.
  paths = {
    alb-service      = { from = "alb", to = "service", port = var.service_port, why = "requests" }
    service-database = { from = "service", to = "database", port = 3306, why = "the ledger" }
    service-cache    = { from = "service", to = "cache", port = 6379, why = "balances" }
    service-broker   = { from = "service", to = "broker", port = 9096, why = "events, over TLS with a password" }
    control-journal  = { from = "control", to = "journal", port = 3306, why = "the journal" }
    setup-database   = { from = "setup", to = "database", port = 3306, why = "migrations and users" }
    setup-journal    = { from = "setup", to = "journal", port = 3306, why = "users" }
  }

  # AWS APIs, image layers and, for control, the wallet as a client sees it. Addresses there are not ours to know.
  outward = toset(["service", "control", "setup"])

  from_internet = var.behind_cloudfront ? {} : { https = 443, redirect = 80 }
}

resource "aws_security_group" "this" {
  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-${each.key}" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "path" {
  for_each = local.paths

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  description                  = "To ${each.value.to}: ${each.value.why}."
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "path" {
  for_each = local.paths

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  description                  = "From ${each.value.from}: ${each.value.why}."
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "outward" {
  for_each = local.outward

  security_group_id = aws_security_group.this[each.key].id
  description       = "AWS APIs and image layers, over HTTPS."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "internet" {
  #checkov:skip=CKV_AWS_260:port 80 only answers with a redirect to HTTPS
  for_each = local.from_internet

  security_group_id = aws_security_group.this["alb"].id
  description       = "Clients, ${each.key}."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  tags              = var.tags
}

# Behind CloudFront nobody else reaches the load balancer.
resource "aws_vpc_security_group_ingress_rule" "cloudfront" {
  count = var.behind_cloudfront ? 1 : 0

  security_group_id = aws_security_group.this["alb"].id
  description       = "CloudFront only."
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront[0].id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}
