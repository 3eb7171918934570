# What the state bucket is told.

variable "account_id" {
  description = "The AWS account whose state it holds. Any other is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the 12 digits of an AWS account."
  }
}

variable "environment" {
  description = "The environment that the account is for."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment must be staging or production."
  }
}

variable "region" {
  description = "Where the bucket is."
  type        = string
  default     = "sa-east-1"
}
