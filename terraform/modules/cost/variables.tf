# What an environment may cost, and who hears when it costs more.

variable "name" {
  description = "Prefix of every name, e.g. wallet-production."
  type        = string
}

variable "environment" {
  description = "Value of the tag Environment, by which costs are told apart."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, beside the provider's default tags."
  type        = map(string)
  default     = {}
}

variable "budget_usd" {
  description = "What a month may cost. scripts/check-terraform.sh prints what the plan costs; keep this a little above."
  type        = number

  validation {
    condition     = var.budget_usd > 0
    error_message = "A budget is more than nothing."
  }
}

variable "anomaly_usd" {
  description = "An unusual cost of this much, compared with what was expected, is told."
  type        = number
  default     = 100
}

variable "topic_arn" {
  description = "Topic that hears of budget and anomalies; P3."
  type        = string
}

variable "emails" {
  description = "Addresses that get budget messages directly, should the topic fail."
  type        = list(string)

  validation {
    condition     = length(var.emails) > 0
    error_message = "Somebody must hear of the budget."
  }
}

variable "cost_tags" {
  description = "Tags by which the bill is split. AWS knows a tag a day after its first use, so this is empty at the first apply and set at the second; control's bill needs Environment."
  type        = set(string)
  default     = []
}
