"""Trap 2: what autoscaling moves, Terraform leaves alone. Moves it in a throw-away state and plans again.

    python3 -m checks.drift TREE ENVIRONMENT

Runs terraform as it is configured (`TF_CLI_CONFIG_FILE` names the stand-in provider where there is one), in a copy.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# What autoscaling, control or a growing disk moves: type, argument and by what.
MOVES = {
    "aws_ecs_service": ("desired_count", lambda value: int(value) + 6),
    "aws_appautoscaling_target": ("min_capacity", lambda value: int(value) + 3),
    "aws_msk_cluster": ("volume_size", lambda value: int(value) + 100),
}
# control moves the least number of tasks and of readers, and no other range.
RANGES_OF_CONTROL = ("ecs", "rds")


def _terraform(folder: Path, *words: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    return subprocess.run(
        ["terraform", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def _must(folder: Path, *words: str) -> None:
    done = _terraform(folder, *words)
    if done.returncode:
        raise SystemExit(f"terraform {' '.join(words)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def move(value: object, key: str, change) -> bool:
    """Changes every argument of this name below a value; whether there was one."""
    moved = False
    if isinstance(value, dict):
        for name, one in value.items():
            if name == key and isinstance(one, (int, float)):
                value[name] = change(one)
                moved = True
            else:
                moved = move(one, key, change) or moved
    elif isinstance(value, list):
        for one in value:
            moved = move(one, key, change) or moved
    return moved


def _moves(type_: str, attributes: dict, scaled: set[str]) -> bool:
    """Whether something beside Terraform moves this resource."""
    if type_ == "aws_appautoscaling_target":
        return attributes.get("service_namespace") in RANGES_OF_CONTROL
    if type_ == "aws_ecs_service":
        return attributes.get("name") in scaled
    return type_ in MOVES


def disturb(state: Path) -> list[str]:
    """Moves what is moved from outside, in a state file. What was moved."""
    document = json.loads(state.read_text(encoding="utf-8"))
    owned = [
        (one, instance["attributes"])
        for one in document["resources"]
        if one["mode"] == "managed"
        for instance in one["instances"]
    ]
    targets = [attributes for one, attributes in owned if one["type"] == "aws_appautoscaling_target"]
    scaled = {one["resource_id"].rsplit("/", 1)[-1] for one in targets if one.get("service_namespace") == "ecs"}
    moved = []
    for resource, attributes in owned:
        if _moves(resource["type"], attributes, scaled):
            key, change = MOVES[resource["type"]]
            if move(attributes, key, change):
                moved.append(f"{resource.get('module', 'root')}.{resource['type']}.{resource['name']} {key}")
    document["serial"] += 1
    state.write_text(json.dumps(document), encoding="utf-8")
    return moved


def _planned(folder: Path) -> list[str]:
    """What a plan would change; nothing if it is empty."""
    done = _terraform(folder, "plan", "-detailed-exitcode", "-no-color")
    if done.returncode == 1:
        raise SystemExit(f"terraform plan failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return re.findall(r"^  # (\S+) ", done.stdout, re.M) if done.returncode == 2 else []


def prepare(tree: Path, environment: str, copy: Path) -> Path:
    """A copy of the tree with the environment applied to a local state."""
    shutil.copytree(
        tree, copy, ignore=shutil.ignore_patterns(".terraform*", "checks", "*.tfstate*"), dirs_exist_ok=True
    )
    folder = copy / "environments" / environment
    (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n', encoding="utf-8")
    shutil.copy(folder / "terraform.tfvars.example", folder / "terraform.tfvars")
    _must(folder, "init")
    _must(folder, "apply", "-auto-approve", "-no-color")
    return folder


def forget(tree: Path) -> int:
    """Takes every `ignore_changes` out of a copy, to see that the check can fail. How many there were."""
    count = 0
    for path in tree.rglob("*.tf"):
        text = path.read_text(encoding="utf-8")
        left, found = re.subn(r"^\s*ignore_changes\s*=\s*\[[^\]]*\]\n", "", text, flags=re.M)
        if found:
            path.write_text(left, encoding="utf-8")
            count += found
    return count


def main() -> int:
    """Both ways: with `ignore_changes` the plan is empty, without it is not."""
    tree, environment = Path(sys.argv[1]).resolve(), sys.argv[2]
    with tempfile.TemporaryDirectory() as copied:
        copy = Path(copied)
        folder = prepare(tree, environment, copy)
        moved = disturb(folder / "terraform.tfstate")
        if not moved:
            print("drift: nothing that autoscaling moves was found")
            return 1
        changed = _planned(folder)
        for address in changed:
            print(f"drift: terraform would undo autoscaling of {address}")
        if changed:
            return 1
        taken = forget(copy)
        if not _planned(folder):
            print(f"drift: without its {taken} ignore_changes the plan is still empty, so this check proves nothing")
            return 1
        for one in moved:
            print(f"ok   moved {one}: the plan is empty")
        print(f"ok   without the {taken} ignore_changes it is not")
        return 0


if __name__ == "__main__":
    sys.exit(main())
