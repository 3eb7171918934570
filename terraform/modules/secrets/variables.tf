# What the secrets are told.

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

variable "kms_key_arn" {
  description = "The key that secrets are encrypted with."
  type        = string
}

variable "users" {
  description = "Users with a password, by secret: each becomes {\"username\", \"password\"}."
  type        = map(object({ username = string, description = string }))

  validation {
    condition     = alltrue([for user in var.users : can(regex("^[a-z][a-z0-9_]{1,31}$", user.username))])
    error_message = "a username must be 2 to 32 of a-z, 0-9 and _: MySQL takes no more."
  }
}

variable "documents" {
  description = "Texts that people keep up to date, by secret, with what they say at first."
  type        = map(object({ description = string, initial = string }))
  default     = {}
}

variable "passwords_version" {
  description = "Add one to make every password anew. Then run the setup tasks and deploy again."
  type        = number
  default     = 1

  validation {
    condition     = var.passwords_version >= 1 && floor(var.passwords_version) == var.passwords_version
    error_message = "passwords_version must be a whole number from 1 on."
  }
}

variable "recovery_window_days" {
  description = "How long a deleted secret can be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_window_days >= 7 && var.recovery_window_days <= 30
    error_message = "recovery_window_days must be from 7 to 30."
  }
}
