# Two buckets, versioned, encrypted, closed, reached by TLS alone. Object ACLs are off, as in every new bucket.
#
# The trail's is locked. AWS Config cannot deliver to a locked one, so it has its own.

locals {
  buckets = merge(
    { audit = { writer = "cloudtrail.amazonaws.com", prefix = "trail", key = "aws:SourceArn", source = local.trail_arn } },
    var.config_enabled ? {
      config = { writer = "config.amazonaws.com", prefix = "config", key = "aws:SourceAccount", source = local.account }
    } : {},
  )
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:events of a region stay in it; a copy abroad would be a transfer of personal data under LGPD article 33
  #checkov:skip=CKV2_AWS_62:the events that matter are alarmed from the log group
  #checkov:skip=CKV_AWS_18:access to these buckets is itself recorded by CloudTrail; an access log would need a bucket that has none
  for_each = local.buckets

  bucket              = "${var.name}-${each.key}-${local.account}"
  object_lock_enabled = each.key == "audit"
  force_destroy       = var.force_destroy
  tags                = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "audit" {
  bucket = aws_s3_bucket.this["audit"].id

  rule {
    default_retention {
      mode = var.lock_mode
      days = var.lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "age"
    status = "Enabled"

    filter {}

    transition {
      days          = 90
      storage_class = "GLACIER_IR"
    }
    expiration {
      days = var.keep_days
    }
    noncurrent_version_expiration {
      noncurrent_days = var.keep_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

data "aws_iam_policy_document" "bucket" {
  for_each = local.buckets

  statement {
    sid       = "WriterLooks"
    actions   = ["s3:GetBucketAcl", "s3:ListBucket"]
    resources = [aws_s3_bucket.this[each.key].arn]

    principals {
      type        = "Service"
      identifiers = [each.value.writer]
    }
    condition {
      test     = "StringEquals"
      variable = each.value.key
      values   = [each.value.source]
    }
  }

  statement {
    sid       = "WriterWrites"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.this[each.key].arn}/${each.value.prefix}/AWSLogs/${local.account}/*"]

    principals {
      type        = "Service"
      identifiers = [each.value.writer]
    }
    condition {
      test     = "StringEquals"
      variable = each.value.key
      values   = [each.value.source]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }

  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  depends_on = [aws_s3_bucket_public_access_block.this]
}
