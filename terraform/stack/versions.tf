# What the stack needs: the provider of its own region, and one of the region that backups are copied to.
terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "~> 6.0"
      configuration_aliases = [aws.replica]
    }
  }
}
