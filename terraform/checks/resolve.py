"""Fills in a plan what only the apply decides and a scanner judges: which key encrypts what, and whole policies.

python3 -m checks.resolve PLAN STATE > RESOLVED
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

# What is filled in. Other invented values (a platform version, a gateway) would be judged for what they are not.
FILLED = re.compile(r"kms|policy|encrypt|(^|_)arn$")


def _merge(planned: Any, known: Any, name: str = "") -> Any:
    """The planned value; where there is none and it is to be filled, the known one."""
    if isinstance(planned, dict) and isinstance(known, dict):
        filled = {key: one for key, one in known.items() if key not in planned and FILLED.search(key)}
        return {**filled, **{key: _merge(one, known.get(key), key) for key, one in planned.items()}}
    if isinstance(planned, list) and isinstance(known, list) and len(planned) == len(known):
        return [_merge(one, other, name) for one, other in zip(planned, known)]
    return known if planned is None and FILLED.search(name) else planned


def _by_address(module: dict[str, Any], into: dict[str, Any]) -> dict[str, Any]:
    for one in module.get("resources", []):
        into[one["address"]] = one["values"]
    for child in module.get("child_modules", []):
        _by_address(child, into)
    return into


def _fill(module: dict[str, Any], known: dict[str, Any]) -> None:
    for one in module.get("resources", []):
        one["values"] = _merge(one.get("values"), known.get(one["address"]))
    for child in module.get("child_modules", []):
        _fill(child, known)


def resolve(plan: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """The plan with the values of the state."""
    known = _by_address(state["values"]["root_module"], {})
    _fill(plan["planned_values"]["root_module"], known)
    for change in plan.get("resource_changes", []):
        if change["address"] in known and change.get("mode") == "managed":
            change["change"]["after"] = _merge(change["change"].get("after"), known[change["address"]])
    return plan


def main() -> None:
    """Reads two files, prints one document."""
    plan, state = (json.loads(Path(one).read_text(encoding="utf-8")) for one in sys.argv[1:3])
    json.dump(resolve(plan, state), sys.stdout)


if __name__ == "__main__":
    main()
