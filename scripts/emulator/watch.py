"""Asks the daemon at the given address about `local` until it has looked and acted, and checks it.

What the emulator cannot tell must stay unknown: the daemon then holds, and says that it is blind.
"""

import sys
import time

import requests

DEADLINE_S = 30


def page(address):
    answer = requests.get(
        f"{address}/v1/environments", headers={"Authorization": "Bearer secret"}, timeout=5
    )
    answer.raise_for_status()
    return answer.json()["environments"][0]


def settled(one):
    decision = one["decision"]
    return one["service"]["desired"] == 3 and decision and decision["action"] == "hold"


def main():
    deadline = time.monotonic() + DEADLINE_S
    one = page(sys.argv[1])
    while not settled(one):
        if time.monotonic() > deadline:
            sys.exit(f"not settled in {DEADLINE_S} s: {one['service']}, {one['decision']}")
        time.sleep(0.5)
        one = page(sys.argv[1])
    print("raised to", one["service"]["desired"], "tasks, then:", one["decision"]["reason"])
    assert "unknown" in one["decision"]["reason"], "without readings it must say that it is blind"
    assert one["traffic"]["cpu_percent"]["state"] == "error", one["traffic"]["cpu_percent"]
    assert len(one["database"]["members"]) == 3, one["database"]
    assert one["broker"]["seen_at"] is None, "what could not be read was never seen"
    assert one["cost"]["micros_per_hour"] is None, "a part without a price is no zero"


main()
