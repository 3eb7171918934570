# What the network is told.

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

variable "cidr" {
  description = "The network's addresses. A /16, so that each of nine subnets gets a /20."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && endswith(var.cidr, "/16")
    error_message = "cidr must be a /16, such as 10.20.0.0/16."
  }
}

variable "zones" {
  description = "The three availability zones."
  type        = list(string)

  validation {
    condition     = length(distinct(var.zones)) == 3
    error_message = "zones must be three different ones: databases, brokers and tasks are spread over them."
  }
}

variable "nat_gateways" {
  description = "Ways out: 3 survive the loss of a zone, 1 is cheaper."
  type        = number

  validation {
    condition     = contains([1, 3], var.nat_gateways)
    error_message = "nat_gateways must be 1, or 3 for one in each zone."
  }
}

variable "interface_endpoints" {
  description = "AWS services that are reached privately, such as ecr.api. Each costs by the hour in each zone."
  type        = set(string)
  default     = []
}

variable "data_ports" {
  description = "Ports of the data tier that tasks may reach: MySQL, Redis, Kafka over SASL."
  type        = list(number)
  default     = [3306, 6379, 9096]
}

variable "flow_log_retention_days" {
  description = "How long flow logs are kept."
  type        = number

  validation {
    condition     = var.flow_log_retention_days >= 90
    error_message = "flow_log_retention_days must be 90 at least: an intrusion is often found months later."
  }
}

variable "logs_key_arn" {
  description = "The key that log groups are encrypted with."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "What no role of the environment may go beyond; null for nothing."
  type        = string
  default     = null
}
