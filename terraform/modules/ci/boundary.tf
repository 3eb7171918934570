# The ceiling over the pipeline's roles and over every role that it makes.

data "aws_iam_policy_document" "boundary" {
  #checkov:skip=CKV_AWS_49:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_107:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_108:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_109:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_110:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_111:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_356:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_1:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV2_AWS_40:a boundary grants nothing; its denials are the limit
  statement {
    sid       = "Ceiling"
    actions   = ["*"]
    resources = ["*"]
  }

  # No people, no keys that last, no way out of the account or of the boundary.
  statement {
    sid    = "NoIdentities"
    effect = "Deny"
    actions = [
      "account:*", "organizations:*",
      "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachUserPolicy", "iam:CreateAccessKey",
      "iam:CreateGroup", "iam:CreateLoginProfile",
      "iam:CreateSAMLProvider", "iam:CreateUser", "iam:CreateVirtualMFADevice", "iam:DeactivateMFADevice",
      "iam:DeleteRolePermissionsBoundary",
      "iam:PutGroupPolicy", "iam:PutUserPolicy", "iam:UpdateAccessKey", "iam:UpdateLoginProfile",
      "iam:UpdateSAMLProvider",
    ]
    resources = ["*"]
  }
  statement {
    sid    = "NotTheBoundary"
    effect = "Deny"
    actions = [
      "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion",
    ]
    resources = ["${local.iam}:policy/${var.name}-ci-boundary"]
  }

  # Who is watched cannot switch the watch off.
  statement {
    sid    = "NotTheWatch"
    effect = "Deny"
    actions = [
      "cloudtrail:DeleteTrail", "cloudtrail:StopLogging",
      "config:DeleteConfigurationRecorder", "config:DeleteDeliveryChannel", "config:StopConfigurationRecorder",
      "guardduty:DeleteDetector", "securityhub:DisableSecurityHub", "access-analyzer:DeleteAnalyzer",
      "ec2:DisableEbsEncryptionByDefault",
    ]
    resources = ["*"]
  }

  statement {
    sid    = "OnlyOurRegions"
    effect = "Deny"
    not_actions = [
      "budgets:*", "ce:*", "cloudfront:*", "health:*", "iam:*", "route53:*", "sts:*", "support:*", "wafv2:*",
    ]
    resources = ["*"]

    condition {
      test     = "StringNotEquals"
      variable = "aws:RequestedRegion"
      values   = var.regions
    }
  }
}

resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_62:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_63:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_286:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_287:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_288:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_289:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_290:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV_AWS_355:a boundary grants nothing; its denials are the limit
  #checkov:skip=CKV2_AWS_40:a boundary grants nothing; its denials are the limit
  name        = "${var.name}-ci-boundary"
  description = "The ceiling over the pipeline and over every role that it makes."
  policy      = data.aws_iam_policy_document.boundary.json
  tags        = var.tags
}
