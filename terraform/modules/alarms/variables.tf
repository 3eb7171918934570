# What is watched, and by how much it may stray. Names and numbers only: nothing here is looked up.

variable "name" {
  description = "Prefix of every name, e.g. wallet-production."
  type        = string
}

variable "environment" {
  description = "The environment as wallet-svc and control write it into the metric dimension Environment."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, beside the provider's default tags."
  type        = map(string)
  default     = {}
}

variable "topics" {
  description = "The topics that an alarm of a severity publishes to; output by_severity of module notify."
  type = object({
    P1 = list(string)
    P2 = list(string)
    P3 = list(string)
    P4 = list(string)
  })

  validation {
    condition     = alltrue([for list in values(var.topics) : length(list) > 0])
    error_message = "Each severity needs a topic."
  }
}

variable "topic_names" {
  description = "Topics whose undelivered messages are themselves an alarm; output topic_names of module notify."
  type        = map(string)
}

variable "runbooks" {
  description = "Where the text of an alarm is found; the alarm's name follows as an anchor."
  type        = string
  default     = "docs/MONITORING.md"
}

variable "load_balancer" {
  description = "The load balancer's arn_suffix: app/NAME/ID."
  type        = string
}

variable "target_group" {
  description = "The arn_suffix of wallet-svc's target group: targetgroup/NAME/ID."
  type        = string
}

variable "web_acl" {
  description = "Metric name of the web ACL, as it stands in its visibility configuration."
  type        = string
}

variable "service" {
  description = "wallet-svc on ECS, and the range in which it scales."
  type = object({
    cluster   = string
    name      = string
    tasks_min = number
    tasks_max = number
    log_group = string
  })

  validation {
    condition     = var.service.tasks_min >= 1 && var.service.tasks_max >= var.service.tasks_min
    error_message = "tasks_min must be at least 1 and not above tasks_max."
  }
}

variable "control" {
  description = "control on ECS and the instance of its journal database."
  type = object({
    cluster   = string
    name      = string
    tasks     = number
    log_group = string
    database  = string
  })
}

variable "database" {
  description = "The Aurora cluster: its identifier, an instance's memory, and the connections that its parameter group allows."
  type = object({
    cluster         = string
    memory_bytes    = number
    connections_max = number
    storage_gb      = number
  })
}

variable "cache" {
  description = "The replication group and its number of nodes; ElastiCache names them GROUP-001 and so on."
  type = object({
    group = string
    nodes = number
  })
}

variable "broker" {
  description = "The MSK cluster's name and its number of brokers; MSK counts them from 1."
  type = object({
    cluster = string
    brokers = number
  })
}

variable "nat_gateways" {
  description = "Identifiers of the NAT gateways by availability zone or any other fixed key."
  type        = map(string)
}

variable "trail_log_group" {
  description = "Log group that CloudTrail writes to; the CIS alarms read it."
  type        = string
}

variable "backup_vault" {
  description = "Vault of the daily backups."
  type        = string
}

variable "thresholds" {
  description = "Where an alarm goes off. The defaults are the promises: p95 under 100 ms, errors rare, outbox published at once."
  type = object({
    p95_ms            = optional(number, 100)
    p99_ms            = optional(number, 500)
    error_percent     = optional(number, 5)
    degraded_percent  = optional(number, 1)
    requests_min      = optional(number, 20)
    outbox_pending    = optional(number, 10000)
    outbox_oldest_s   = optional(number, 60)
    lane_queue_depth  = optional(number, 1000)
    canary_share      = optional(number, 0.9)
    canary_p95_ms     = optional(number, 250)
    cpu_percent       = optional(number, 80)
    memory_percent    = optional(number, 85)
    replica_lag_ms    = optional(number, 1000)
    commit_ms         = optional(number, 20)
    disk_percent      = optional(number, 75)
    storage_share     = optional(number, 0.8)
    blocked_requests  = optional(number, 1000)
    failed_logins_s   = optional(number, 0.1)
    unauthorized_5min = optional(number, 10)
  })
  default = {}
}
