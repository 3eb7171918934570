# What the brokers are told.

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

variable "subnet_ids" {
  description = "The data tier: three subnets in three zones."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Who may speak to the brokers."
  type        = list(string)
}

variable "kafka_version" {
  description = "Version of Kafka. 3.6 and later can have topics made by AWS's API."
  type        = string
  default     = "3.8.x"

  validation {
    condition     = can(regex("^(3\\.[6-9]|4\\.[0-9])\\.(x|[0-9]+)(\\.kraft)?$", var.kafka_version))
    error_message = "kafka_version must be 3.6 or later, such as 3.8.x."
  }
}

variable "instance_type" {
  description = "Type of every broker."
  type        = string

  validation {
    condition     = can(regex("^kafka\\.(t3\\.small|m5\\.(large|[0-9]{0,2}xlarge)|m7g\\.(large|[0-9]{0,2}xlarge))$", var.instance_type))
    error_message = "instance_type must be an MSK type, such as kafka.m5.large."
  }
}

variable "brokers" {
  description = "How many brokers, as many in each zone."
  type        = number
  default     = 3

  validation {
    condition     = var.brokers >= 3 && var.brokers % 3 == 0 && var.brokers <= 15
    error_message = "brokers must be 3, 6, 9, 12 or 15: events are kept three times, in three zones."
  }
}

variable "volume_gb" {
  description = "Size of each broker's volume at first, and at most."
  type        = object({ min = number, max = number })

  validation {
    condition     = var.volume_gb.min >= 10 && var.volume_gb.min <= var.volume_gb.max && var.volume_gb.max <= 16384
    error_message = "volume_gb must be 10 to 16384, the minimum not above the maximum."
  }
}

variable "topic" {
  description = "Where the wallet's events are published."
  type        = string
  default     = "wallet.events"
}

variable "partitions" {
  description = "Partitions of the topic. Adding some later moves wallets to other partitions, and their order with them."
  type        = number
  default     = 12

  validation {
    condition     = var.partitions >= 3 && var.partitions <= 100
    error_message = "partitions must be 3 to 100."
  }
}

variable "retention_hours" {
  description = "How long events are kept."
  type        = number
  default     = 168
}

variable "password_version" {
  description = "Add one to make the password anew."
  type        = number
  default     = 1
}

variable "log_retention_days" {
  description = "How long broker logs are kept."
  type        = number
}

variable "data_key_arn" {
  description = "The key that volumes are encrypted with."
  type        = string
}

variable "secrets_key_arn" {
  description = "The key that the password is encrypted with."
  type        = string
}

variable "logs_key_arn" {
  description = "The key that the log group is encrypted with."
  type        = string
}
