"""Runs every check over what the offline check left, and prints what they find and what a month costs.

    python3 -m checks PLANS [ROOT]

PLANS holds `environments-{staging,production}.{plan,state}.json`; ROOT is the repository.
Exits with 1 if anything was found.
"""

import sys
from pathlib import Path

from . import backups, cost, doors, exposure, grants, parity, people, watch
from .world import load


def main() -> int:
    """All checks; their number and that of the findings."""
    plans = Path(sys.argv[1])
    root = Path(sys.argv[2] if len(sys.argv) > 2 else ".").resolve()
    staging, production = load(plans, "staging"), load(plans, "production")
    found = 0

    def report(name: str, findings: list[str], size: str) -> None:
        nonlocal found
        found += len(findings)
        print(f"{'FAIL' if findings else 'ok  '} {name:<44} {size}")
        for one in findings:
            print(f"       {one}")

    for world in (staging, production):
        state = world.state
        report(
            f"{world.name}: nothing secret in plan or state", exposure.check(world), f"{len(state.resources)} resources"
        )
        report(
            f"{world.name}: pages reach people",
            people.check(world),
            f"{len(state.of('aws_sns_topic_subscription'))} subscriptions",
        )
        alarms, boards = len(state.of("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm")), len(
            state.of("aws_cloudwatch_dashboard")
        )
        report(
            f"{world.name}: what is watched exists", watch.check(world, root), f"{alarms} alarms, {boards} dashboards"
        )
        report(
            f"{world.name}: backups of the ledger", backups.check(world), f"{len(state.of('aws_backup_vault'))} vaults"
        )
        report(
            f"{world.name}: doors are guarded",
            doors.check(world),
            f"{len(state.of('aws_security_group'))} security groups",
        )
        report(
            f"{world.name}: rights",
            grants.check(world, root),
            f"{len(list(grants.policies(state)))} policies, {len(grants.control_actions(state))} actions of control",
        )
    report(
        "staging is production in small",
        parity.check(staging, production),
        f"{len(staging.plan.resources)} and {len(production.plan.resources)} resources",
    )
    findings, said = cost.check([production, staging], root)
    report("sizes, prices, budgets", findings, "")
    print("\n".join(said))
    print(f"{found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
