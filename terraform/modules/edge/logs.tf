# The bucket of the edge's logs. Elastic Load Balancing writes with S3's own key and with no other. ACLs are off, as in every new bucket.

resource "aws_s3_bucket" "logs" {
  #checkov:skip=CKV_AWS_145:Elastic Load Balancing cannot write to a bucket with a key of ours
  #checkov:skip=CKV_AWS_144:these logs are for days of questions, not for the loss of a region
  #checkov:skip=CKV_AWS_18:a log of who reads this log would log itself; the audit trail has the calls
  #checkov:skip=CKV2_AWS_62:nobody waits for a log file
  bucket        = "${var.name}-edge-logs-${data.aws_caller_identity.this.account_id}"
  force_destroy = !var.deletion_protection
  tags          = merge(var.tags, { Name = "${var.name}-edge-logs" })
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    id     = "archive-then-expire"
    status = "Enabled"
    filter {}

    transition {
      days          = 30
      storage_class = "GLACIER_IR"
    }

    expiration {
      days = var.log_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 7
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LoadBalancersWrite"
        Effect    = "Allow"
        Principal = { AWS = data.aws_elb_service_account.this.arn }
        Action    = "s3:PutObject"
        Resource = [
          for prefix in ["alb", "alb-connections"] :
          "${aws_s3_bucket.logs.arn}/${prefix}/AWSLogs/${data.aws_caller_identity.this.account_id}/*"
        ]
      },
      {
        Sid       = "CloudFrontWrites"
        Effect    = "Allow"
        Principal = { Service = "delivery.logs.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.logs.arn}/AWSLogs/*"
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
      },
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.logs.arn, "${aws_s3_bucket.logs.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.logs]
}
