# The network's promises: nine private subnets, closed defaults, ways out by number, a data tier without any.

mock_provider "aws" {}

variables {
  name                    = "wallet-test"
  cidr                    = "10.20.0.0/16"
  zones                   = ["sa-east-1a", "sa-east-1b", "sa-east-1c"]
  nat_gateways            = 3
  interface_endpoints     = ["ecr.api", "logs"]
  flow_log_retention_days = 90
  logs_key_arn            = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "three_tiers_in_three_zones" {
  command = plan

  assert {
    condition     = length(aws_subnet.this) == 9
    error_message = "there must be nine subnets"
  }
  assert {
    condition     = length(distinct([for subnet in aws_subnet.this : subnet.cidr_block])) == 9
    error_message = "subnets must not overlap"
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.this : subnet.map_public_ip_on_launch == false])
    error_message = "nothing gets a public address by itself"
  }
}

run "the_data_tier_has_no_way_out" {
  command = plan

  assert {
    condition     = alltrue([for key, rule in aws_network_acl_rule.this : rule.cidr_block != "0.0.0.0/0" if startswith(key, "data-")])
    error_message = "the data tier's list must name no address outside of the network"
  }
  assert {
    condition     = toset(keys(aws_route.nat)) == toset(["sa-east-1a", "sa-east-1b", "sa-east-1c"])
    error_message = "only the app tier is routed outside"
  }
}

run "one_gateway_serves_all_zones" {
  command = plan
  variables {
    nat_gateways = 1
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 3
    error_message = "one gateway must serve three zones"
  }
}

run "two_gateways_are_refused" {
  command = plan
  variables {
    nat_gateways = 2
  }
  expect_failures = [var.nat_gateways]
}

run "two_zones_are_refused" {
  command = plan
  variables {
    zones = ["sa-east-1a", "sa-east-1a", "sa-east-1c"]
  }
  expect_failures = [var.zones]
}

run "a_small_network_is_refused" {
  command = plan
  variables {
    cidr = "10.20.0.0/24"
  }
  expect_failures = [var.cidr]
}
