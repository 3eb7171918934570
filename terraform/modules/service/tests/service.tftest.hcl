# The service's promises: a true health check, no password in the definition, scaling that Terraform does not fight.

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
  environment             = "test"
  image                   = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/wallet-test/wallet-svc:1.0.0"
  tools_image             = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/public/docker/library/busybox:1.37.0-musl"
  mysql_image             = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/public/docker/library/mysql:8.4"
  repository_arn          = "arn:aws:ecr:sa-east-1:123456789012:repository/wallet-test/wallet-svc"
  public_repositories_arn = "arn:aws:ecr:sa-east-1:123456789012:repository/public/*"
  task                    = { cpu = 4096, memory = 8192 }
  tasks                   = { start = 6, max = 20 }
  database = {
    writer = "writer.example", reader = "reader.example", name = "wallet", username = "wallet", admin = "wallet_admin", ca_file = "/etc/ssl/rds.pem"
  }
  events = { brokers = "b-1.example:9096", topic = "wallet.events" }
  identity = {
    issuer = "https://id.example.com/"
    jwks   = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"
  }
  secret_arns = {
    database       = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:wallet-test/database-abcdef"
    database_admin = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:rds!cluster-abcdef"
    events         = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:AmazonMSK_wallet-test-abcdef"
    cache          = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:wallet-test/cache-abcdef"
  }
  secrets_key_arn     = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000002"
  subnet_ids          = ["subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"]
  security_group_ids  = ["sg-0123456789abcdef0"]
  target_group_arn    = "arn:aws:elasticloadbalancing:sa-east-1:123456789012:targetgroup/wallet-test-svc/0123456789abcdef"
  request_count_label = "app/wallet-test/0123456789abcdef/targetgroup/wallet-test-svc/0123456789abcdef"
  log_retention_days  = 90
  logs_key_arn        = "arn:aws:kms:sa-east-1:123456789012:key/00000000-0000-0000-0000-000000000003"
}

run "the_health_check_is_the_services_own" {
  command = apply

  assert {
    condition     = endswith(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck.command[8], ":8080/healthz")
    error_message = "the container must be asked at /healthz on the port that it listens on"
  }
  assert {
    condition = alltrue([
      for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.readonlyRootFilesystem
    ])
    error_message = "root file systems must be read-only"
  }
}

run "passwords_come_from_secrets_manager" {
  command = apply

  assert {
    condition = toset([for secret in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets : secret.name]) == toset(
      ["WALLET_DB_PASSWORD", "WALLET_KAFKA_PASSWORD", "WALLET_KAFKA_USERNAME", "WALLET_REDIS_URL"]
    )
    error_message = "what is secret must come as a secret"
  }
  assert {
    condition = alltrue([
      for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment :
      !strcontains(variable.name, "PASSWORD") && !can(regex("mysql://[^@/]*:", variable.value))
    ])
    error_message = "a password stands in the task definition"
  }
  assert {
    condition = alltrue([
      for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment :
      strcontains(variable.value, "ssl-mode=VERIFY_IDENTITY") if startswith(variable.value, "mysql://")
    ])
    error_message = "the database's certificate must be checked"
  }
}

run "a_bad_version_is_taken_back" {
  command = plan

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "the circuit breaker must roll back"
  }
  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.availability_zone_rebalancing == "ENABLED"
    error_message = "a deployment must take no capacity, and zones must be filled evenly"
  }
}

run "three_targets_within_the_limits" {
  command = plan

  assert {
    condition     = toset(keys(aws_appautoscaling_policy.tasks)) == toset(["cpu", "memory", "requests"])
    error_message = "CPU, memory and requests must each be able to add tasks"
  }
  assert {
    condition     = aws_appautoscaling_target.tasks.min_capacity == 6 && aws_appautoscaling_target.tasks.max_capacity == 20
    error_message = "six to twenty"
  }
}

run "it_may_publish_its_metrics_and_nothing_else" {
  command = plan

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Action] == ["cloudwatch:PutMetricData"]
    error_message = "the service calls PutMetricData only"
  }
}

run "a_size_that_fargate_lacks_is_refused" {
  command = plan
  variables {
    task = { cpu = 4096, memory = 4096 }
  }
  expect_failures = [var.task]
}

run "the_tag_latest_is_refused" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/wallet-test/wallet-svc:latest"
  }
  expect_failures = [var.image]
}

run "a_private_key_is_refused" {
  command = plan
  variables {
    identity = { issuer = "https://id.example.com/", jwks = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"11qY\",\"d\":\"nWGx\"}]}" }
  }
  expect_failures = [var.identity]
}

run "a_password_among_the_settings_is_refused" {
  command = plan
  variables {
    settings = { WALLET_DB_PASSWORD = "x" }
  }
  expect_failures = [var.settings]
}
