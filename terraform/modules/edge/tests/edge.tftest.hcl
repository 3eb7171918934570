# The edge's promises: TLS 1.2 and later only, a firewall that blocks, and nobody around CloudFront.

mock_provider "aws" {
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:sa-east-1:123456789012:loadbalancer/app/wallet-test/0123456789abcdef" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:sa-east-1:123456789012:targetgroup/wallet-test-svc/0123456789abcdef" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:sa-east-1:123456789012:listener/app/wallet-test/0123456789abcdef/0123456789abcdef" }
  }
  mock_resource "aws_acm_certificate" {
    defaults = { arn = "arn:aws:acm:sa-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_acm_certificate_validation" {
    defaults = { certificate_arn = "arn:aws:acm:sa-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:sa-east-1:123456789012:regional/webacl/wallet-test/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:sa-east-1:123456789012:log-group:aws-waf-logs-wallet-test" }
  }
  mock_data "aws_elb_service_account" {
    defaults = { arn = "arn:aws:iam::507241528517:root" }
  }
}

variables {
  name                = "wallet-test"
  domain_name         = "wallet.example.com"
  zone_id             = "Z0123456789ABCDEFGHIJ"
  vpc_id              = "vpc-0123456789abcdef0"
  public_subnet_ids   = ["subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"]
  app_subnet_ids      = ["subnet-1000000000000000a", "subnet-1000000000000000b", "subnet-1000000000000000c"]
  security_group_ids  = ["sg-0123456789abcdef0"]
  deletion_protection = true
  log_retention_days  = 365
  logs_key_arn        = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000003"
}

run "only_tls_from_1_2_on" {
  command = plan

  assert {
    condition     = aws_lb_listener.https.ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" && aws_lb_listener.https.protocol == "HTTPS"
    error_message = "old TLS must be refused"
  }
  assert {
    condition     = aws_lb_listener.redirect.default_action[0].type == "redirect"
    error_message = "port 80 may only send clients to 443"
  }
}

run "tasks_are_asked_whether_they_are_ready" {
  command = plan

  assert {
    condition     = aws_lb_target_group.service.health_check[0].path == "/readyz" && aws_lb_target_group.service.target_type == "ip"
    error_message = "wallet-svc answers /readyz"
  }
}

run "the_firewall_blocks" {
  command = plan

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this.rule : length(rule.action) == 1 ? length(rule.action[0].block) == 1 : length(rule.override_action[0].none) == 1
    ])
    error_message = "a rule that only counts stops nobody"
  }
  assert {
    condition     = length(aws_wafv2_web_acl_association.alb) == 1
    error_message = "the firewall must stand in front of something"
  }
}

run "nobody_gets_around_cloudfront" {
  command = plan
  variables {
    cloudfront = true
  }

  assert {
    condition     = aws_lb.this.internal
    error_message = "behind CloudFront the load balancer must have no public address"
  }
  assert {
    condition     = aws_wafv2_web_acl.this.scope == "CLOUDFRONT" && aws_wafv2_web_acl.this.region == "us-east-1"
    error_message = "the firewall must stand in front of CloudFront"
  }
}

run "a_bad_name_is_refused" {
  command = plan
  variables {
    domain_name = "https://wallet.example.com"
  }
  expect_failures = [var.domain_name]
}

run "two_zones_are_refused" {
  command = plan
  variables {
    public_subnet_ids = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
  }
  expect_failures = [var.public_subnet_ids]
}
