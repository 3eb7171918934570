# How a pipeline signs in without a stored key: GitHub proves which repository, branch and environment asks.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  iam       = "arn:${local.partition}:iam::${local.account}"
  issuer    = "token.actions.githubusercontent.com"
  provider  = var.create_provider ? aws_iam_openid_connect_provider.github[0].arn : "${local.iam}:oidc-provider/${local.issuer}"

  roles = {
    plan = {
      says     = "Reads everything that a plan needs and no data; for pull requests and the branch ${var.branch}."
      subjects = ["repo:${var.repository}:pull_request", "repo:${var.repository}:ref:refs/heads/${var.branch}"]
    }
    apply = {
      says     = "Builds the environment; only for jobs of the GitHub environment ${var.environment}, which people approve."
      subjects = ["repo:${var.repository}:environment:${var.environment}"]
    }
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
  tags           = var.tags
}

data "aws_iam_policy_document" "assume" {
  #checkov:skip=CKV_AWS_358:the subjects name repository and environment; the module's tests hold them against wildcards
  for_each = local.roles

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.provider]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = each.value.subjects
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.roles

  name                 = "${var.name}-ci-${each.key}"
  description          = each.value.says
  assume_role_policy   = data.aws_iam_policy_document.assume[each.key].json
  max_session_duration = each.key == "apply" ? 7200 : 3600
  permissions_boundary = aws_iam_policy.boundary.arn
  tags                 = var.tags
}
