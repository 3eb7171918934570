"""Reads what `aws ecs` says on standard input.

    ecs.py rollout EXPECTED-TASK-DEFINITION   one word: completed | going | failed, and why on the second line
    ecs.py stopped                            exits with 1 if a container of a stopped task failed, and says which
    ecs.py points LEAST                       reads get-metric-statistics; exits with 1 if a minute is below LEAST, 2 without minutes
"""

import json
import sys


def rollout(expected: str) -> int:
    """The state of the primary deployment, and whether it is the one that we want."""
    service = json.load(sys.stdin)["services"][0]
    primary = next(one for one in service["deployments"] if one["status"] == "PRIMARY")
    state = primary.get("rolloutState", "")
    counts = f"{service['runningCount']} of {service['desiredCount']} tasks run; {primary.get('rolloutStateReason', '')}"
    if primary["taskDefinition"] != expected:
        print(f"failed\nECS went back to {primary['taskDefinition'].rsplit('/', 1)[-1]}: {counts}")
    elif state == "COMPLETED" and service["runningCount"] >= service["desiredCount"]:
        print(f"completed\n{counts}")
    elif state == "FAILED":
        print(f"failed\n{counts}")
    else:
        print(f"going\n{counts}")
    return 0


def stopped() -> int:
    """Every container of a one-off task must have ended with 0."""
    answer = json.load(sys.stdin)
    bad = [f"{one.get('reason', 'no such task')}" for one in answer.get("failures", [])]
    for task in answer.get("tasks", []):
        for container in task["containers"]:
            if container.get("exitCode") != 0:
                bad.append(f"{container['name']} ended with {container.get('exitCode')}: {container.get('reason') or task.get('stoppedReason', '')}")
    print("\n".join(bad) or "every container ended with 0")
    return 1 if bad or not answer.get("tasks") else 0


def points(least: str) -> int:
    """The canary's minutes."""
    minutes = sorted(json.load(sys.stdin)["Datapoints"], key=lambda one: one["Timestamp"])
    if not minutes:
        print("no data: does control have a canary token?")
        return 2
    worst = min(one["Average"] for one in minutes)
    print(f"{len(minutes)} minutes, worst {worst:.1%} of our own deposits succeeded")
    return 0 if worst >= float(least) else 1


if __name__ == "__main__":
    ways = {"rollout": rollout, "stopped": stopped, "points": points}
    if len(sys.argv) < 2 or sys.argv[1] not in ways:
        sys.exit(__doc__)
    sys.exit(ways[sys.argv[1]](*sys.argv[2:]))
