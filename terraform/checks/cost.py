"""Traps 8 and 9: sizes that exist and have a price, what a month costs, and the budget against it."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from . import metrics
from .world import Document, World

HOURS = 730
MONTH_SECONDS = HOURS * 3600
# Staging may cost this share of production, and a budget may stand so far above the bill.
STAGING_MAX = 0.27
BUDGET_MAX = 1.50

# The seed's own table, for comparison: low and high, in USD a month.
SEED = {
    "compute": (800, 2400),
    "database": (1200, 1200),
    "cache": (400, 400),
    "broker": (600, 600),
    "network": (200, 200),
    "watching": (300, 300),
    "storage and backup": (200, 200),
}
SEED_STAGING = (800, 1200)
MEMORY_GB = {0.25: (0.5, 2), 0.5: (1, 4), 1: (2, 8), 2: (4, 16), 4: (8, 30), 8: (16, 60), 16: (32, 120)}


class Line(NamedTuple):
    """One line of a bill."""

    group: str
    what: str
    usd: float


class Prices:
    """control's price book and the few prices beside it. What has no price is remembered."""

    def __init__(self, root: Path) -> None:
        books = [root / "control/prices/sa-east-1.yaml", Path(__file__).with_name("prices.yaml")]
        self.books = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in books]
        self.unknown: list[str] = []

    def of(self, section: str, name: str) -> float:
        """A price; zero and a finding if there is none."""
        for book in self.books:
            entry = (book.get(section) or {}).get(name)
            if entry:
                return float(entry["usd"])
        self.unknown.append(f"{section} {name}")
        return 0.0


def _number(value: Any) -> float:
    return float(value or 0)


def _tasks(state: Document) -> list[tuple[str, int, float, float]]:
    """Name, number, vCPU and GB of each service's tasks; an autoscaled one counts with its least."""
    least = {
        one.text("resource_id").rsplit("/", 1)[-1]: one.values.get("min_capacity")
        for one in state.of("aws_appautoscaling_target")
    }
    definitions = {}
    for one in state.of("aws_ecs_task_definition"):
        for key in ("arn", "arn_without_revision", "family", "id"):
            definitions[one.text(key)] = one
    tasks = []
    for one in state.of("aws_ecs_service"):
        name = one.text("name")
        definition = definitions.get(one.text("task_definition"))
        if definition:
            count = int(least.get(name) or one.values.get("desired_count") or 0)
            tasks.append(
                (name, count, _number(definition.values["cpu"]) / 1024, _number(definition.values["memory"]) / 1024)
            )
    return tasks


def _databases(state: Document, prices: Prices) -> list[Line]:
    lines = []
    classes = [one.text("instance_class") for one in state.of("aws_rds_cluster_instance")]
    for name in sorted(set(classes)):
        usd = prices.of("database_hourly", name)
        lines.append(Line("database", f"{classes.count(name)} × {name}", classes.count(name) * usd * HOURS))
    for one in state.of("aws_db_instance"):
        size, zones = one.text("instance_class"), 2 if one.values.get("multi_az") else 1
        usd = prices.of("hourly", size.replace("db.", "mysql_").replace(".", "_"))
        gb = _number(one.values.get("allocated_storage"))
        lines.append(
            Line(
                "database",
                f"journal: {size} in {zones} zones, {gb:.0f} GB",
                zones * (usd * HOURS + gb * prices.of("monthly", "mysql_gb")),
            )
        )
    return lines


def _network(state: Document, prices: Prices, use: dict[str, Any]) -> list[Line]:
    balancers = [one for one in state.of("aws_lb") if one.text("load_balancer_type") in ("application", "")]
    gateways = len(state.of("aws_nat_gateway"))
    zones = max([len(one.values.get("subnets") or []) for one in balancers] or [0])
    addresses = len(state.of("aws_eip")) + zones * len(balancers)
    doors = sum(
        len(one.values.get("subnet_ids") or [])
        for one in state.of("aws_vpc_endpoint")
        if one.text("vpc_endpoint_type") == "Interface"
    )
    millions = use["requests_a_second"] * MONTH_SECONDS / 1e6
    gb = millions * use["answer_kb"]
    # A unit is 1 GB an hour or 25 new connections a second; one request in ten opens one, and each moves 2 kB.
    units = max(1.0, use["requests_a_second"] / 10 / 25, use["requests_a_second"] * 2e3 * 3600 / 1e9)
    balancer = (
        len(balancers)
        * HOURS
        * (prices.of("hourly", "load_balancer") + units * prices.of("hourly", "load_balancer_unit"))
    )
    gateway = gateways * (
        HOURS * prices.of("hourly", "nat_gateway") + use["nat_gb_each"] * prices.of("by_use", "nat_gb")
    )
    return [
        Line("network", f"load balancer with {units:.1f} units", balancer),
        Line("network", f"{gateways} NAT gateways with {use['nat_gb_each']} GB each", gateway),
        Line("network", f"{addresses} public addresses", addresses * HOURS * prices.of("hourly", "public_address")),
        Line("network", f"{doors} interfaces of endpoints", doors * HOURS * prices.of("hourly", "interface_endpoint")),
        Line(
            "network",
            f"{gb:.0f} GB to the internet, twice that between zones",
            gb * (prices.of("by_use", "internet_gb") + 2 * prices.of("by_use", "between_zones_gb")),
        ),
    ]


