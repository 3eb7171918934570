"""What a check looks at: the plan and the state of one environment, as `terraform show -json` prints them."""

import json
from pathlib import Path
from typing import Any, Iterator, NamedTuple


class Resource(NamedTuple):
    """One managed resource with all its values."""

    address: str
    type: str
    values: dict[str, Any]

    def text(self, key: str) -> str:
        """A value as text; empty if there is none."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""


def _walk(module: dict[str, Any]) -> Iterator[Resource]:
    for one in module.get("resources", []):
        if one.get("mode") == "managed":
            yield Resource(one["address"], one["type"], one.get("values") or {})
    for child in module.get("child_modules", []):
        yield from _walk(child)


class Document:
    """A plan or a state."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        values = raw.get("planned_values") or raw.get("values") or {}
        self.resources = list(_walk(values.get("root_module", {})))

    def of(self, *types: str) -> list[Resource]:
        """The resources of these types."""
        return [one for one in self.resources if one.type in types]


class World(NamedTuple):
    """An environment: its name, what is planned, and what the throw-away apply left."""

    name: str
    plan: Document
    state: Document


def load(folder: Path, name: str) -> World:
    """Reads what the offline check left: `environments-NAME.plan.json` and `.state.json`."""
    stem = folder / f"environments-{name}"
    read = lambda kind: Document(json.loads(Path(f"{stem}.{kind}.json").read_text(encoding="utf-8")))
    return World(name, read("plan"), read("state"))


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text below a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from strings(one, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from strings(one, f"{path}[{index}]")


def policy(text: str) -> dict[str, Any]:
    """A policy document; empty if the text is none."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def listed(value: Any) -> list[Any]:
    """A list; what stands alone is a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def statements(text: str, effect: str = "Allow") -> list[dict[str, Any]]:
    """The statements of a policy with this effect."""
    return [one for one in listed(policy(text).get("Statement")) if one.get("Effect") == effect]
