# What an attacker or a mistake does to the account, found in CloudTrail's log: CIS AWS Foundations 3.0.0, section 4.

locals {
  audit_namespace = "Wallet/Audit"

  changes = {
    iam = ["iam.amazonaws.com", [
      "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy",
      "PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion",
      "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy",
      "DetachGroupPolicy",
    ]]
    trail = ["cloudtrail.amazonaws.com", [
      "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging",
    ]]
    keys = ["kms.amazonaws.com", [
      "DisableKey", "ScheduleKeyDeletion",
    ]]
    buckets = ["s3.amazonaws.com", [
      "PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication",
      "DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication",
    ]]
    config = ["config.amazonaws.com", [
      "StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel", "PutConfigurationRecorder",
    ]]
    groups = ["ec2.amazonaws.com", [
      "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
      "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup",
    ]]
    acls = ["ec2.amazonaws.com", [
      "CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry",
      "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation",
    ]]
    gateways = ["ec2.amazonaws.com", [
      "CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway",
      "DeleteInternetGateway", "DetachInternetGateway",
    ]]
    routes = ["ec2.amazonaws.com", [
      "CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation", "DeleteRouteTable",
      "DeleteRoute", "DisassociateRouteTable",
    ]]
    vpcs = ["ec2.amazonaws.com", [
      "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection", "CreateVpcPeeringConnection",
      "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection",
    ]]
    accounts = ["organizations.amazonaws.com", [
      "AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit", "CreatePolicy",
      "DeclineHandshake", "DeleteOrganization", "DeletePolicy", "DetachPolicy", "DisablePolicyType",
      "InviteAccountToOrganization", "LeaveOrganization", "MoveAccount", "RemoveAccountFromOrganization",
      "UpdatePolicy",
    ]]
  }
  change_pattern = { for key, one in local.changes : key =>
    "{ ($.eventSource = \"${one[0]}\") && (${join(" || ", [for name in one[1] : "($.eventName = \"${name}\")"])}) }"
  }

  # CIS control, severity, how often in five minutes, and what it means.
  cis = {
    "audit-unauthorized" = {
      control = "4.1", severity = "P3", over = var.thresholds.unauthorized_5min
      says    = "Calls to AWS are denied again and again."
      pattern = "{ ($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\") }"
    }
    "audit-no-mfa" = {
      control = "4.2", severity = "P2", over = 0
      says    = "Somebody signed in to the console without a second factor."
      pattern = join(" && ", [
        "{ ($.eventName = \"ConsoleLogin\")",
        "($.additionalEventData.MFAUsed != \"Yes\")",
        "($.userIdentity.type = \"IAMUser\")",
        "($.responseElements.ConsoleLogin = \"Success\") }",
      ])
    }
    "audit-root" = {
      control = "4.3", severity = "P2", over = 0
      says    = "The root user was used."
      pattern = join(" && ", [
        "{ $.userIdentity.type = \"Root\"",
        "$.userIdentity.invokedBy NOT EXISTS",
        "$.eventType != \"AwsServiceEvent\" }",
      ])
    }
    "audit-iam" = {
      control = "4.4", severity = "P3", over = 0
      says    = "IAM policies were changed."
      pattern = local.change_pattern.iam
    }
    "audit-trail" = {
      control = "4.5", severity = "P2", over = 0
      says    = "CloudTrail was changed or stopped."
      pattern = local.change_pattern.trail
    }
    "audit-logins" = {
      control = "4.6", severity = "P3", over = 2
      says    = "Logins to the console fail."
      pattern = "{ ($.eventName = \"ConsoleLogin\") && ($.errorMessage = \"Failed authentication\") }"
    }
    "audit-keys" = {
      control = "4.7", severity = "P2", over = 0
      says    = "A key was disabled or is to be deleted; what it encrypts is lost with it."
      pattern = local.change_pattern.keys
    }
    "audit-buckets" = {
      control = "4.8", severity = "P3", over = 0
      says    = "The rules of a bucket were changed."
      pattern = local.change_pattern.buckets
    }
    "audit-config" = {
      control = "4.9", severity = "P3", over = 0
      says    = "AWS Config was changed or stopped."
      pattern = local.change_pattern.config
    }
    "audit-groups" = {
      control = "4.10", severity = "P3", over = 0
      says    = "Security groups were changed."
      pattern = local.change_pattern.groups
    }
    "audit-acls" = {
      control = "4.11", severity = "P3", over = 0
      says    = "Network ACLs were changed."
      pattern = local.change_pattern.acls
    }
    "audit-gateways" = {
      control = "4.12", severity = "P3", over = 0
      says    = "Gateways to the internet were changed."
      pattern = local.change_pattern.gateways
    }
    "audit-routes" = {
      control = "4.13", severity = "P3", over = 0
      says    = "Routes were changed."
      pattern = local.change_pattern.routes
    }
    "audit-vpcs" = {
      control = "4.14", severity = "P3", over = 0
      says    = "VPCs or their peerings were changed."
      pattern = local.change_pattern.vpcs
    }
    "audit-accounts" = {
      control = "4.15", severity = "P3", over = 0
      says    = "The organization was changed."
      pattern = local.change_pattern.accounts
    }
  }

  cis_alarms = { for key, one in local.cis : key => {
    severity   = one.severity, namespace = local.audit_namespace, metric = local.cis_metric[key], stat = "Sum"
    dimensions = {}
    period     = 300, periods = 1, over = one.over, missing = "notBreaching"
    says       = "${one.says} (CIS ${one.control})"
    do         = "Query 'who changed what': was it a deployment? If nobody knows it, treat it as an intrusion."
  } }
  cis_metric = { for key in keys(local.cis) : key => join("", [for word in split("-", key) : title(word)]) }
}

resource "aws_cloudwatch_log_metric_filter" "cis" {
  for_each = local.cis

  name           = "${var.name}-${each.key}"
  log_group_name = var.trail_log_group
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.audit_namespace
    name          = local.cis_metric[each.key]
    value         = "1"
    default_value = "0"
  }
}
