# Where images are.

output "repository_urls" {
  description = "Repositories by image: wallet-svc, control."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.repository_url }
}

output "repository_arns" {
  description = "Repository ARNs by image."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.arn }
}

output "public_prefix" {
  description = "Before the name of an image of public.ecr.aws, such as docker/library/busybox."
  value = join("/", [
    "${data.aws_caller_identity.this.account_id}.dkr.ecr.${data.aws_region.this.region}.amazonaws.com",
    aws_ecr_pull_through_cache_rule.public.ecr_repository_prefix,
  ])
}

output "public_repositories_arn" {
  description = "The repositories that the cache of public images makes."
  value       = "arn:aws:ecr:${data.aws_region.this.region}:${data.aws_caller_identity.this.account_id}:repository/${aws_ecr_pull_through_cache_rule.public.ecr_repository_prefix}/*"
}
