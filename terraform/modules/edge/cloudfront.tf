# CloudFront, behind a switch. The load balancer then has no public address: CloudFront reaches it from within the network.

data "aws_cloudfront_cache_policy" "disabled" {
  count = var.cloudfront ? 1 : 0

  name = "Managed-CachingDisabled"
}

data "aws_cloudfront_origin_request_policy" "all" {
  count = var.cloudfront ? 1 : 0

  name = "Managed-AllViewer"
}

data "aws_cloudfront_response_headers_policy" "security" {
  count = var.cloudfront ? 1 : 0

  name = "Managed-SecurityHeadersPolicy"
}

resource "aws_cloudfront_vpc_origin" "alb" {
  count = var.cloudfront ? 1 : 0

  vpc_origin_endpoint_config {
    name                   = var.name
    arn                    = aws_lb.this.arn
    http_port              = 80
    https_port             = 443
    origin_protocol_policy = "https-only"

    origin_ssl_protocols {
      items    = ["TLSv1.2"]
      quantity = 1
    }
  }

  tags = var.tags
}

resource "aws_cloudfront_distribution" "this" {
  #checkov:skip=CKV_AWS_310:the load balancer behind it has three zones; another region is another deployment
  #checkov:skip=CKV_AWS_374:clients travel
  #checkov:skip=CKV_AWS_305:an API has no start page
  #checkov:skip=CKV_AWS_86:its logs go through the delivery below
  count = var.cloudfront ? 1 : 0

  enabled         = true
  comment         = var.name
  aliases         = [var.domain_name]
  http_version    = "http2"
  is_ipv6_enabled = true
  price_class     = "PriceClass_All"
  web_acl_id      = aws_wafv2_web_acl.this.arn
  tags            = merge(var.tags, { Name = var.name })

  origin {
    origin_id   = "alb"
    domain_name = aws_lb.this.dns_name

    vpc_origin_config {
      vpc_origin_id            = aws_cloudfront_vpc_origin.alb[0].id
      origin_read_timeout      = 30
      origin_keepalive_timeout = 60
    }
  }

  # Money is never cached. Static files get a behaviour of their own when there are any.
  default_cache_behavior {
    target_origin_id           = "alb"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.disabled[0].id
    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.all[0].id
    response_headers_policy_id = data.aws_cloudfront_response_headers_policy.security[0].id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = aws_acm_certificate_validation.cloudfront[0].certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }
}

resource "aws_cloudwatch_log_delivery_source" "cloudfront" {
  count = var.cloudfront ? 1 : 0

  region       = "us-east-1"
  name         = "${var.name}-cloudfront"
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.this[0].arn
}

resource "aws_cloudwatch_log_delivery_destination" "cloudfront" {
  count = var.cloudfront ? 1 : 0

  region        = "us-east-1"
  name          = "${var.name}-edge-logs"
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = aws_s3_bucket.logs.arn
  }
}

resource "aws_cloudwatch_log_delivery" "cloudfront" {
  count = var.cloudfront ? 1 : 0

  region                   = "us-east-1"
  delivery_source_name     = aws_cloudwatch_log_delivery_source.cloudfront[0].name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.cloudfront[0].arn
}
