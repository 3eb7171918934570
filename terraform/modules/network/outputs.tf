# What others build on.

output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "The network's addresses."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Where the load balancer and the NAT gateways are."
  value       = local.ids["public"]
}

output "app_subnet_ids" {
  description = "Where tasks run."
  value       = local.ids["app"]
}

output "data_subnet_ids" {
  description = "Where databases, cache and brokers are."
  value       = local.ids["data"]
}

output "db_subnet_group_name" {
  description = "The data tier as RDS knows it."
  value       = aws_db_subnet_group.data.name
}

output "cache_subnet_group_name" {
  description = "The data tier as ElastiCache knows it."
  value       = aws_elasticache_subnet_group.data.name
}

output "nat_public_ips" {
  description = "The addresses that the world sees."
  value       = [for address in aws_eip.nat : address.public_ip]
}

output "nat_gateway_ids" {
  description = "The gateways by zone."
  value       = { for zone, gateway in aws_nat_gateway.this : zone => gateway.id }
}

output "flow_log_group_name" {
  description = "Where the flow logs are."
  value       = aws_cloudwatch_log_group.flow.name
}
