# What records and watches the account. One account holds one environment: most of this exists once an account.

variable "name" {
  description = "Prefix of every name, e.g. wallet-production."
  type        = string
}

variable "environment" {
  description = "The environment: staging or production."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the trail, its log group and its bucket. Its policy must let cloudtrail, logs and config use it."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, beside the provider's default tags."
  type        = map(string)
  default     = {}
}

variable "log_retention_days" {
  description = "How long CloudTrail's log group keeps events for queries and alarms. The bucket keeps them longer."
  type        = number
  default     = 365
}

variable "lock_days" {
  description = "For how many days nobody, root included where lock_mode is COMPLIANCE, can delete a recorded event. PCI DSS 10.5.1 wants twelve months."
  type        = number
  default     = 365

  validation {
    condition     = var.lock_days >= 1
    error_message = "lock_days must be at least 1."
  }
}

variable "lock_mode" {
  description = "GOVERNANCE lets a person with s3:BypassGovernanceRetention delete; COMPLIANCE lets nobody, and cannot be taken back."
  type        = string
  default     = "GOVERNANCE"

  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.lock_mode)
    error_message = "lock_mode is GOVERNANCE or COMPLIANCE."
  }
}

variable "keep_days" {
  description = "When recorded events are deleted; five years by default."
  type        = number
  default     = 1825

  validation {
    condition     = var.keep_days > 365
    error_message = "keep_days must be over a year."
  }
}

variable "config_enabled" {
  description = "Whether AWS Config records every change of every resource. Security Hub's controls need it; it is paid for by recorded change."
  type        = bool
  default     = true
}

variable "runtime_monitoring" {
  description = "Whether GuardDuty puts its agent beside every Fargate task. It then makes an endpoint in the VPC by itself, is paid for by vCPU, and each execution role must be allowed to pull its image."
  type        = bool
  default     = false
}

variable "force_destroy" {
  description = "Whether the bucket may be deleted with what it holds. Only for an environment that is thrown away, and only once its locks have ended."
  type        = bool
  default     = false
}

variable "permissions_boundary_arn" {
  description = "Boundary of every role that is made here; null for none."
  type        = string
  default     = null
}
