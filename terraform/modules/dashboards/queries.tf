# Questions to the logs that somebody asks at night, ready to run in CloudWatch Logs Insights.

locals {
  queries = merge(
    {
      "wallet/errors by cause" = {
        groups = [var.service.log_group]
        ask = [
          "filter level = \"ERROR\" or status >= 500",
          "stats count(*) as lines by coalesce(code, message) as what, operation",
          "sort lines desc",
        ]
      }
      "wallet/slow answers" = {
        groups = [var.service.log_group]
        ask = [
          "filter latency_ms >= 100",
          "stats count(*) as answers, pct(latency_ms, 50) as p50, max(latency_ms) as worst by operation",
          "sort answers desc",
        ]
      }
      "wallet/answers by status" = {
        groups = [var.service.log_group]
        ask = [
          "filter ispresent(status)",
          "stats count(*) as lines by status, code",
          "sort lines desc",
        ]
      }
      "wallet/one request" = {
        groups = [var.service.log_group]
        ask = [
          "filter request_id = \"PUT THE REQUEST ID HERE\"",
          "sort @timestamp asc",
        ]
      }
      "wallet/panics" = {
        groups = [var.service.log_group]
        ask = [
          "filter message like /^panicked/",
          "fields @timestamp, place, message, @logStream",
          "sort @timestamp desc",
        ]
      }
      "wallet/relay" = {
        groups = [var.service.log_group]
        ask = [
          "filter target like /relay/",
          "fields @timestamp, level, message, error, @logStream",
          "sort @timestamp desc",
        ]
      }
      "wallet/modes of the ledger" = {
        groups = [var.service.log_group]
        ask = [
          "filter message like /the ledger went from/",
          "fields @timestamp, from, to, @logStream",
          "sort @timestamp desc",
        ]
      }
      "control/errors" = {
        groups = [var.control.log_group]
        ask = [
          "filter level = \"ERROR\" or level = \"WARN\"",
          "fields @timestamp, level, message, error, @logStream",
          "sort @timestamp desc",
        ]
      }
      "control/who leads" = {
        groups = [var.control.log_group]
        ask = [
          "filter message like /leads|standing by|took the journal over/",
          "fields @timestamp, message, epoch, @logStream",
          "sort @timestamp desc",
        ]
      }
      "database/slow queries" = {
        groups = ["/aws/rds/cluster/${var.database_cluster}/slowquery"]
        ask = [
          "parse @message \"Query_time: * \" as seconds",
          "filter seconds > 0.1",
          "sort seconds desc",
          "limit 50",
        ]
      }
      "database/who logged in" = {
        groups = ["/aws/rds/cluster/${var.database_cluster}/audit"]
        ask = [
          "filter @message like /CONNECT/",
          "fields @timestamp, @message",
          "sort @timestamp desc",
        ]
      }
      "audit/who changed what" = {
        groups = [var.trail_log_group]
        ask = [
          "filter readOnly = 0",
          "fields @timestamp, userIdentity.arn as who, eventSource, eventName, sourceIPAddress, errorCode",
          "sort @timestamp desc",
        ]
      }
      "audit/denied calls" = {
        groups = [var.trail_log_group]
        ask = [
          "filter errorCode like /UnauthorizedOperation|AccessDenied/",
          "stats count(*) as calls by userIdentity.arn, eventSource, eventName",
          "sort calls desc",
        ]
      }
      "audit/logins to the console" = {
        groups = [var.trail_log_group]
        ask = [
          "filter eventName = \"ConsoleLogin\"",
          "fields @timestamp, userIdentity.arn, sourceIPAddress, additionalEventData.MFAUsed, responseElements.ConsoleLogin",
          "sort @timestamp desc",
        ]
      }
      "audit/who read which secrets" = {
        groups = [var.trail_log_group]
        ask = [
          "filter eventName = \"GetSecretValue\"",
          "stats count(*) as reads by userIdentity.arn, requestParameters.secretId",
          "sort reads desc",
        ]
      }
    },
    var.flow_log_group == null ? {} : {
      "network/refused connections" = {
        groups = [var.flow_log_group]
        ask = [
          "filter action = \"REJECT\"",
          "stats count(*) as packets by srcAddr, dstAddr, dstPort",
          "sort packets desc",
          "limit 50",
        ]
      }
    },
  )
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = local.queries

  name            = "${var.name}/${each.key}"
  log_group_names = each.value.groups
  query_string    = join("\n| ", each.value.ask)
}
