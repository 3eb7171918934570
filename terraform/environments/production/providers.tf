# The account and its regions. Every resource carries these tags; costs are told apart by Environment.

locals {
  tags = {
    Project     = "wallet"
    Environment = "production"
    ManagedBy   = "terraform"
    Owner       = var.owner
  }
}

provider "aws" {
  region              = "sa-east-1"
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

# The region that encrypted copies of backups are kept in.
provider "aws" {
  alias               = "replica"
  region              = "us-east-1"
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}
