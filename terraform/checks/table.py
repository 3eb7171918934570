"""Prints the alarms and event rules of an environment as Markdown, for docs/MONITORING.md: made from the plan, not retyped.

python3 -m checks.table PLANS ENVIRONMENT
"""

import re
import sys
from pathlib import Path
from typing import Any, Iterator

from .world import Document, load

# Nodes are numbered; one row stands for all of them.
_NODE = re.compile(r"-(\d+|[a-z]{2}-[a-z]+-\d[a-z])$")


def _reads(values: dict[str, Any]) -> str:
    if values.get("metric_name"):
        stat = values.get("statistic") or values.get("extended_statistic")
        return f"{values['namespace']} {values['metric_name']}, {stat}"
    return next((one["expression"] for one in values.get("metric_query") or [] if one.get("expression")), "")


def _when(values: dict[str, Any]) -> str:
    sign = "<" if values["comparison_operator"].startswith("Less") else ">"
    periods = int(values["evaluation_periods"])
    query = [metric["period"] for one in values.get("metric_query") or [] for metric in one.get("metric") or []]
    period = int(values.get("period") or query[0])
    silence = "; silence too" if values["treat_missing_data"] == "breaching" else ""
    return f"{sign} {values['threshold']:g} for {periods} × {period} s{silence}"


def rows(state: Document, name: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Severity, name, what is read, when it goes off, what it says and what to do."""
    seen = set()
    for one in state.of("aws_cloudwatch_metric_alarm"):
        key = _NODE.sub("", one.text("alarm_name").removeprefix(f"{name}-"))
        if key not in seen:
            seen.add(key)
            says = one.text("alarm_description").split(" Runbook: ")[0].split(". ", 1)[1]
            yield one.values["tags"]["Severity"], key, _reads(one.values), _when(one.values), says
    for one in state.of("aws_cloudwatch_composite_alarm"):
        rule = one.text("alarm_rule").replace(f"{name}-", "").replace('"', "")
        says = one.text("alarm_description").split(" Runbook: ")[0].split(". ", 1)[1]
        yield "P1", one.text("alarm_name").removeprefix(f"{name}-"), "other alarms", rule, says
    for one in state.of("aws_cloudwatch_event_rule"):
        severity, says = one.text("description").split(" Runbook: ")[0].split(". ", 1)
        yield severity, one.text("name").removeprefix(f"{name}-"), "event", "at once", says


def main() -> None:
    """One table, by severity and name."""
    world = load(Path(sys.argv[1]), sys.argv[2])
    print("| | alarm | reads | goes off | says, and what to do |\n|---|---|---|---|---|")
    for severity, key, reads, when, says in sorted(rows(world.state, f"wallet-{world.name}")):
        print(f'| {severity} | <a id="{key}"></a>`{key}` | {reads} | {when} | {says} |'.replace("||", "or"))


if __name__ == "__main__":
    main()
