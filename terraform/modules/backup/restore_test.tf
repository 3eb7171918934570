# A backup that was never restored is a hope. Once a week the newest recovery point becomes a cluster and is deleted again.

locals {
  # Names of restore tests take letters, digits and underscores.
  test_name = replace(var.name, "-", "_")
}

resource "aws_backup_restore_testing_plan" "this" {
  name                         = local.test_name
  schedule_expression          = "cron(0 8 ? * SUN *)"
  schedule_expression_timezone = "America/Sao_Paulo"
  start_window_hours           = 4
  tags                         = var.tags

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.home.arn]
    recovery_point_types  = ["SNAPSHOT"]
    selection_window_days = 7
  }
}

resource "aws_backup_restore_testing_selection" "database" {
  name                      = "${local.test_name}_database"
  restore_testing_plan_name = aws_backup_restore_testing_plan.this.name
  protected_resource_type   = "Aurora"
  protected_resource_arns   = ["*"]
  iam_role_arn              = aws_iam_role.this.arn
  validation_window_hours   = 1

  protected_resource_conditions {
    string_equals {
      key   = "aws:ResourceTag/${var.selection_tag.key}"
      value = var.selection_tag.value
    }
  }

  restore_metadata_overrides = {
    dbSubnetGroupName   = var.restore_test.subnet_group
    vpcSecurityGroupIds = jsonencode(var.restore_test.security_group_ids)
  }
}
