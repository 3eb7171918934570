"""Reads what AWS says of alarms and subscriptions, on standard input.

    watch.py alarms           from describe-alarms: exits with 1 if an alarm has no action, no data that it should have, or is off
    watch.py subscriptions    from list-subscriptions: exits with 1 while somebody has not confirmed, or P1 has no SMS and no e-mail
    watch.py token NAME ROLE FILE   adds a line for a new token to control's list in FILE and prints the token, once
"""

import hashlib
import json
import re
import secrets
import sys
from pathlib import Path

# They are told by the composite alarm alone.
WITHOUT_ACTION = ("no-healthy-target", "canary-failing", "errors-high")
ROLES = ("viewer", "operator", "approver", "admin")


def alarms() -> int:
    """The state of every alarm of the environment."""
    answer = json.load(sys.stdin)
    found = answer.get("MetricAlarms", []) + answer.get("CompositeAlarms", [])
    bad = [] if found else ["there is no alarm at all"]
    states: dict[str, int] = {}
    for one in found:
        states[one["StateValue"]] = states.get(one["StateValue"], 0) + 1
        name = one["AlarmName"]
        if not one.get("ActionsEnabled", True):
            bad.append(f"{name}: its actions are switched off")
        if not one.get("AlarmActions") and not name.endswith(WITHOUT_ACTION):
            bad.append(f"{name}: tells nobody")
        if one["StateValue"] == "INSUFFICIENT_DATA":
            bad.append(f"{name}: no data yet; for a metric that always comes it is misspelt or its source is not there")
        if one["StateValue"] == "ALARM":
            bad.append(f"{name}: in alarm: {one.get('StateReason', '')[:120]}")
    print(f"{len(found)} alarms: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    print("\n".join(f"  {line}" for line in bad) or "  every alarm has data and somebody to tell")
    return 1 if bad else 0


def subscriptions(name: str) -> int:
    """Who hears of what."""
    hears: dict[str, list[str]] = {}
    bad = []
    for one in json.load(sys.stdin).get("Subscriptions", []):
        topic = one["TopicArn"].rsplit(":", 1)[-1]
        if not topic.startswith(f"{name}-"):
            continue
        hears.setdefault(topic, []).append(one["Protocol"])
        if one["SubscriptionArn"] == "PendingConfirmation":
            bad.append(f"{topic}: {one['Endpoint']} has not confirmed; the link is in their mail, and a new apply sends another after three days")
    for topic, protocol in ((f"{name}-p1-sms", "sms"), (f"{name}-p1", "email"), (f"{name}-p2", "email"), (f"{name}-p3", "email")):
        if protocol not in hears.get(topic, []):
            bad.append(f"{topic}: nobody hears it by {protocol}; see deployment.contacts in terraform.tfvars")
    for topic, protocols in sorted(hears.items()):
        print(f"  {topic}: {', '.join(f'{protocols.count(one)} {one}' for one in sorted(set(protocols)))}")
    print("\n".join(f"  {line}" for line in bad) or "  everybody has confirmed")
    return 1 if bad else 0


def token(name: str, role: str, path: str) -> int:
    """A new person or program for control's API."""
    if role not in ROLES or not re.fullmatch(r"[a-z][a-z0-9.-]{0,62}", name):
        print(f"{name}:{role}: a name of a-z, 0-9, - and ., and one of the roles {', '.join(ROLES)}", file=sys.stderr)
        return 1
    file = Path(path)
    # The list begins with a token that nobody has; it goes when the first real one comes.
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip() and "name: nobody," not in line]
    if any(f"name: {name}," in line for line in lines):
        print(f"{name} has a token already; take the line out of the secret first", file=sys.stderr)
        return 1
    made = secrets.token_hex(32)
    lines.append(f"- {{ name: {name}, role: {role}, sha256: {hashlib.sha256(made.encode()).hexdigest()} }}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(made)
    return 0


if __name__ == "__main__":
    ways = {"alarms": alarms, "subscriptions": subscriptions, "token": token}
    if len(sys.argv) < 2 or sys.argv[1] not in ways:
        sys.exit(__doc__)
    sys.exit(ways[sys.argv[1]](*sys.argv[2:]))
