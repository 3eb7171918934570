# Least privilege, as rules: only the load balancer is open, and only when CloudFront is not in front of it.

mock_provider "aws" {}

variables {
  name   = "wallet-test"
  vpc_id = "vpc-0123456789abcdef0"
}

run "only_the_load_balancer_is_open" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.internet : rule.from_port]) == toset([80, 443])
    error_message = "clients come in by 443, and by 80 to be sent there"
  }
  assert {
    condition     = length([for path in aws_vpc_security_group_ingress_rule.path : path if path.cidr_ipv4 != null]) == 0
    error_message = "between roles, rules name groups and not addresses"
  }
}

run "every_path_is_open_at_both_ends" {
  command = plan

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.path) == keys(aws_vpc_security_group_egress_rule.path)
    error_message = "each path needs a rule at both ends"
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.outward : rule.from_port == 443 && rule.to_port == 443])
    error_message = "nothing leaves the network but HTTPS"
  }
}

run "behind_cloudfront_nobody_else_gets_in" {
  command = plan
  variables {
    behind_cloudfront = true
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.internet) == 0 && length(aws_vpc_security_group_ingress_rule.cloudfront) == 1
    error_message = "the load balancer must be closed to the internet behind CloudFront"
  }
}

run "a_privileged_port_is_refused" {
  command = plan
  variables {
    service_port = 80
  }
  expect_failures = [var.service_port]
}
