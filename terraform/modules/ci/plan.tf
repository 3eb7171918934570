# The plan role: sees how everything is made, and nothing of what is in it.
#
# Refreshing a secret's version would read its value, which is denied: pull requests plan with -refresh=false against the state.

resource "aws_iam_role_policy_attachment" "plan_reads" {
  role       = aws_iam_role.this["plan"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/ReadOnlyAccess"
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "State"
    actions   = ["s3:GetObject"]
    resources = ["${var.state_bucket_arn}/*"]
  }
  statement {
    sid       = "StateKey"
    actions   = ["kms:Decrypt"]
    resources = [var.state_key_arn]
  }

  # ReadOnlyAccess also reads data: take that away again.
  statement {
    sid           = "NoObjectsButTheState"
    effect        = "Deny"
    actions       = ["s3:GetObject", "s3:GetObjectVersion"]
    not_resources = ["${var.state_bucket_arn}/*"]
  }
  statement {
    sid    = "NoData"
    effect = "Deny"
    actions = [
      "athena:GetQueryResults",
      "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
      "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
      "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartQuery",
      "logs:StartLiveTail",
      "rds:DownloadCompleteDBLogFile", "rds:DownloadDBLogFilePortion",
      "secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue",
      "sqs:ReceiveMessage",
      "ssm:GetParameterHistory",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "plan" {
  name   = "state-and-no-data"
  role   = aws_iam_role.this["plan"].id
  policy = data.aws_iam_policy_document.plan.json
}
