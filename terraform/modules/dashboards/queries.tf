# Questions to the logs that somebody asks at night, ready to run in CloudWatch Logs Insights.

locals {
  queries = merge(
    {
      "wallet/errors by cause"       = { groups = [var.service.log_group], text = "filter level = \"ERROR\" or status >= 500\n| stats count(*) as lines by coalesce(code, message) as what, operation\n| sort lines desc" }
      "wallet/slow answers"          = { groups = [var.service.log_group], text = "filter latency_ms >= 100\n| stats count(*) as answers, pct(latency_ms, 50) as p50, max(latency_ms) as worst by operation\n| sort answers desc" }
      "wallet/answers by status"     = { groups = [var.service.log_group], text = "filter ispresent(status)\n| stats count(*) as lines by status, code\n| sort lines desc" }
      "wallet/one request"           = { groups = [var.service.log_group], text = "filter request_id = \"PUT THE REQUEST ID HERE\"\n| sort @timestamp asc" }
      "wallet/panics"                = { groups = [var.service.log_group], text = "filter message like /^panicked/\n| fields @timestamp, place, message, @logStream\n| sort @timestamp desc" }
      "wallet/relay"                 = { groups = [var.service.log_group], text = "filter target like /relay/\n| fields @timestamp, level, message, error, @logStream\n| sort @timestamp desc" }
      "wallet/modes of the ledger"   = { groups = [var.service.log_group], text = "filter message like /the ledger went from/\n| fields @timestamp, from, to, @logStream\n| sort @timestamp desc" }
      "control/errors"               = { groups = [var.control.log_group], text = "filter level = \"ERROR\" or level = \"WARN\"\n| fields @timestamp, level, message, error, @logStream\n| sort @timestamp desc" }
      "control/who leads"            = { groups = [var.control.log_group], text = "filter message like /leads|standing by|took the journal over/\n| fields @timestamp, message, epoch, @logStream\n| sort @timestamp desc" }
      "database/slow queries"        = { groups = ["/aws/rds/cluster/${var.database_cluster}/slowquery"], text = "parse @message \"Query_time: * \" as seconds\n| filter seconds > 0.1\n| sort seconds desc\n| limit 50" }
      "database/who logged in"       = { groups = ["/aws/rds/cluster/${var.database_cluster}/audit"], text = "filter @message like /CONNECT/\n| fields @timestamp, @message\n| sort @timestamp desc" }
      "audit/who changed what"       = { groups = [var.trail_log_group], text = "filter readOnly = 0\n| fields @timestamp, userIdentity.arn as who, eventSource, eventName, sourceIPAddress, errorCode\n| sort @timestamp desc" }
      "audit/denied calls"           = { groups = [var.trail_log_group], text = "filter errorCode like /UnauthorizedOperation|AccessDenied/\n| stats count(*) as calls by userIdentity.arn, eventSource, eventName\n| sort calls desc" }
      "audit/logins to the console"  = { groups = [var.trail_log_group], text = "filter eventName = \"ConsoleLogin\"\n| fields @timestamp, userIdentity.arn, sourceIPAddress, additionalEventData.MFAUsed, responseElements.ConsoleLogin\n| sort @timestamp desc" }
      "audit/who read which secrets" = { groups = [var.trail_log_group], text = "filter eventName = \"GetSecretValue\"\n| stats count(*) as reads by userIdentity.arn, requestParameters.secretId\n| sort reads desc" }
    },
    var.flow_log_group == null ? {} : {
      "network/refused connections" = { groups = [var.flow_log_group], text = "filter action = \"REJECT\"\n| stats count(*) as packets by srcAddr, dstAddr, dstPort\n| sort packets desc\n| limit 50" }
    },
  )
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = local.queries

  name            = "${var.name}/${each.key}"
  log_group_names = each.value.groups
  query_string    = each.value.text
}
