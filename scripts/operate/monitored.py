"""Compares docs/MONITORING.md with what there is: every alarm, event rule, dashboard panel, query and metric must be named there.

    monitored.py     exits with 1 and says what is missing; without terraform/ only the code's own metrics are compared
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def texts(pattern: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(pattern)))


def metrics() -> set[str]:
    """What the programs publish, as they spell it."""
    cloudwatch = texts("wallet-svc/src/cloudwatch.rs")
    found = set(re.findall(r'(?:count|datum)\((?:dimensions, )?"([A-Z]\w+)"', cloudwatch))
    found |= set(re.findall(r'const \w+: &str = "((?:Canary|Heartbeat)\w*)"', texts("control/src/probe/publish.rs") + texts("control/src/alert/heartbeat.rs")))
    scraped = texts("wallet-svc/src/metrics.rs") + texts("control/src/metrics.rs")
    found |= set(re.findall(r'register(?:_with_unit)?\(\s*"(\w+)"', scraped))
    found |= set(re.findall(r'^\s+\("(\w+)", "[A-Z]', scraped, re.M)) | set(re.findall(r'"(money_\w+)"', scraped))
    return found


def watched() -> dict[str, set[str]]:
    """Names by kind from the modules."""
    alarms = texts("terraform/modules/alarms/*.tf")
    keys = set(re.findall(r'^ +"([a-z][a-z0-9-]+)"\s*= \{(?: control = "| *\n +severity|\s*$)', alarms, re.M))
    boards = texts("terraform/modules/dashboards/*.tf")
    return {
        "alarm": keys,
        "panel": {title.split(",")[0] for title in re.findall(r'title\s+= "([^"$]+)"', boards)},
        "question": set(re.findall(r'^ +"([a-z]+/[^"]+)"\s*= \{\s*groups', boards, re.M)),
    }


def main() -> int:
    page = (ROOT / "docs/MONITORING.md").read_text(encoding="utf-8")
    missing = [f"metric {name}" for name in sorted(metrics()) if not re.search(rf"\b{name}(_total|_seconds)?\b", page)]
    counts = {"metric": len(metrics())}
    for kind, names in watched().items():
        counts[kind] = len(names)
        for name in sorted(names):
            shown = f"`{name}`" in page if kind != "panel" else re.split(r" a minute|;|:|$", name)[0] in page
            if not shown or (kind == "alarm" and f'id="{name}' not in page):
                missing.append(f"{kind} {name}")
    print(", ".join(f"{count} {kind}s" for kind, count in counts.items()))
    print("\n".join(f"docs/MONITORING.md does not have {one}" for one in missing) or "docs/MONITORING.md names them all")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