def _watching(state: Document, prices: Prices, use: dict[str, Any], root: Path) -> list[Line]:
    alarms, fast = 0, 0
    for one in state.of("aws_cloudwatch_metric_alarm"):
        inputs = sum(len(query.get("metric") or []) for query in one.values.get("metric_query") or [])
        if _number(one.values.get("period")) in (10.0, 20.0, 30.0):
            fast += 1
        else:
            alarms += max(1, inputs)
    composites, boards = len(state.of("aws_cloudwatch_composite_alarm")), len(state.of("aws_cloudwatch_dashboard"))
    kinds = len(metrics.operations(root))
    own = sum(
        kinds if {"Environment", "Operation"} in shapes else 0
        for names in metrics.ours(root).values()
        for shapes in names.values()
    )
    own += sum(len(names) for names in metrics.ours(root).values()) + len(state.of("aws_cloudwatch_log_metric_filter"))
    custom = own + use["container_insights_metrics"]
    millions = use["requests_a_second"] * MONTH_SECONDS / 1e6
    log_gb = millions * use["log_bytes_a_request"] / 1000 + use["other_log_gb"]
    rules = sum(len(one.values.get("rule") or []) for one in state.of("aws_wafv2_web_acl"))
    acls = len(state.of("aws_wafv2_web_acl"))
    keys, secrets = len(state.of("aws_kms_key")), len(state.of("aws_secretsmanager_secret"))
    managed = sum(
        1 for one in state.of("aws_rds_cluster", "aws_db_instance") if one.values.get("manage_master_user_password")
    )
    wall = (
        acls * prices.of("monthly", "firewall")
        + rules * prices.of("monthly", "firewall_rule")
        + acls * millions * prices.of("by_use", "firewall_million")
    )
    warned = (
        alarms * prices.of("monthly", "alarm")
        + fast * prices.of("monthly", "fast_alarm")
        + composites * prices.of("monthly", "composite_alarm")
    )
    return [
        Line(
            "watching",
            f"{log_gb:.0f} GB of logs",
            log_gb * (prices.of("by_use", "log_gb") + prices.of("monthly", "log_stored_gb")),
        ),
        Line("watching", f"{custom} metrics", custom * prices.of("monthly", "custom_metric")),
        Line("watching", f"{alarms + fast} alarmed metrics, {composites} composite", warned),
        Line("watching", f"{boards} dashboards", boards * prices.of("monthly", "dashboard")),
        Line("watching", f"firewall with {rules} rules", wall),
        Line(
            "watching",
            f"{keys} keys, {secrets + managed} secrets",
            keys * prices.of("monthly", "key") + (secrets + managed) * prices.of("monthly", "secret"),
        ),
        Line("watching", "GuardDuty, CloudTrail, Config, Security Hub: set aside", float(use["audit_usd"])),
    ]


