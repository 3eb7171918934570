# What the topics are called, and who hears of what.

variable "name" {
  description = "Prefix of every name, e.g. wallet-production."
  type        = string
}

variable "environment" {
  description = "The environment: staging or production."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the topics. Its policy must let cloudwatch, events, budgets, costalerts, backup and sns use it, or alarms reach nobody."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, beside the provider's default tags."
  type        = map(string)
  default     = {}
}

variable "emails" {
  description = "E-mail addresses by severity. Each address must confirm its subscription once. P4 is shown on dashboards and mailed to nobody."
  type = object({
    p1 = list(string)
    p2 = list(string)
    p3 = list(string)
  })

  validation {
    condition     = alltrue([for list in values(var.emails) : length(list) > 0])
    error_message = "P1, P2 and P3 each need an e-mail address: an alarm that reaches nobody is none."
  }
  validation {
    condition     = alltrue([for address in flatten(values(var.emails)) : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "Each entry of emails must be an e-mail address."
  }
}

variable "phones" {
  description = "Mobile numbers that get P1 by SMS, as +5511987654321. A new account is in the SMS sandbox: verify each number there, or leave it."
  type        = list(string)

  validation {
    condition     = length(var.phones) > 0
    error_message = "P1 needs a mobile number: it is sent by SMS and by e-mail."
  }
  validation {
    condition     = alltrue([for number in var.phones : can(regex("^\\+[1-9][0-9]{7,14}$", number))])
    error_message = "Each phone must be in E.164 form, e.g. +5511987654321."
  }
}

variable "next_in_line" {
  description = "Who is told when nobody acknowledges a P1, in this order; control escalates to them. Names are lower case, e.g. second, third."
  type = list(object({
    name   = string
    phones = list(string)
    emails = list(string)
  }))
  default = []

  validation {
    condition = alltrue([for level in var.next_in_line :
      can(regex("^[a-z][a-z0-9]{1,20}$", level.name)) && length(level.phones) > 0 && length(level.emails) > 0
    ])
    error_message = "Each level needs a lower-case name, a phone and an e-mail address."
  }
  validation {
    condition     = length(distinct([for level in var.next_in_line : level.name])) == length(var.next_in_line)
    error_message = "Two levels of next_in_line have one name."
  }
}

variable "sms_monthly_limit_usd" {
  description = "What SMS may cost a month in this account; beyond it AWS drops them. AWS starts every account at 1 USD; a limit above the quota is refused until support raises it."
  type        = number
  default     = 1

  validation {
    condition     = var.sms_monthly_limit_usd >= 1
    error_message = "With less than 1 USD a month no page goes out."
  }
}
