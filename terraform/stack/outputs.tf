# What people, scripts and the pipeline need to know afterwards.

output "url" {
  description = "Where clients reach the wallet."
  value       = module.edge.url
}

output "control_environment" {
  description = "control's environment file, as its tasks read it. Write it to control/environments/NAME.yaml to check it."
  value       = module.control.environment_file
}

output "repository_urls" {
  description = "Where images are pushed: wallet-svc, control."
  value       = module.registry.repository_urls
}

output "deploy" {
  description = "What a deployment runs and where: the cluster, its services, and the one-off tasks with their network."
  value = {
    cluster         = module.service.cluster_name
    service         = module.service.service_name
    control         = module.control.service_name
    migrate_task    = module.service.migrate_task
    journal_task    = module.control.setup_task
    subnets         = module.network.app_subnet_ids
    security_groups = [module.security_groups.ids["setup"]]
    target_group    = module.edge.target_group_arn
  }
}

output "control_port" {
  description = "Where control answers on its task's loopback; forward a port to the container named door."
  value       = module.control.port
}

output "control_tokens_secret" {
  description = "The secret in which people's token hashes are kept for control."
  value       = module.secrets.arns["control-tokens"]
}

output "control_role" {
  description = "The role that control acts with."
  value       = module.control.task_role_name
}

output "nat_public_ips" {
  description = "The addresses that the world sees of us."
  value       = module.network.nat_public_ips
}

output "dashboards" {
  description = "Dashboards in the console."
  value       = module.dashboards.urls
}

output "topics" {
  description = "Where people are told."
  value       = module.notify.topic_arns
}

output "pipeline_roles" {
  description = "The roles of the pipeline; null without one."
  value = one([for ci in module.ci : {
    plan  = ci.plan_role_arn
    apply = ci.apply_role_arn
  }])
}

output "budget_usd" {
  description = "What a month may cost."
  value       = var.budget_usd
}
