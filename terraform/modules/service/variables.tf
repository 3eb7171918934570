# What the service is told.

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

variable "environment" {
  description = "The environment by which the service marks its metrics and events."
  type        = string
}

variable "image" {
  description = "The service's image with its tag. Its entry point is wallet-svc; it runs as user 65532."
  type        = string

  validation {
    condition     = can(regex(":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image must name a tag other than latest: what runs must be known, and what ran before too."
  }
}

variable "tools_image" {
  description = "A busybox that is linked statically: it writes files for the service and checks its health."
  type        = string
}

variable "mysql_image" {
  description = "An image with bash and the mysql client, for the task that makes database users."
  type        = string
}

variable "repository_arn" {
  description = "Where the image is."
  type        = string
}

variable "public_repositories_arn" {
  description = "Where the other two images are cached."
  type        = string
}

variable "task" {
  description = "Size of one task, in CPU units and MiB, and the processor that the image is for."
  type = object({
    cpu          = number
    memory       = number
    architecture = optional(string, "X86_64")
  })

  validation {
    condition = contains(lookup({
      "256"  = [512, 1024, 2048]
      "512"  = [1024, 2048, 3072, 4096]
      "1024" = [2048, 3072, 4096, 5120, 6144, 7168, 8192]
      "2048" = [4096, 5120, 6144, 7168, 8192, 12288, 16384]
      "4096" = [8192, 12288, 16384, 24576, 30720]
      "8192" = [16384, 20480, 24576, 28672, 32768, 61440]
    }, tostring(var.task.cpu), []), var.task.memory)
    error_message = "Fargate has no task of this size; 4096 units go with 8192 MiB and more."
  }
  validation {
    condition     = contains(["X86_64", "ARM64"], var.task.architecture)
    error_message = "task.architecture must be X86_64 or ARM64."
  }
}

variable "tasks" {
  description = "How many tasks: start is where it begins and what AWS keeps without control; max is the most."
  type        = object({ start = number, max = number })

  validation {
    condition     = var.tasks.start >= 2 && var.tasks.start <= var.tasks.max
    error_message = "tasks.start must be 2 at least, for two zones, and not above max."
  }
}

variable "targets" {
  description = "The load of one task that scaling aims at."
  type = object({
    cpu_percent         = optional(number, 60)
    memory_percent      = optional(number, 75)
    requests_per_second = optional(number, 800)
  })
  default = {}

  validation {
    condition     = var.targets.cpu_percent >= 20 && var.targets.cpu_percent <= 90 && var.targets.memory_percent >= 20 && var.targets.memory_percent <= 90
    error_message = "targets must be from 20 to 90 percent: above it is too late to add."
  }
}

variable "schedules" {
  description = "Scheduled minima and maxima, such as fewer tasks at night in staging."
  type        = map(object({ cron = string, min = number, max = number, zone = optional(string, "America/Sao_Paulo") }))
  default     = {}

  validation {
    condition     = alltrue([for schedule in var.schedules : can(regex("^(cron|at|rate)\\(.+\\)$", schedule.cron))])
    error_message = "schedules.cron must be such as cron(0 22 ? * MON-FRI *)."
  }
}

variable "port" {
  description = "Where tasks listen."
  type        = number
  default     = 8080
}

variable "settings" {
  description = "More of the service's settings (WALLET_*), as wallet-svc/src/config.rs names them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.settings : startswith(name, "WALLET_") && !strcontains(name, "PASSWORD")])
    error_message = "settings must be WALLET_* and hold no password: those come from Secrets Manager."
  }
}

variable "database" {
  description = "Where the ledger is, who the service is there, and the file in the image by which its certificate is checked."
  type = object({
    writer   = string
    reader   = string
    name     = string
    username = string
    admin    = string
    ca_file  = string
  })
}

variable "events" {
  description = "Where events are published."
  type        = object({ brokers = string, topic = string })
}

variable "identity" {
  description = "Whose tokens are believed: the issuer, the audience and its public keys as a JWK set."
  type        = object({ issuer = string, audience = optional(string, "wallet"), jwks = string })

  validation {
    condition     = try(length(jsondecode(var.identity.jwks).keys) > 0 && alltrue([for key in jsondecode(var.identity.jwks).keys : can(key.kid) && contains(["RSA", "EC", "OKP"], key.kty)]), false)
    error_message = "identity.jwks must be a JWK set of public RSA, EC or OKP keys, each with a kid: the service refuses to start without one."
  }
  validation {
    condition     = !can(regex("\"(d|k|p|q|dp|dq|qi)\"\\s*:", var.identity.jwks))
    error_message = "identity.jwks holds a private or shared key; only public keys belong here."
  }
}

variable "secret_arns" {
  description = "Secrets that tasks are started with."
  type        = object({ database = string, database_admin = string, events = string, cache = string })
}

variable "secrets_key_arn" {
  description = "The key that those secrets are encrypted with."
  type        = string
}

variable "scratch_key_arn" {
  description = "The key that tasks' scratch disks are encrypted with."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Where tasks run."
  type        = list(string)
}

variable "security_group_ids" {
  description = "What tasks may speak to."
  type        = list(string)
}

variable "target_group_arn" {
  description = "Where tasks register."
  type        = string
}

variable "request_count_label" {
  description = "Load balancer and target group as scaling calls them: app/NAME/ID/targetgroup/NAME/ID."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}

variable "logs_key_arn" {
  description = "The key that the log group is encrypted with."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "What no role of the environment may go beyond; null for nothing."
  type        = string
  default     = null
}
