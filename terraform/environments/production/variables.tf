# What only the account's owner knows. terraform.tfvars.example explains each.

variable "account_id" {
  description = "The AWS account of this environment. Any other is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the 12 digits of an AWS account."
  }
}

variable "owner" {
  description = "The team that answers for it; a tag of every resource."
  type        = string
}

variable "deployment" {
  description = "Names, people, images and keys; the stack checks each part."
  type        = any
}
