# What the registry is told.

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
  description = "The key that images are encrypted with."
  type        = string
}

variable "images_kept" {
  description = "How many images of each kind are kept."
  type        = number
  default     = 50

  validation {
    condition     = var.images_kept >= 10 && var.images_kept <= 1000
    error_message = "images_kept must be 10 to 1000: fewer leave nothing to roll back to."
  }
}

variable "copy_region" {
  description = "Region that images are copied to; null for none. It is a setting of the whole account."
  type        = string
  default     = null
}

variable "force_delete" {
  description = "Whether repositories with images in them may be deleted."
  type        = bool
  default     = false
}
