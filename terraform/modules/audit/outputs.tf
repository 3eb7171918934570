# What alarms and dashboards read.

output "trail_log_group" {
  description = "Log group of CloudTrail."
  value       = aws_cloudwatch_log_group.trail.name
}

output "trail_arn" {
  description = "ARN of the trail."
  value       = aws_cloudtrail.this.arn
}

output "bucket" {
  description = "Locked bucket that holds the trail."
  value       = aws_s3_bucket.this["audit"].id
}

output "detector_id" {
  description = "GuardDuty's detector."
  value       = aws_guardduty_detector.this.id
}
