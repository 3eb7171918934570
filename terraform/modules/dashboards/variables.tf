# What the dashboards show. Names and numbers only, the same as module alarms takes.

variable "name" {
  description = "Prefix of every name, e.g. wallet-production."
  type        = string
}

variable "environment" {
  description = "The environment as it stands in the metric dimension Environment."
  type        = string
}

variable "alarms" {
  description = "ARNs of the alarms by severity; output arns of module alarms."
  type        = map(list(string))
}

variable "rules" {
  description = "Names of the event rules; output rules of module alarms."
  type        = map(string)
}

variable "audit_metrics" {
  description = "Metrics in namespace Wallet/Audit; output audit_metrics of module alarms."
  type        = map(string)
}

variable "load_balancer" {
  description = "The load balancer's arn_suffix."
  type        = string
}

variable "target_group" {
  description = "The arn_suffix of wallet-svc's target group."
  type        = string
}

variable "web_acl" {
  description = "Metric name of the web ACL."
  type        = string
}

variable "service" {
  description = "wallet-svc on ECS and its log group."
  type = object({
    cluster   = string
    name      = string
    log_group = string
  })
}

variable "control" {
  description = "control on ECS, its log group and the instance of its journal database."
  type = object({
    cluster   = string
    name      = string
    log_group = string
    database  = string
  })
}

variable "database_cluster" {
  description = "Identifier of the Aurora cluster."
  type        = string
}

variable "cache" {
  description = "The replication group and its number of nodes."
  type = object({
    group = string
    nodes = number
  })
}

variable "broker" {
  description = "The MSK cluster's name and its number of brokers."
  type = object({
    cluster = string
    brokers = number
  })
}

variable "nat_gateways" {
  description = "Identifiers of the NAT gateways by any fixed key."
  type        = map(string)
}

variable "flow_log_group" {
  description = "Log group of the VPC's flow log; null if it goes to a bucket."
  type        = string
  default     = null
}

variable "trail_log_group" {
  description = "Log group that CloudTrail writes to."
  type        = string
}
