# Whom the pipeline is, and what it may do.

variable "name" {
  description = "Prefix of every name, e.g. wallet-production. The apply role can touch only IAM roles and policies with this prefix."
  type        = string
}

variable "environment" {
  description = "The environment; also the name of the GitHub environment whose reviewers approve a deployment."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, beside the provider's default tags."
  type        = map(string)
  default     = {}
}

variable "repository" {
  description = "The GitHub repository, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository is owner/name, without any wildcard."
  }
}

variable "branch" {
  description = "The branch that is deployed; the plan role also answers to pull requests."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.branch))
    error_message = "branch is one branch, without any wildcard."
  }
}

variable "state_bucket_arn" {
  description = "ARN of the bucket that holds Terraform's state."
  type        = string
}

variable "state_key_arn" {
  description = "ARN of the key that encrypts the state."
  type        = string
}

variable "regions" {
  description = "Regions in which the apply role may act, beside global services: home, and the one that holds copies, certificates of CloudFront and its firewall."
  type        = list(string)
  default     = ["sa-east-1", "us-east-1"]
}

variable "create_provider" {
  description = "Whether this makes the account's GitHub identity provider; false if it exists already."
  type        = bool
  default     = true
}
