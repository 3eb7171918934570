"""What a Terraform plan would do, for people and for deploy.sh.

    plan.py summary PLAN.json             every change, deletions first; exits with 3 if something that holds data would be lost
    plan.py within SEEN.json NOW.json     exits with 1 if the second plan does anything that the first did not announce
    plan.py control PLAN.json             control's environment file as the plan makes it; nothing if it is not known yet
"""

import json
import sys
from pathlib import Path

# What cannot be had back by applying again, or whose loss is an outage.
HOLDS_DATA = {
    "aws_rds_cluster", "aws_rds_cluster_instance", "aws_db_instance", "aws_msk_cluster", "aws_elasticache_replication_group",
    "aws_s3_bucket", "aws_kms_key", "aws_backup_vault", "aws_ecr_repository", "aws_cloudwatch_log_group", "aws_secretsmanager_secret",
}


def changes(path: str) -> dict[str, tuple[str, str]]:
    """Address to what is done and to which type."""
    plan = json.loads(Path(path).read_text(encoding="utf-8"))
    found = {}
    for one in plan.get("resource_changes", []):
        actions = one["change"]["actions"]
        if actions in (["no-op"], ["read"]):
            continue
        word = {("create",): "make", ("update",): "change", ("delete",): "delete"}.get(tuple(actions), "replace")
        found[one["address"]] = (word, one["type"])
    return found


def summary(path: str) -> int:
    """Prints the plan; 3 if it loses data."""
    found = changes(path)
    order = ["delete", "replace", "change", "make"]
    counts = {word: sum(1 for one, _ in found.values() if one == word) for word in order}
    print("plan: " + ", ".join(f"{count} to {word}" for word, count in counts.items()))
    for word in order:
        listed = sorted(address for address, (one, _) in found.items() if one == word)
        shown = listed if word in ("delete", "replace") else listed[:20]
        for address in shown:
            print(f"  {word:<8}{address}")
        if len(shown) < len(listed):
            print(f"  {word:<8}... and {len(listed) - len(shown)} more")
    lost = sorted(address for address, (word, kind) in found.items() if word in ("delete", "replace") and kind in HOLDS_DATA)
    for address in lost:
        print(f"  LOSES DATA OR ACCESS TO IT: {address}")
    return 3 if lost else 0


def within(seen: str, now: str) -> int:
    """1 if `now` does more than `seen`."""
    announced = changes(seen)
    more = sorted(address for address, (word, _) in changes(now).items() if address not in announced or announced[address][0] != word)
    for address in more:
        print(f"  not announced: {address}")
    return 1 if more else 0


def control(path: str) -> int:
    """Prints the planned environment file of control."""
    plan = json.loads(Path(path).read_text(encoding="utf-8"))
    output = plan.get("planned_values", {}).get("outputs", {}).get("control_environment", {})
    print(output.get("value") or "", end="")
    return 0


if __name__ == "__main__":
    ways = {"summary": summary, "within": within, "control": control}
    if len(sys.argv) < 3 or sys.argv[1] not in ways:
        sys.exit(__doc__)
    sys.exit(ways[sys.argv[1]](*sys.argv[2:]))
