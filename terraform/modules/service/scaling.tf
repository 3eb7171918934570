# How many tasks there are. Target tracking is the fast loop and survives the control daemon's death; control moves the minimum.

resource "aws_appautoscaling_target" "tasks" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.tasks.start
  max_capacity       = var.tasks.max
  tags               = var.tags

  lifecycle {
    ignore_changes = [min_capacity]
  }
}

locals {
  targets = {
    cpu      = { metric = "ECSServiceAverageCPUUtilization", value = var.targets.cpu_percent, label = null }
    memory   = { metric = "ECSServiceAverageMemoryUtilization", value = var.targets.memory_percent, label = null }
    requests = { metric = "ALBRequestCountPerTarget", value = var.targets.requests_per_second * 60, label = var.request_count_label }
  }
}

resource "aws_appautoscaling_policy" "tasks" {
  for_each = local.targets

  name               = "${var.name}-tasks-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.tasks.service_namespace
  scalable_dimension = aws_appautoscaling_target.tasks.scalable_dimension
  resource_id        = aws_appautoscaling_target.tasks.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.value
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.value.label
    }
  }
}

# Hours at which more or fewer tasks are wanted than the load alone asks for.
resource "aws_appautoscaling_scheduled_action" "tasks" {
  for_each = var.schedules

  name               = "${var.name}-${each.key}"
  service_namespace  = aws_appautoscaling_target.tasks.service_namespace
  scalable_dimension = aws_appautoscaling_target.tasks.scalable_dimension
  resource_id        = aws_appautoscaling_target.tasks.resource_id
  schedule           = each.value.cron
  timezone           = each.value.zone

  scalable_target_action {
    min_capacity = each.value.min
    max_capacity = each.value.max
  }
}
