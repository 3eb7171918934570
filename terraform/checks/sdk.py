"""Which AWS actions control calls, read from its source: the modules of `control/src/aws/` that name an SDK."""

import re
from pathlib import Path

# How IAM calls what the SDK's crate calls otherwise.
SERVICES = {
    "applicationautoscaling": "application-autoscaling",
    "costexplorer": "ce",
    "elasticloadbalancingv2": "elasticloadbalancing",
}
_CRATE = re.compile(r"use aws_sdk_([a-z0-9]+)::(?:Client\b|\{[^}]*\bClient\b)", re.S)
_CALL = re.compile(r"\bclient\s*\.\s*([a-z][a-z0-9_]*)\s*\(")


def calls(folder: Path) -> dict[str, str]:
    """Each action in lower case, as `ecs:describeservices`, and where it stands."""
    found = {}
    for path in sorted(folder.glob("*.rs")):
        if path.name.endswith("_tests.rs"):
            continue
        text = path.read_text(encoding="utf-8").split("#[cfg(test)]\nmod tests {")[0]
        crates = _CRATE.findall(text)
        for name in _CALL.findall(text) if crates else []:
            service = SERVICES.get(crates[0], crates[0])
            found[f"{service}:{name.replace('_', '')}"] = path.name
    return found
