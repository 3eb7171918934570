# The brokers' promises: nobody without a password, nothing in plain text, no acknowledged event lost with one broker.

mock_provider "aws" {
  mock_resource "aws_msk_cluster" {
    defaults = { arn = "arn:aws:kafka:sa-east-1:123456789012:cluster/wallet-test/00000000-0000-0000-0000-000000000000-1" }
  }
  mock_resource "aws_msk_configuration" {
    defaults = { arn = "arn:aws:kafka:sa-east-1:123456789012:configuration/wallet-test/00000000-0000-0000-0000-000000000000-1" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:AmazonMSK_wallet-test-abcdef" }
  }
}

variables {
  name               = "wallet-test"
  subnet_ids         = ["subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"]
  security_group_ids = ["sg-0123456789abcdef0"]
  instance_type      = "kafka.m5.large"
  volume_gb          = { min = 100, max = 500 }
  log_retention_days = 90
  data_key_arn       = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000001"
  secrets_key_arn    = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn       = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000003"
}

run "nobody_comes_without_a_password_or_in_plain_text" {
  command = plan

  assert {
    condition     = aws_msk_cluster.this.encryption_info[0].encryption_in_transit[0].client_broker == "TLS"
    error_message = "clients must speak TLS"
  }
  assert {
    condition     = aws_msk_cluster.this.client_authentication[0].unauthenticated == false && aws_msk_cluster.this.client_authentication[0].sasl[0].scram
    error_message = "clients must show a password"
  }
}

run "one_broker_may_die" {
  command = plan

  assert {
    condition = alltrue([
      for line in ["default.replication.factor=3", "min.insync.replicas=2", "unclean.leader.election.enable=false", "auto.create.topics.enable=false"] :
      strcontains(aws_msk_configuration.this.server_properties, line)
    ])
    error_message = "an acknowledged event could be lost"
  }
  assert {
    condition     = aws_msk_topic.events.replication_factor == 3 && jsondecode(aws_msk_topic.events.configs)["min.insync.replicas"] == "2"
    error_message = "the topic must be kept three times, and on two before an answer"
  }
}

run "the_password_stays_out_of_the_state" {
  command = apply

  assert {
    condition     = aws_secretsmanager_secret_version.scram.secret_string_wo == null && startswith(aws_secretsmanager_secret.scram.name, "AmazonMSK_")
    error_message = "the password reached the state, or brokers do not take the secret's name"
  }
}

run "brokers_that_do_not_fill_the_zones_are_refused" {
  command = plan
  variables {
    brokers = 4
  }
  expect_failures = [var.brokers]
}

run "an_old_kafka_is_refused" {
  command = plan
  variables {
    kafka_version = "2.8.1"
  }
  expect_failures = [var.kafka_version]
}
