# What is turned away before it costs a task: known attacks, bad addresses, and more than one address may ask.
# In front of CloudFront it stands there, in us-east-1; otherwise at the load balancer.

locals {
  waf_region = var.cloudfront ? "us-east-1" : data.aws_region.this.region

  # Order is priority. Each group blocks; none only counts.
  managed_rules = [
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
  ]
}

resource "aws_wafv2_web_acl" "this" {
  region      = local.waf_region
  name        = var.name
  description = "The wallet API of ${var.name}."
  scope       = var.cloudfront ? "CLOUDFRONT" : "REGIONAL"
  tags        = merge(var.tags, { Name = var.name })

  default_action {
    allow {}
  }

  rule {
    name     = "rate-of-one-address"
    priority = 0

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit              = var.requests_per_address
        aggregate_key_type = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate-of-one-address"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules
    content {
      name     = rule.value
      priority = rule.key + 1

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.value
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.value
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "alb" {
  count = var.cloudfront ? 0 : 1

  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}

# WAF takes only groups that are called so. Encrypted by CloudWatch Logs itself in us-east-1, by our key here.
resource "aws_cloudwatch_log_group" "waf" {
  region            = local.waf_region
  name              = "aws-waf-logs-${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.cloudfront ? null : var.logs_key_arn
  tags              = var.tags
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  region                  = local.waf_region
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.waf.arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  # Every request would cost more than the rest of the edge; those that were stopped are what is asked for.
  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }
    }
  }
}
