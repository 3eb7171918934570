# The private network of one environment: three tiers of subnets in each zone, and who routes where.

locals {
  zones = { for index, zone in var.zones : zone => index }
  tiers = ["public", "app", "data"]

  # A /16 makes sixteen /20: 4,091 addresses a subnet, three tiers of three, seven to spare.
  subnets = merge([
    for tier_index, tier in local.tiers : {
      for zone, index in local.zones : "${tier}-${zone}" => {
        tier = tier
        zone = zone
        cidr = cidrsubnet(var.cidr, 4, tier_index * 4 + index)
      }
    }
  ]...)
  cidrs = { for tier in local.tiers : tier => [for subnet in local.subnets : subnet.cidr if subnet.tier == tier] }
  ids   = { for tier in local.tiers : tier => [for key, subnet in local.subnets : aws_subnet.this[key].id if subnet.tier == tier] }

  # One gateway serves every zone, or each zone has its own.
  gateways = slice(var.zones, 0, var.nat_gateways)
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(var.tags, { Name = var.name })
}

resource "aws_subnet" "this" {
  for_each = local.subnets

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.value.zone
  cidr_block              = each.value.cidr
  map_public_ip_on_launch = false
  tags                    = merge(var.tags, { Name = "${var.name}-${each.key}", Tier = each.value.tier })
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = var.name })
}

resource "aws_eip" "nat" {
  for_each = toset(local.gateways)

  domain     = "vpc"
  tags       = merge(var.tags, { Name = "${var.name}-nat-${each.key}" })
  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.gateways)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.this["public-${each.key}"].id
  tags          = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

# The tables that come with the network are taken over and left empty: nothing gets a route by accident.
resource "aws_default_route_table" "this" {
  default_route_table_id = aws_vpc.this.default_route_table_id
  route                  = []
  tags                   = merge(var.tags, { Name = "${var.name}-default-unused" })
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = "${var.name}-public" })
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table" "app" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = "${var.name}-app-${each.key}" })
}

resource "aws_route" "nat" {
  for_each = local.zones

  route_table_id         = aws_route_table.app[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.zones[each.value % var.nat_gateways]].id
}

# The data tier has no way out at all.
resource "aws_route_table" "data" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = "${var.name}-data" })
}

resource "aws_route_table_association" "this" {
  for_each = local.subnets

  subnet_id = aws_subnet.this[each.key].id
  route_table_id = (
    each.value.tier == "public" ? aws_route_table.public.id :
    each.value.tier == "app" ? aws_route_table.app[each.value.zone].id :
    aws_route_table.data.id
  )
}

resource "aws_db_subnet_group" "data" {
  name        = "${var.name}-data"
  description = "The data tier of ${var.name}."
  subnet_ids  = local.ids["data"]
  tags        = var.tags
}

resource "aws_elasticache_subnet_group" "data" {
  name        = "${var.name}-data"
  description = "The data tier of ${var.name}."
  subnet_ids  = local.ids["data"]
  tags        = var.tags
}
