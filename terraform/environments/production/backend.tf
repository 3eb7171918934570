# Where this environment's state is: the bucket that terraform/bootstrap made in its account, named at init by
# -backend-config="bucket=...". Locked by a file beside the state.
terraform {
  backend "s3" {
    key          = "wallet/production/terraform.tfstate"
    region       = "sa-east-1"
    encrypt      = true
    use_lockfile = true
  }
}
