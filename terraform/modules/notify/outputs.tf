# Where alarms, events and control publish.

output "topic_arns" {
  description = "ARN of each topic: p1, p1-sms, p2, p3, p4, and a pair for each level of next_in_line."
  value       = { for key, topic in aws_sns_topic.this : key => topic.arn }
}

output "topic_names" {
  description = "Name of each topic."
  value       = { for key in keys(local.topics) : key => "${var.name}-${key}" }
}

output "by_severity" {
  description = "The topics that an alarm of a severity publishes to."
  value = {
    P1 = [aws_sns_topic.this["p1-sms"].arn, aws_sns_topic.this["p1"].arn]
    P2 = [aws_sns_topic.this["p2"].arn]
    P3 = [aws_sns_topic.this["p3"].arn]
    P4 = [aws_sns_topic.this["p4"].arn]
  }
}

output "next_in_line" {
  description = "The topics of each level, in order, as control's environment file wants them."
  value = [for level in var.next_in_line : {
    name  = level.name
    sms   = aws_sns_topic.this["${level.name}-sms"].arn
    email = aws_sns_topic.this[level.name].arn
  }]
}
