# Network ACLs: a second wall behind the security groups, and the default group and list closed.

locals {
  ephemeral = { from = 1024, to = 65535 }

  # Numbers are given in the order below, from 100 on. Lists are stateless, so answers need a rule too.
  acl_rules = {
    public = {
      ingress = [
        { cidr = "0.0.0.0/0", from = 443, to = 443 },
        { cidr = "0.0.0.0/0", from = 80, to = 80 },
        { cidr = "0.0.0.0/0", from = local.ephemeral.from, to = local.ephemeral.to },
      ]
      egress = [
        { cidr = "0.0.0.0/0", from = 443, to = 443 },
        { cidr = "0.0.0.0/0", from = local.ephemeral.from, to = local.ephemeral.to },
      ]
    }
    app = {
      ingress = [
        { cidr = var.cidr, from = 443, to = 443 },
        { cidr = "0.0.0.0/0", from = local.ephemeral.from, to = local.ephemeral.to },
      ]
      egress = [
        { cidr = "0.0.0.0/0", from = 443, to = 443 },
        { cidr = var.cidr, from = local.ephemeral.from, to = local.ephemeral.to },
      ]
    }
    data = {
      ingress = concat(
        [for cidr in local.cidrs["data"] : { cidr = cidr, from = 0, to = 65535 }],
        flatten([for cidr in local.cidrs["app"] : [for port in var.data_ports : { cidr = cidr, from = port, to = port }]]),
      )
      egress = concat(
        [for cidr in local.cidrs["data"] : { cidr = cidr, from = 0, to = 65535 }],
        [for cidr in local.cidrs["app"] : { cidr = cidr, from = local.ephemeral.from, to = local.ephemeral.to }],
      )
    }
  }

  acl_entries = merge(flatten([
    for tier, directions in local.acl_rules : [
      for direction, rules in directions : {
        for index, rule in rules : "${tier}-${direction}-${100 + index * 10}" => merge(rule, {
          tier   = tier
          egress = direction == "egress"
          number = 100 + index * 10
        })
      }
    ]
  ])...)
}

resource "aws_default_network_acl" "this" {
  default_network_acl_id = aws_vpc.this.default_network_acl_id
  tags                   = merge(var.tags, { Name = "${var.name}-default-closed" })
}

resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = "${var.name}-default-closed" })
}

resource "aws_network_acl" "this" {
  for_each = local.acl_rules

  vpc_id     = aws_vpc.this.id
  subnet_ids = local.ids[each.key]
  tags       = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_network_acl_rule" "this" {
  #checkov:skip=CKV_AWS_231:answers from outside come to any port from 1024 on; the security groups close 3389
  for_each = local.acl_entries

  network_acl_id = aws_network_acl.this[each.value.tier].id
  rule_number    = each.value.number
  egress         = each.value.egress
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = each.value.cidr
  from_port      = each.value.from
  to_port        = each.value.to
}
