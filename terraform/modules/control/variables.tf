# What control is told.

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
  description = "The environment that control runs: staging or production."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment must be staging or production: control treats them apart."
  }
}

variable "mode" {
  description = "observe only looks, advise says what it would do, act does it."
  type        = string

  validation {
    condition     = contains(["observe", "advise", "act"], var.mode)
    error_message = "mode must be observe, advise or act."
  }
}

variable "image" {
  description = "The daemon's image with its tag. Its entry point is control; runbooks and prices are in /etc/control."
  type        = string

  validation {
    condition     = can(regex(":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image must name a tag other than latest."
  }
}

variable "tools_image" {
  description = "A busybox that is linked statically: it writes files for the daemon and checks its health."
  type        = string
}

variable "mysql_image" {
  description = "An image with bash and the mysql client, for the task that makes the journal's user."
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
  description = "Size of one task, in CPU units and MiB."
  type        = object({ cpu = number, memory = number, architecture = optional(string, "X86_64") })

  validation {
    condition = contains(lookup({
      "256"  = [512, 1024, 2048]
      "512"  = [1024, 2048, 3072, 4096]
      "1024" = [2048, 3072, 4096, 5120, 6144, 7168, 8192]
    }, tostring(var.task.cpu), []), var.task.memory)
    error_message = "Fargate has no task of this size, or control does not need it: 256 to 1024 units."
  }
}

variable "service" {
  description = "The service that control sizes."
  type        = object({ cluster = string, cluster_arn = string, name = string, arn = string, target_group = string })
}

variable "database" {
  description = "The Aurora cluster and its lasting instances."
  type        = object({ cluster = string, instances = list(string) })
}

variable "cache_group" {
  description = "The ElastiCache replication group."
  type        = string
}

variable "broker_arn" {
  description = "The MSK cluster."
  type        = string
}

variable "tasks" {
  description = "How many tasks control may ask for: min at night, start when it is blind, max at most."
  type        = object({ min = number, start = number, max = number })

  validation {
    condition     = var.tasks.min >= 1 && var.tasks.min <= var.tasks.start && var.tasks.start <= var.tasks.max
    error_message = "tasks must be ordered: min, start, max."
  }
}

variable "targets" {
  description = "The load of one task that scaling aims at, the same as target tracking's."
  type        = object({ cpu_percent = number, memory_percent = number, requests_per_second = number })
}

variable "readers" {
  description = "How many readers there are at least and at most, and the load that adds one."
  type        = object({ min = number, max = number, cpu_percent = number })
}

variable "topics" {
  description = "Where control tells people, by severity and channel."
  type        = object({ p1_sms = string, p1 = string, p2 = string, p3 = string })
}

variable "next_in_line" {
  description = "Whom control tells next when nobody acknowledges. Two at most."
  type        = list(object({ name = string, sms = string, email = string }))
  default     = []

  validation {
    condition     = length(var.next_in_line) <= 2
    error_message = "next_in_line takes two: control knows three levels, and the first is the severity's own."
  }
}

variable "budget_usd" {
  description = "What a month may cost."
  type        = number
}

variable "counts" {
  description = "Things that are paid for by their number and that control does not see: nat_gateway, key, secret and others."
  type        = map(number)

  validation {
    condition = alltrue([for item in keys(var.counts) : contains([
      "load_balancer", "nat_gateway", "public_address", "interface_endpoint", "custom_metric", "alarm", "dashboard", "secret", "key",
    ], item)])
    error_message = "counts names something that control/prices has no price for."
  }
}

variable "identity_file" {
  description = "control's IdentityProvider file as text (docs/CONTROL.md); null if only tokens let people in."
  type        = string
  default     = null

  validation {
    condition     = var.identity_file == null || try(yamldecode(var.identity_file).kind == "IdentityProvider", false)
    error_message = "identity_file must be YAML of kind IdentityProvider."
  }
}

variable "canary_token_secret_arn" {
  description = "The secret with the token by which the canary moves its cent; null for no canary."
  type        = string
  default     = null
}

variable "secret_arns" {
  description = "The journal's user, and who may ask the API."
  type        = object({ journal = string, tokens = string })
}

variable "journal" {
  description = "The journal's database: its class, whether in two zones, who the daemon is there, and the file in the image by which its certificate is checked."
  type = object({
    instance_class = string
    multi_az       = bool
    username       = string
    ca_file        = string
  })

  validation {
    condition     = can(regex("^db\\.(t4g\\.(micro|small|medium)|m7g\\.large|m6g\\.large)$", var.journal.instance_class))
    error_message = "journal.instance_class must be small, such as db.t4g.micro: it takes one write every two seconds."
  }
}

variable "backup_days" {
  description = "How far back databases can be restored to any second."
  type        = number
}

variable "deletion_protection" {
  description = "Whether deleting the journal takes two steps."
  type        = bool
}

variable "subnet_ids" {
  description = "Where tasks run."
  type        = list(string)
}

variable "security_group_ids" {
  description = "What the daemon may speak to."
  type        = list(string)
}

variable "db_subnet_group_name" {
  description = "The data tier."
  type        = string
}

variable "journal_security_group_ids" {
  description = "Who may speak to the journal."
  type        = list(string)
}

variable "monitoring_role_arn" {
  description = "The role with which RDS writes its machines' metrics."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}

variable "data_key_arn" {
  description = "The key that the journal is encrypted with."
  type        = string
}

variable "secrets_key_arn" {
  description = "The key that secrets are encrypted with."
  type        = string
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
