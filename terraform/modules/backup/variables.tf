# What is backed up, for how long, and where the copies go.

variable "name" {
  description = "Prefix of every name, e.g. wallet-production."
  type        = string
}

variable "environment" {
  description = "The environment: staging or production."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the vault at home. Its policy must let backup use it."
  type        = string
}

variable "copy_to_replica" {
  description = "Whether each recovery point is copied to the region of provider aws.replica (us-east-1). That is an international transfer of personal data (LGPD article 33, Resolution CD/ANPD 19/2024): write its legal basis down, e.g. standard contractual clauses, before this is true."
  type        = bool
}

variable "replica_kms_key_arn" {
  description = "Key in the replica's region that encrypts the copies; null if nothing is copied."
  type        = string
  default     = null
}

variable "topic_arn" {
  description = "Topic that hears of changed recovery points and of restores that somebody starts."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, beside the provider's default tags."
  type        = map(string)
  default     = {}
}

variable "selection_tag" {
  description = "What carries this tag is backed up. The database's cluster must."
  type = object({
    key   = string
    value = string
  })
  default = { key = "Backup", value = "daily" }
}

variable "daily_keep_days" {
  description = "How long a daily recovery point is kept."
  type        = number
  default     = 35

  validation {
    condition     = var.daily_keep_days >= 7
    error_message = "Keep daily backups for at least a week."
  }
}

variable "monthly_keep_days" {
  description = "How long the first recovery point of a month is kept."
  type        = number
  default     = 365

  validation {
    condition     = var.monthly_keep_days >= 35
    error_message = "Keep monthly backups longer than daily ones."
  }
}

variable "lock_changeable_days" {
  description = "Days after which nobody, root included, can shorten the retention or delete a recovery point (compliance mode; it cannot be taken back). Null keeps the lock in governance mode."
  type        = number
  default     = null

  validation {
    condition     = var.lock_changeable_days == null ? true : var.lock_changeable_days >= 3
    error_message = "AWS wants at least three days of grace."
  }
}

variable "restore_test" {
  description = "Where the weekly restore test starts its throw-away cluster: the database's subnet group and security groups."
  type = object({
    subnet_group       = string
    security_group_ids = list(string)
  })
}

variable "permissions_boundary_arn" {
  description = "Boundary of every role that is made here; null for none."
  type        = string
  default     = null
}
