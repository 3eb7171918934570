# The daemon's promises: exactly the calls of its code, nobody reaches it, no password in the definition, a file that it accepts.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/wallet-test" }
  }
  mock_data "aws_region" {
    defaults = { region = "sa-east-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name                    = "wallet-test"
  environment             = "production"
  mode                    = "act"
  image                   = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/wallet-test/control:1.0.0"
  tools_image             = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/public/docker/library/busybox:1.37.0-musl"
  mysql_image             = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/public/docker/library/mysql:8.4"
  repository_arn          = "arn:aws:ecr:sa-east-1:123456789012:repository/wallet-test/control"
  public_repositories_arn = "arn:aws:ecr:sa-east-1:123456789012:repository/public/*"
  task                    = { cpu = 512, memory = 1024 }
  service = {
    cluster      = "wallet-test"
    cluster_arn  = "arn:aws:ecs:sa-east-1:123456789012:cluster/wallet-test"
    name         = "wallet-svc"
    arn          = "arn:aws:ecs:sa-east-1:123456789012:service/wallet-test/wallet-svc"
    target_group = "wallet-test-svc"
  }
  database     = { cluster = "wallet-test", instances = ["wallet-test-1", "wallet-test-2", "wallet-test-3"] }
  cache_group  = "wallet-test"
  broker_arn   = "arn:aws:kafka:sa-east-1:123456789012:cluster/wallet-test/00000000-0000-0000-0000-000000000000-1"
  tasks        = { min = 3, start = 6, max = 20 }
  targets      = { cpu_percent = 60, memory_percent = 75, requests_per_second = 800 }
  readers      = { min = 2, max = 5, cpu_percent = 60 }
  next_in_line = [{ name = "second", sms = "arn:aws:sns:sa-east-1:123456789012:second-sms", email = "arn:aws:sns:sa-east-1:123456789012:second" }]
  topics = {
    p1_sms = "arn:aws:sns:sa-east-1:123456789012:p1-sms"
    p1     = "arn:aws:sns:sa-east-1:123456789012:p1"
    p2     = "arn:aws:sns:sa-east-1:123456789012:p2"
    p3     = "arn:aws:sns:sa-east-1:123456789012:p3"
  }
  budget_usd = 11000
  counts     = { nat_gateway = 3, key = 6 }
  secret_arns = {
    journal = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:wallet-test/journal-abcdef"
    tokens  = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:wallet-test/control-tokens-abcdef"
  }
  journal                    = { instance_class = "db.t4g.micro", multi_az = true, username = "control", ca_file = "/etc/ssl/rds.pem" }
  backup_days                = 35
  deletion_protection        = true
  subnet_ids                 = ["subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"]
  security_group_ids         = ["sg-0123456789abcdef0"]
  db_subnet_group_name       = "wallet-test-data"
  journal_security_group_ids = ["sg-0123456789abcdef1"]
  monitoring_role_arn        = "arn:aws:iam::123456789012:role/wallet-test-rds-monitoring"
  log_retention_days         = 365
  data_key_arn               = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000001"
  secrets_key_arn            = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn               = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000003"
}

run "it_may_do_what_its_code_calls_and_nothing_else" {
  command = plan

  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.calls.policy).Statement : statement.Action])) == toset([
      "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
      "application-autoscaling:RegisterScalableTarget", "ce:GetCostAndUsage", "cloudwatch:GetMetricData",
      "cloudwatch:PutMetricData", "ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask",
      "ecs:UpdateService", "elasticache:DescribeReplicationGroups", "elasticache:TestFailover",
      "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancers",
      "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
      "kafka:DescribeCluster", "kafka:GetBootstrapBrokers", "kafka:ListNodes", "kafka:RebootBroker",
      "rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:FailoverDBCluster", "sns:Publish",
    ])
    error_message = "the policy must name the calls of control/src/aws"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.calls.policy).Statement :
      !contains(statement.Resource, "*") || can(statement.Condition) || statement.Sid == "ReadWhatAwsKnowsOnlyAsAWhole"
    ])
    error_message = "every change must name its resource"
  }
}

run "nobody_reaches_it_from_outside" {
  command = apply

  assert {
    condition     = strcontains(join(" ", jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command), "--listen 127.0.0.1:7070")
    error_message = "it must listen on loopback only"
  }
  assert {
    condition     = length(aws_ecs_service.this.load_balancer) == 0 && aws_ecs_service.this.network_configuration[0].assign_public_ip == false
    error_message = "no load balancer and no public address"
  }
}

run "a_pair_with_a_journal_of_its_own" {
  command = plan

  assert {
    condition     = aws_ecs_service.this.desired_count == 2
    error_message = "a leader and a standby"
  }
  assert {
    condition     = aws_db_instance.journal.multi_az && aws_db_instance.journal.manage_master_user_password && aws_db_instance.journal.storage_encrypted
    error_message = "the journal must survive a zone, and no password may pass through Terraform"
  }
}

run "no_password_in_the_definition" {
  command = apply

  assert {
    condition = !anytrue([
      for container in jsondecode(aws_ecs_task_definition.this.container_definitions) :
      anytrue([for variable in try(container.environment, []) : can(regex("(PASSWORD|TOKEN)$", variable.name))])
    ])
    error_message = "passwords and tokens must come as secrets"
  }
  assert {
    condition     = strcontains(join(" ", jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command), "ssl-mode=VERIFY_IDENTITY")
    error_message = "the journal's certificate must be checked"
  }
}

run "the_file_is_whole" {
  command = plan

  assert {
    condition     = yamldecode(output.environment_file).tier == "production" && yamldecode(output.environment_file).scaling.mode == "floor"
    error_message = "production, by the floor"
  }
  assert {
    condition     = length([for name in keys(yamldecode(output.environment_file).signals) : name if startswith(name, "lag_ms_")]) == 3
    error_message = "each instance's lag must be read"
  }
}

run "another_mode_is_refused" {
  command = plan
  variables {
    mode = "yes"
  }
  expect_failures = [var.mode]
}

run "a_private_price_is_refused" {
  command = plan
  variables {
    counts = { lambda = 3 }
  }
  expect_failures = [var.counts]
}

run "a_minimum_above_the_start_is_refused" {
  command = plan
  variables {
    tasks = { min = 8, start = 6, max = 20 }
  }
  expect_failures = [var.tasks]
}
