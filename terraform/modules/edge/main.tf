# Where clients come in: a load balancer in three zones that speaks TLS 1.2 and 1.3 and asks the tasks whether they are ready.

data "aws_region" "this" {}
data "aws_caller_identity" "this" {}
data "aws_elb_service_account" "this" {}

resource "aws_lb" "this" {
  name               = var.name
  load_balancer_type = "application"
  internal           = var.cloudfront
  subnets            = var.cloudfront ? var.app_subnet_ids : var.public_subnet_ids
  security_groups    = var.security_group_ids

  drop_invalid_header_fields       = true
  enable_deletion_protection       = var.deletion_protection
  enable_cross_zone_load_balancing = true
  enable_http2                     = true
  idle_timeout                     = 60
  desync_mitigation_mode           = "strictest"

  access_logs {
    enabled = true
    bucket  = aws_s3_bucket.logs.id
    prefix  = "alb"
  }

  connection_logs {
    enabled = true
    bucket  = aws_s3_bucket.logs.id
    prefix  = "alb-connections"
  }

  tags       = merge(var.tags, { Name = var.name })
  depends_on = [aws_s3_bucket_policy.logs]
}

# A task is asked every 5 s. It says no 3 s before it closes its port, and answers what it has begun.
resource "aws_lb_target_group" "service" {
  #checkov:skip=CKV_AWS_378:tasks speak plain HTTP within the private network; TLS ends at the load balancer
  name                          = "${var.name}-svc"
  vpc_id                        = var.vpc_id
  target_type                   = "ip"
  protocol                      = "HTTP"
  protocol_version              = "HTTP1"
  port                          = var.service_port
  deregistration_delay          = 30
  load_balancing_algorithm_type = "least_outstanding_requests"
  tags                          = merge(var.tags, { Name = "${var.name}-svc" })

  health_check {
    path                = "/readyz"
    matcher             = "200"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.regional.certificate_arn
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.service.arn
  }
}

# What operators read, and nobody else: not for the internet.
resource "aws_lb_listener_rule" "inside_only" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1
  tags         = var.tags

  condition {
    path_pattern {
      values = ["/metrics", "/healthz", "/readyz"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      status_code  = "404"
      content_type = "text/plain"
      message_body = "not found"
    }
  }
}

resource "aws_lb_listener" "redirect" {
  #checkov:skip=CKV_AWS_103:it speaks no TLS; all it says is where TLS is
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"
  tags              = var.tags

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
