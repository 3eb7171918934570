# Security: failed logins, what is blocked, what was changed in the account, and what the detectors found.

locals {
  acl = ["WebACL", var.web_acl, "Region", data.aws_region.this.region]

  security = [
    {
      title = "Failed logins", stat = "Sum"
      metrics = [
        ["Wallet/Audit", var.audit_metrics["audit-logins"], { label = "console" }],
        ["Wallet/Audit", var.audit_metrics["audit-no-mfa"], { label = "console without a second factor" }],
        concat(["AWS/RDS", "LoginFailures"], local.writer, [{ stat = "Average", label = "database, a second", yAxis = "right" }]),
      ]
    },
    {
      title = "Requests the clients got wrong", stat = "Sum"
      metrics = [
        concat(["AWS/ApplicationELB", "HTTPCode_Target_4XX_Count"], local.target, [{ label = "4XX" }]),
        concat(local.wallet.Declines, [{ label = "declined" }]),
      ]
    },
    {
      title = "Firewall", stat = "Sum"
      metrics = [
        concat(["AWS/WAFV2", "AllowedRequests"], local.acl, ["Rule", "ALL", { label = "allowed" }]),
        concat(["AWS/WAFV2", "BlockedRequests"], local.acl, ["Rule", "ALL", { label = "blocked", yAxis = "right" }]),
      ]
    },
    {
      title = "Denied calls and use of root", stat = "Sum"
      metrics = [
        ["Wallet/Audit", var.audit_metrics["audit-unauthorized"], { label = "denied" }],
        ["Wallet/Audit", var.audit_metrics["audit-root"], { label = "root", yAxis = "right" }],
      ]
    },
    {
      title = "Changes to what protects", stat = "Sum"
      metrics = [for key in ["audit-iam", "audit-trail", "audit-keys", "audit-buckets", "audit-config", "audit-accounts"] :
      ["Wallet/Audit", var.audit_metrics[key], { label = trimprefix(key, "audit-") }]]
    },
    {
      title = "Changes to the network", stat = "Sum"
      metrics = [for key in ["audit-groups", "audit-acls", "audit-gateways", "audit-routes", "audit-vpcs"] :
      ["Wallet/Audit", var.audit_metrics[key], { label = trimprefix(key, "audit-") }]]
    },
    {
      title = "Findings", stat = "Sum"
      metrics = [for key in ["finding-high", "finding-medium", "posture", "outside-access", "secret-stale"] :
      ["AWS/Events", "MatchedEvents", "RuleName", var.rules[key], { label = key }]]
    },
    {
      title = "Backups", stat = "Sum"
      metrics = [for key in ["backup-failed", "restore-failed"] :
      ["AWS/Events", "MatchedEvents", "RuleName", var.rules[key], { label = key }]]
    },
  ]
}
