# What makes one environment differ from another. Sizes stand in environments/NAME/main.tf; `deployment` is what only
# the account's owner knows, and stands in terraform.tfvars.

variable "environment" {
  description = "Which environment this is."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment must be staging or production."
  }
}

variable "protected" {
  description = "Whether deleting what holds data takes two steps."
  type        = bool

  validation {
    condition     = var.protected || var.environment != "production"
    error_message = "production must be protected."
  }
}

variable "network" {
  description = "Addresses, ways out (1 or 3) and AWS services that are reached privately."
  type = object({
    cidr                = string
    nat_gateways        = number
    interface_endpoints = optional(set(string), [])
  })
}

variable "service" {
  description = "wallet-svc: one task's size; how many (start is the first and AWS's minimum, min is how low control may go); the load to aim at."
  type = object({
    task  = object({ cpu = number, memory = number, architecture = optional(string, "X86_64") })
    tasks = object({ min = number, start = number, max = number })
    targets = optional(object({
      cpu_percent         = optional(number, 60)
      memory_percent      = optional(number, 75)
      requests_per_second = optional(number, 800)
    }), {})
    schedules = optional(map(object({ cron = string, min = number, max = number, zone = optional(string, "America/Sao_Paulo") })), {})
    settings  = optional(map(string), {})
  })

  validation {
    condition     = var.service.tasks.max <= 20 || var.service.task.cpu <= 4096
    error_message = "more than twenty tasks of 4 vCPU are beyond what was designed, and beyond the account's first quota."
  }
}

variable "database" {
  description = "The ledger: class of every instance, readers, storage that was planned for, and how storage is paid."
  type = object({
    instance_class = string
    readers        = object({ min = number, max = number, cpu_percent = optional(number, 60) })
    storage_gb     = number
    io_optimized   = optional(bool, false)
  })

  validation {
    condition     = contains(["db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge"], var.database.instance_class)
    error_message = "database.instance_class must be db.r6g.large, xlarge, 2xlarge or 4xlarge: alarms know the limits of these."
  }
}

variable "cache" {
  description = "Balances: type and number of nodes."
  type        = object({ node_type = string, nodes = number })
}

variable "messaging" {
  description = "Events: type and number of brokers, and the size of each one's volume at first and at most."
  type = object({
    instance_type = string
    brokers       = optional(number, 3)
    volume_gb     = object({ min = number, max = number })
  })
}

variable "control" {
  description = "The control daemon: what it may do, one task's size, and its journal's database."
  type = object({
    mode    = string
    task    = object({ cpu = number, memory = number, architecture = optional(string, "X86_64") })
    journal = object({ instance_class = string, multi_az = bool })
  })
}

variable "retention" {
  description = "How many days things are kept: restorable databases, monthly backups, logs, the audit trail."
  type = object({
    backup_days          = number
    monthly_backup_days  = number
    log_days             = number
    audit_lock_days      = number
    audit_keep_days      = number
    record_configuration = optional(bool, true)
  })

  validation {
    condition     = contains([90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention.log_days)
    error_message = "retention.log_days must be a number that CloudWatch Logs knows, 90 at least, such as 90, 180, 365 or 731."
  }
  validation {
    condition     = var.environment != "production" || (var.retention.audit_lock_days >= 365 && var.retention.log_days >= 365)
    error_message = "production keeps its audit trail and logs for 365 days at least (PCI DSS 10.5.1)."
  }
}

variable "budget_usd" {
  description = "What a month may cost."
  type        = number

  validation {
    condition     = var.budget_usd >= 1 && floor(var.budget_usd) == var.budget_usd
    error_message = "budget_usd must be whole dollars."
  }
}

variable "images" {
  description = "Tags of the two public images that tasks are started with, and the file in our own images by which RDS's certificates are checked."
  type = object({
    busybox          = optional(string, "1.37.0-musl")
    mysql            = optional(string, "8.4")
    database_ca_file = optional(string, "/etc/ssl/rds/global-bundle.pem")
  })
  default = {}
}

variable "deployment" {
  description = "What only the account's owner knows; each is explained in terraform.tfvars.example."
  type = object({
    domain_name          = string
    zone_id              = string
    image_tags           = object({ wallet-svc = string, control = string })
    identity             = object({ issuer = string, audience = optional(string, "wallet"), jwks = string })
    requests_per_address = optional(number, 30000)
    cloudfront           = optional(bool, false)
    copy_abroad          = bool
    contacts = object({
      emails                = object({ p1 = list(string), p2 = list(string), p3 = list(string) })
      phones                = list(string)
      next_in_line          = optional(list(object({ name = string, phones = list(string), emails = list(string) })), [])
      sms_monthly_limit_usd = optional(number, 1)
    })
    control_identity        = optional(string)
    canary_token_secret_arn = optional(string)
    passwords_version       = optional(number, 1)
    cost_tags               = optional(set(string), [])
    github = optional(object({
      repository       = string
      branch           = optional(string, "main")
      create_provider  = optional(bool, true)
      state_bucket_arn = string
      state_key_arn    = string
    }))
  })
}
