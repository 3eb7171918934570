# The registry's promises: a tag means one image for ever, each is scanned, copies only where they are wanted.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name        = "wallet-test"
  kms_key_arn = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "a_tag_is_one_image" {
  command = plan

  assert {
    condition     = toset(keys(aws_ecr_repository.this)) == toset(["wallet-svc", "control"])
    error_message = "one repository for each thing that is deployed"
  }
  assert {
    condition = alltrue([
      for repository in aws_ecr_repository.this :
      repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push
    ])
    error_message = "tags must not move, and images must be scanned"
  }
  assert {
    condition     = length(aws_ecr_replication_configuration.this) == 0
    error_message = "no copy abroad unless asked for"
  }
}

run "copies_go_where_they_are_wanted" {
  command = plan
  variables {
    copy_region = "us-east-1"
  }

  assert {
    condition     = aws_ecr_replication_configuration.this[0].replication_configuration[0].rule[0].destination[0].region == "us-east-1"
    error_message = "images must be copied to the region that was named"
  }
}

run "keeping_too_few_is_refused" {
  command = plan
  variables {
    images_kept = 1
  }
  expect_failures = [var.images_kept]
}
