# What the cache is told.

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
  description = "The three availability zones, in which nodes take turns."
  type        = list(string)
}

variable "node_type" {
  description = "Type of every node."
  type        = string

  validation {
    condition     = can(regex("^cache\\.((r6g|r7g|m6g|m7g)\\.(large|xlarge|[0-9]{1,2}xlarge)|t4g\\.(small|medium))$", var.node_type))
    error_message = "node_type must exist: r6g, r7g, m6g and m7g begin at large; t4g has small and medium."
  }
}

variable "nodes" {
  description = "One primary and its replicas."
  type        = number

  validation {
    condition     = var.nodes >= 2 && var.nodes <= 6
    error_message = "nodes must be 2 to 6: one alone has nothing to fail over to, and AWS takes five replicas."
  }
}

variable "snapshot_retention_days" {
  description = "Daily snapshots that are kept. They spare a cold start; the ledger needs none."
  type        = number
  default     = 1
}

variable "password_version" {
  description = "Add one to make the password anew."
  type        = number
  default     = 1
}

variable "log_retention_days" {
  description = "How long its logs are kept."
  type        = number
}

variable "subnet_group_name" {
  description = "The data tier."
  type        = string
}

variable "security_group_ids" {
  description = "Who may speak to the cache."
  type        = list(string)
}

variable "data_key_arn" {
  description = "The key that the nodes' disks are encrypted with."
  type        = string
}

variable "secrets_key_arn" {
  description = "The key that the address with its password is encrypted with."
  type        = string
}

variable "logs_key_arn" {
  description = "The key that log groups are encrypted with."
  type        = string
}
