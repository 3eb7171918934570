# What the edge is told.

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

variable "domain_name" {
  description = "The name that clients use, such as wallet.example.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name must be a full name in lower case, such as wallet.example.com."
  }
}

variable "zone_id" {
  description = "The public Route 53 zone that the name is in."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]{8,31}$", var.zone_id))
    error_message = "zone_id must be a Route 53 zone, such as Z0123456789ABCDEFGHIJ."
  }
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "public_subnet_ids" {
  description = "Where the load balancer is when clients come to it."
  type        = list(string)

  validation {
    condition     = length(var.public_subnet_ids) >= 3
    error_message = "public_subnet_ids must be three, one in each zone."
  }
}

variable "app_subnet_ids" {
  description = "Where the load balancer is when CloudFront comes to it."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Who may speak to the load balancer."
  type        = list(string)
}

variable "service_port" {
  description = "Where the wallet's tasks listen."
  type        = number
  default     = 8080
}

variable "cloudfront" {
  description = "Whether clients come through CloudFront."
  type        = bool
  default     = false
}

variable "requests_per_address" {
  description = "Requests that one address may send within five minutes. A partner behind one address needs room."
  type        = number
  default     = 30000

  validation {
    condition     = var.requests_per_address >= 100 && var.requests_per_address <= 2000000000
    error_message = "requests_per_address must be 100 at least: WAF takes no less."
  }
}

variable "deletion_protection" {
  description = "Whether deleting the load balancer takes two steps, and its logs stay."
  type        = bool
}

variable "log_retention_days" {
  description = "How long access and firewall logs are kept."
  type        = number
}

variable "logs_key_arn" {
  description = "The key that log groups are encrypted with."
  type        = string
}
