# The name and its certificates, proven by DNS and renewed by AWS.

resource "aws_acm_certificate" "regional" {
  domain_name       = var.domain_name
  validation_method = "DNS"
  tags              = merge(var.tags, { Name = var.domain_name })

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # One name, so AWS asks for one record; the same for the certificate in us-east-1.
  proof = one([for option in aws_acm_certificate.regional.domain_validation_options : option])
}

resource "aws_route53_record" "proof" {
  zone_id         = var.zone_id
  name            = try(local.proof.resource_record_name, "_proof.${var.domain_name}")
  type            = try(local.proof.resource_record_type, "CNAME")
  records         = [try(local.proof.resource_record_value, "acm-validations.aws")]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "regional" {
  certificate_arn         = aws_acm_certificate.regional.arn
  validation_record_fqdns = [aws_route53_record.proof.fqdn]
}

# CloudFront takes certificates from us-east-1 only.
resource "aws_acm_certificate" "cloudfront" {
  count = var.cloudfront ? 1 : 0

  region            = "us-east-1"
  domain_name       = var.domain_name
  validation_method = "DNS"
  tags              = merge(var.tags, { Name = var.domain_name })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate_validation" "cloudfront" {
  count = var.cloudfront ? 1 : 0

  region                  = "us-east-1"
  certificate_arn         = aws_acm_certificate.cloudfront[0].arn
  validation_record_fqdns = [aws_route53_record.proof.fqdn]
}

resource "aws_route53_record" "this" {
  zone_id = var.zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = var.cloudfront ? aws_cloudfront_distribution.this[0].domain_name : aws_lb.this.dns_name
    zone_id                = var.cloudfront ? aws_cloudfront_distribution.this[0].hosted_zone_id : aws_lb.this.zone_id
    evaluate_target_health = !var.cloudfront
  }
}
