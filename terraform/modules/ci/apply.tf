# The apply role: every service that the stack uses, in its regions; IAM only under the environment's prefix and boundary.
# It cannot change itself: whoever changes this module applies it with a person's role.

locals {
  services = [
    "access-analyzer", "acm", "application-autoscaling", "backup", "backup-storage", "budgets", "ce", "cloudfront",
    "cloudtrail",
    "cloudwatch", "config", "ec2", "ecr", "ecs", "elasticache", "elasticloadbalancing", "events", "guardduty",
    "kafka", "kms", "logs",
    "rds", "resource-groups", "route53", "s3", "secretsmanager", "securityhub", "servicediscovery", "sns", "ssm",
    "tag", "wafv2",
  ]
  # What roles made here may be given to.
  passed_to = [
    "backup.amazonaws.com", "cloudtrail.amazonaws.com", "config.amazonaws.com", "ecs-tasks.amazonaws.com",
    "monitoring.rds.amazonaws.com", "vpc-flow-logs.amazonaws.com",
  ]
}

data "aws_iam_policy_document" "apply" {
  #checkov:skip=CKV_AWS_107:it builds the environment, so it manages every service; boundary and denials limit it
  #checkov:skip=CKV_AWS_108:it builds the environment; Terraform reads the secrets that it wrote
  #checkov:skip=CKV_AWS_109:it builds the environment; IAM is limited to the prefix and the boundary
  #checkov:skip=CKV_AWS_111:it builds the environment; one account holds one environment, so the account is the limit
  #checkov:skip=CKV_AWS_356:it builds the environment; names of most resources are not known before they are made
  statement {
    sid       = "Build"
    actions   = [for service in local.services : "${service}:*"]
    resources = ["*"]
  }
  statement {
    sid = "ReadIam"
    actions = [
      "iam:GetAccountPasswordPolicy", "iam:GetOpenIDConnectProvider", "iam:GetPolicy", "iam:GetPolicyVersion",
      "iam:GetRole", "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListOpenIDConnectProviders",
      "iam:ListPolicyVersions",
      "iam:ListRolePolicies", "iam:ListRoles",
    ]
    resources = ["*"]
  }
  # A role gets rights only under the boundary, so that no role made here can do more than this one.
  statement {
    sid       = "RightsUnderTheBoundary"
    actions   = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"]
    resources = ["${local.iam}:role/${var.name}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.boundary.arn]
    }
  }
  statement {
    sid = "Roles"
    actions = [
      "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:TagRole", "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole", "iam:UpdateRoleDescription",
    ]
    resources = ["${local.iam}:role/${var.name}-*"]
  }
  statement {
    sid = "Policies"
    actions = [
      "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:TagPolicy",
      "iam:UntagPolicy",
    ]
    resources = ["${local.iam}:policy/${var.name}-*"]
  }
  statement {
    sid       = "PasswordPolicy"
    actions   = ["iam:UpdateAccountPasswordPolicy"]
    resources = ["*"]
  }
  statement {
    sid       = "PassRoles"
    actions   = ["iam:PassRole"]
    resources = ["${local.iam}:role/${var.name}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = local.passed_to
    }
  }
  statement {
    sid       = "ServiceLinkedRoles"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["${local.iam}:role/aws-service-role/*"]
  }

  # Losing money, keys or evidence takes a person, not a pipeline.
  statement {
    sid    = "TakesAPerson"
    effect = "Deny"
    actions = [
      "backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "backup:PutBackupVaultLockConfiguration",
      "backup:DeleteBackupVaultLockConfiguration",
      "kafka:DeleteCluster",
      "kms:DisableKey", "kms:ScheduleKeyDeletion",
      "rds:DeleteDBCluster", "rds:DeleteDBClusterSnapshot", "rds:DeleteDBInstance",
      "s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:DeleteObjectVersion",
    ]
    resources = ["*"]
  }
  # It reads its own roles and its boundary, and changes neither.
  statement {
    sid    = "NotItself"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
      "iam:DeleteRole",
      "iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
      "iam:PutRolePermissionsBoundary",
      "iam:PutRolePolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy",
    ]
    resources = ["${local.iam}:role/${var.name}-ci-*", "${local.iam}:policy/${var.name}-ci-*"]
  }
}

resource "aws_iam_policy" "apply" {
  #checkov:skip=CKV_AWS_287:it builds the account of one environment, under the boundary, and can delete none of its data
  #checkov:skip=CKV_AWS_288:it builds the account of one environment, under the boundary, and can delete none of its data
  #checkov:skip=CKV_AWS_289:it builds the account of one environment, under the boundary, and can delete none of its data
  #checkov:skip=CKV_AWS_290:it builds the account of one environment, under the boundary, and can delete none of its data
  #checkov:skip=CKV_AWS_355:it builds the account of one environment, under the boundary, and can delete none of its data
  name        = "${var.name}-ci-apply"
  description = "What the apply role may do."
  policy      = data.aws_iam_policy_document.apply.json
  tags        = var.tags
}

resource "aws_iam_role_policy_attachment" "apply" {
  role       = aws_iam_role.this["apply"].name
  policy_arn = aws_iam_policy.apply.arn
}
