"""Reads what checkov printed as JSON: nothing may fail, and each check that is left out needs its reason.

    python3 -m checks.scan NAME=FILE ...

A reason stands beside the resource (`#checkov:skip=ID:reason`), or in `skips.yaml` where it holds for many.
"""

import fnmatch
import json
import sys
from pathlib import Path

import yaml

REASON_WORDS_MIN = 2


def read(path: Path) -> tuple[int, list[dict], list[dict]]:
    """How many passed, what failed, what was left out."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    passed, failed, skipped = 0, [], []
    for report in raw if isinstance(raw, list) else [raw]:
        results = report.get("results", {})
        passed += len(results.get("passed_checks", []))
        failed += results.get("failed_checks", [])
        skipped += results.get("skipped_checks", [])
        if report.get("results", {}).get("parsing_errors"):
            failed += [
                {"check_id": "PARSE", "check_name": "cannot be read", "resource": one}
                for one in results["parsing_errors"]
            ]
    return passed, failed, skipped


def excused(document: str, failed: list[dict], skips: list[dict]) -> tuple[list[dict], list[dict], list[dict]]:
    """What fails all the same, what `skips.yaml` leaves out, and its rows that leave nothing out."""
    left, out, used = [], [], []
    for one in failed:
        fits = lambda row: row["check"] == one["check_id"] and document in row.get("in", [document])
        row = next(
            (
                row
                for row in skips
                if fits(row) and any(fnmatch.fnmatch(one["resource"], name) for name in row["resources"])
            ),
            None,
        )
        if row is None:
            left.append(one)
        else:
            used.append(row)
            out.append({**one, "check_result": {"suppress_comment": row["reason"]}})
    return left, out, [row for row in skips if row not in used]


def unexplained(skipped: list[dict]) -> list[dict]:
    """What was left out without saying why."""
    reason = lambda one: one["check_result"].get("suppress_comment") or ""
    return [one for one in skipped if len(reason(one).split()) < REASON_WORDS_MIN or reason(one) == "as above"]


def main() -> int:
    """Prints the numbers and every finding."""
    bad, reasons = 0, {}
    skips = yaml.safe_load(Path(__file__).with_name("skips.yaml").read_text(encoding="utf-8"))
    idle = [row["check"] for row in skips]
    for word in sys.argv[1:]:
        name, path = word.split("=", 1)
        passed, failed, skipped = read(Path(path))
        failed, out, unused = excused(name, failed, skips)
        idle = [check for check in idle if check in [row["check"] for row in unused]]
        skipped += out
        silent = unexplained(skipped)
        bad += len(failed) + len(silent) + (passed == 0)
        print(
            f"{'FAIL' if failed or silent or not passed else 'ok  '} checkov on {name:<30} {passed} passed, {len(failed)} failed, {len(skipped)} left out"
        )
        for one in failed:
            print(
                f"       {one['check_id']} {one['resource']} {one['check_name']} {one.get('file_path', '')}:{(one.get('file_line_range') or [''])[0]}"
            )
        for one in silent:
            print(f"       {one['check_id']} {one['resource']} is left out without a reason")
        for one in skipped:
            reasons.setdefault((one["check_id"], one["check_result"].get("suppress_comment")), set()).add(
                one["resource"]
            )
    for check in idle:
        print(f"note: skips.yaml leaves {check} out, which nothing fails any more; take it away")
    print(f"checks left out, with their reasons: {len(reasons)}")
    for (check, reason), resources in sorted(reasons.items(), key=str):
        print(f"       {check} {reason} ({len(resources)})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
