# What the keys are told.

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

variable "copy_region" {
  description = "Region in which backups are copied and so need a key; null for none."
  type        = string
  default     = null
}
