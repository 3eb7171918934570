# Four dashboards. Each is a list of panels; their places follow from their order, three in a row.

data "aws_region" "this" {}

locals {
  panels = {
    business       = local.business
    technical      = local.technical
    infrastructure = local.infrastructure
    security       = local.security
  }
  # What stands above the panels: the alarms whose severity the dashboard's readers answer for.
  shown = {
    business       = ["P1"]
    technical      = ["P1", "P2", "P4"]
    infrastructure = ["P1", "P2", "P3", "P4"]
    security       = ["P2", "P3"]
  }

  widgets = { for dashboard, panels in local.panels : dashboard => concat(
    [
      {
        type = "text", x = 0, y = 0, width = 24, height = 2
        properties = {
          markdown = "# ${var.name}: ${dashboard}\n${local.links}"
        }
      },
      {
        type = "alarm", x = 0, y = 2, width = 24, height = 4
        properties = {
          title  = "Alarms ${join(", ", local.shown[dashboard])}"
          alarms = slice(local.shown_arns[dashboard], 0, min(100, length(local.shown_arns[dashboard])))
        }
      },
    ],
    [for index, panel in panels : {
      type   = "metric"
      x      = 8 * (index % 3)
      y      = 6 + 6 * floor(index / 3)
      width  = 8
      height = 6
      properties = merge(
        {
          title                = panel.title
          view                 = try(panel.view, "timeSeries")
          region               = data.aws_region.this.region
          stat                 = panel.stat
          period               = 60
          metrics              = panel.metrics
          setPeriodToTimeRange = try(panel.whole, false)
        },
        can(panel.min) || can(panel.max) ? {
          yAxis = { left = { for edge in ["min", "max"] : edge => panel[edge] if can(panel[edge]) } }
        } : {},
        can(panel.line) ? { annotations = { horizontal = [{ label = "promised", value = panel.line }] } } : {},
      )
    }],
  ) }
  shown_arns = { for dashboard, severities in local.shown :
    dashboard => flatten([for severity in severities : lookup(var.alarms, severity, [])])
  }
  links   = join(" · ", [for other in keys(local.panels) : "[${other}](#dashboards:name=${var.name}-${other})"])
  console = "https://${data.aws_region.this.region}.console.aws.amazon.com/cloudwatch/home"
}

resource "aws_cloudwatch_dashboard" "this" {
  for_each = local.widgets

  dashboard_name = "${var.name}-${each.key}"
  dashboard_body = jsonencode({ start = "-PT3H", periodOverride = "auto", widgets = each.value })
}