def bill(world: World, root: Path, prices: Prices, use: dict[str, Any]) -> list[Line]:
    """What a month of the environment costs, line by line."""
    state = world.state
    lines = []
    for name, count, cpu, memory in _tasks(state):
        usd = count * HOURS * (cpu * prices.of("hourly", "fargate_vcpu") + memory * prices.of("hourly", "fargate_gb"))
        lines.append(Line("compute", f"{name}: {count} tasks of {cpu:g} vCPU, {memory:g} GB", usd))
    lines += _databases(state, prices)
    for one in state.of("aws_elasticache_replication_group"):
        size, count = one.text("node_type"), int(_number(one.values.get("num_cache_clusters")))
        lines.append(Line("cache", f"{count} × {size}", count * HOURS * prices.of("cache_hourly", size)))
    for one in state.of("aws_msk_cluster"):
        group, count = one.values["broker_node_group_info"][0], int(_number(one.values.get("number_of_broker_nodes")))
        size, volume = group["instance_type"], 0.0
        for storage in group.get("storage_info") or []:
            for disk in storage.get("ebs_storage_info") or []:
                volume = _number(disk.get("volume_size"))
        usd = count * (HOURS * prices.of("broker_hourly", size) + volume * prices.of("monthly", "broker_gb"))
        lines.append(Line("broker", f"{count} × {size} with {volume:.0f} GB each", usd))
    lines += _network(state, prices, use) + _watching(state, prices, use, root)
    gb, millions = use["database_gb"], use["requests_a_second"] * MONTH_SECONDS / 1e6
    lines.append(Line("storage and backup", f"{gb} GB of ledger", gb * prices.of("monthly", "database_gb")))
    lines.append(
        Line(
            "storage and backup",
            f"{millions * use['ios_a_request']:.0f} million I/Os",
            millions * use["ios_a_request"] * prices.of("by_use", "million_ios"),
        )
    )
    lines.append(Line("storage and backup", "backup at home", gb * prices.of("monthly", "backup_gb")))
    if len({one.text("region") for one in state.of("aws_backup_vault")}) > 1:
        usd = gb * prices.of("monthly", "copy_gb") + 0.01 * gb * 30 * prices.of("by_use", "between_regions_gb")
        lines.append(Line("storage and backup", "copy abroad, a hundredth changing a day", usd))
    lines.append(
        Line(
            "storage and backup",
            "objects and images",
            use["object_gb"] * prices.of("monthly", "object_gb") + use["image_gb"] * prices.of("monthly", "image_gb"),
        )
    )
    return lines


def sizes(state: Document) -> list[str]:
    """Sizes and numbers that AWS does not have."""
    found = []
    for one in state.of("aws_ecs_task_definition"):
        cpu, memory = _number(one.values.get("cpu")) / 1024, _number(one.values.get("memory")) / 1024
        low, high = MEMORY_GB.get(cpu, (1, 0))
        if not low <= memory <= high:
            found.append(f"{one.address}: Fargate has no task of {cpu:g} vCPU with {memory:g} GB")
    for one in state.of("aws_msk_cluster"):
        subnets = len(one.values["broker_node_group_info"][0].get("client_subnets") or [])
        if subnets and int(one.values["number_of_broker_nodes"]) % subnets:
            found.append(
                f"{one.address}: {one.values['number_of_broker_nodes']} brokers do not spread over {subnets} zones"
            )
    return found


def total(lines: list[Line]) -> float:
    """The sum of a bill."""
    return sum(line.usd for line in lines)


def check(worlds: list[World], root: Path) -> tuple[list[str], list[str]]:
    """Findings, and the bills beside the seed's table, to print."""
    use = yaml.safe_load(Path(__file__).with_name("usage.yaml").read_text(encoding="utf-8"))
    found, said, totals = [], [], {}
    for world in worlds:
        prices = Prices(root)
        lines = bill(world, root, prices, use[world.name])
        totals[world.name] = total(lines)
        found += [f"{world.name}: no price for {name}" for name in sorted(set(prices.unknown))]
        found += [f"{world.name}: {one}" for one in sizes(world.state)]
        said.append(
            f"{world.name}: {totals[world.name]:,.0f} USD a month at {use[world.name]['requests_a_second']} requests a second"
        )
        for group, (low, high) in SEED.items():
            ours = sum(line.usd for line in lines if line.group == group)
            seed = f"   seed {low:,}" if low == high else f"   seed {low:,}-{high:,}"
            said.append(f"  {group:<62}{ours:>9,.0f}{seed if world.name == 'production' else ''}")
            said += [f"    {line.what:<60}{line.usd:>9,.0f}" for line in lines if line.group == group]
        found += budget(world, totals[world.name])
    low, high = (sum(one[index] for one in SEED.values()) for index in (0, 1))
    said.append(f"the seed's table: production {low:,}-{high:,}, staging {SEED_STAGING[0]:,}-{SEED_STAGING[1]:,}")
    share = totals.get("staging", 0) / totals["production"] if totals.get("production") else 0
    said.append(f"staging costs {share:.1%} of production; allowed are {STAGING_MAX:.0%}")
    if share > STAGING_MAX:
        found.append(f"staging costs {share:.1%} of production")
    return found, said


def budget(world: World, usd: float) -> list[str]:
    """A budget that is always broken, or that warns too late."""
    limits = [_number(one.values.get("limit_amount")) for one in world.state.of("aws_budgets_budget")]
    if not limits:
        return [f"{world.name}: there is no budget"]
    if not usd <= limits[0] <= BUDGET_MAX * usd:
        return [
            f"{world.name}: the budget is {limits[0]:,.0f} and the bill {usd:,.0f}; it should be between the bill and {BUDGET_MAX:.0%} of it"
        ]
    return []
