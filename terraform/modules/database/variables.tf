# What the database is told.

variable "name" {
  description = "Prefix of every name, such as wallet-production."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "name must be 3 to 20 of a-z, 0-9 and -, beginning with a letter: load balancers take 32 in all."
  }
}

variable "tags" {
  description = "Tags besides the provider's default ones."
  type        = map(string)
  default     = {}
}

variable "zones" {
  description = "The three availability zones, in which instances take turns."
  type        = list(string)
}

variable "instance_class" {
  description = "Class of every instance. Aurora has db.r6g from large on."
  type        = string

  validation {
    condition     = can(regex("^db\\.(r6g|r7g|r8g)\\.(large|xlarge|[0-9]{1,2}xlarge)$", var.instance_class))
    error_message = "instance_class must be a memory-optimised Graviton class from large on, such as db.r6g.2xlarge."
  }
}

variable "readers" {
  description = "How many readers there are at least and at most, and the load that adds one."
  type        = object({ min = number, max = number, cpu_percent = optional(number, 60) })

  validation {
    condition     = var.readers.min >= 1 && var.readers.min <= var.readers.max && var.readers.max <= 15
    error_message = "readers must be 1 to 15, the minimum not above the maximum: without a reader there is nothing to fail over to."
  }
  validation {
    condition     = var.readers.cpu_percent >= 20 && var.readers.cpu_percent <= 90
    error_message = "readers.cpu_percent must be from 20 to 90."
  }
}

variable "engine_version" {
  description = "Version of Aurora MySQL."
  type        = string
  default     = "8.0.mysql_aurora.3.10.0"

  validation {
    condition     = startswith(var.engine_version, "8.0.mysql_aurora.3.")
    error_message = "engine_version must be an Aurora MySQL 3, such as 8.0.mysql_aurora.3.10.0."
  }
}

variable "io_optimized" {
  description = "Pay more for storage and nothing for I/O. Cheaper when I/O passes a quarter of the cluster's cost."
  type        = bool
  default     = false
}

variable "backup_retention_days" {
  description = "How far back the cluster can be restored to any second."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 7 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be from 7 to 35, which is Aurora's most."
  }
}

variable "deletion_protection" {
  description = "Whether deleting the cluster takes two steps."
  type        = bool
}

variable "log_retention_days" {
  description = "How long audit, error and slow query logs are kept."
  type        = number
}

variable "subnet_group_name" {
  description = "The data tier."
  type        = string
}

variable "security_group_ids" {
  description = "Who may speak to the database."
  type        = list(string)
}

variable "data_key_arn" {
  description = "The key that storage is encrypted with."
  type        = string
}

variable "secrets_key_arn" {
  description = "The key that the administrator's password is encrypted with."
  type        = string
}

variable "logs_key_arn" {
  description = "The key that log groups are encrypted with."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "What no role of the environment may go beyond; null for nothing."
  type        = string
  default     = null
}
