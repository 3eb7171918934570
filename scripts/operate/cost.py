"""The bill of one environment's plan or state, beside the table of the architecture summary, by the project's one price book.

    cost.py ENVIRONMENT PLAN-OR-STATE.json [REQUESTS-A-SECOND [TASKS]]

Prices, quantities and arithmetic are those of terraform/checks/cost.py; nothing is priced here. Exits with 1 if something has no price.
"""

import json
import sys
from pathlib import Path

import yaml
from checks import cost
from checks.world import Document, World

STAGING = "staging"


def read(path: str) -> Document:
    """A plan or a state. Before it is applied, a service does not know the ARN of its task definition: its family says as much."""
    document = Document(json.loads(Path(path).read_text(encoding="utf-8")))
    families = [one.text("family") for one in document.of("aws_ecs_task_definition")]
    for one in document.of("aws_ecs_service"):
        if not one.text("task_definition"):
            one.values["task_definition"] = next((family for family in families if family.endswith("-" + one.text("name"))), None)
    return document


def main() -> int:
    """Prints the bill."""
    name, path = sys.argv[1], sys.argv[2]
    root = Path(".").resolve()
    use = yaml.safe_load(Path(cost.__file__).with_name("usage.yaml").read_text(encoding="utf-8"))[name]
    if len(sys.argv) > 3:
        use["requests_a_second"] = float(sys.argv[3])
    document = read(path)
    if len(sys.argv) > 4:
        for one in document.of("aws_appautoscaling_target"):
            if one.text("service_namespace") == "ecs":
                one.values["min_capacity"] = int(sys.argv[4])
    prices = cost.Prices(root)
    lines = cost.bill(World(name, document, document), root, prices, use)
    total = cost.total(lines)
    print(f"{name}: {total:,.0f} USD a month at {use['requests_a_second']:g} requests a second, on demand, before tax, 730 hours")
    for group, (low, high) in cost.SEED.items():
        ours = sum(line.usd for line in lines if line.group == group)
        seed = "" if name == STAGING else (f"summary {low:,}" if low == high else f"summary {low:,}-{high:,}")
        print(f"  {group:<58}{ours:>9,.0f}   {seed}".rstrip())
        for line in lines:
            if line.group == group:
                print(f"    {line.what:<56}{line.usd:>9,.0f}")
    low, high = cost.SEED_STAGING if name == STAGING else (sum(one[index] for one in cost.SEED.values()) for index in (0, 1))
    print(f"  the architecture summary says {low:,}-{high:,} for {name}; this is {total / high:.1f} to {total / low:.1f} times that")
    for one in sorted(set(prices.unknown)):
        print(f"  NO PRICE: {one}; add it to control/prices with its source")
    return 1 if prices.unknown else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main())
