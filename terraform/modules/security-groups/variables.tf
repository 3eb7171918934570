# What the security groups are told.

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

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "service_port" {
  description = "Where the wallet's tasks listen."
  type        = number
  default     = 8080

  validation {
    condition     = var.service_port >= 1024 && var.service_port <= 65535
    error_message = "service_port must be from 1024 to 65535: tasks do not run as root."
  }
}

variable "behind_cloudfront" {
  description = "Whether clients come through CloudFront. The load balancer is then closed to everybody else."
  type        = bool
  default     = false
}
