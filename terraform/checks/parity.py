"""Trap 10: staging is the product in small. Both have the same resources and the same security; sizes differ."""

import re
from typing import Any, Iterator

from .world import Document, World

# What may differ: sizes, counts, retention and what follows from them. The last name of a path.
MAY_DIFFER = re.compile(
    r"^(instance_class|node_type|instance_type|cpu|memory|desired_count|min_capacity|max_capacity|num_cache_clusters|number_of_broker_nodes"
    r"|volume_size|allocated_storage|max_allocated_storage|limit_amount|threshold|.*retention.*|.*_days|days|delete_after|noncurrent_days"
    r"|monthly_spend_limit|cidr_block|cidr_ipv4|dashboard_body|alarm_description)$"
)
# Differences beyond sizes that are meant: what, and why.
MEANT = {
    r"\.(deletion_protection|enable_deletion_protection|force_destroy|force_delete)$": "staging may be thrown away, production may not",
    r"aws_db_instance\.journal\.multi_az$": "staging's journal has no second instance; control recovers from a lost one",
    r"preferred_cache_cluster_azs\[\d+\]$": "there are as many zones as nodes",
}
# Resources that one environment has none of, because their number is zero there: what, and why.
NONE_OF = {
    r"network\.aws_vpc_endpoint\.interface\[\]$": "staging reaches AWS through its NAT gateway and saves the endpoints",
}
_INDEX = re.compile(r"\[[^\]]*\]")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, f"{path}[{index}]")
    else:
        yield path, value


def _neutral(value: Any, name: str) -> Any:
    """A value without the environment's own name."""
    if not isinstance(value, str):
        return value
    text = value.replace(name, "ENV").replace(name.title(), "ENV").replace(".ENV.", ".")
    # Identifiers invented by the throw-away apply say nothing.
    text = re.sub(r"\b[0-9a-f]{8,}\b", "ID", text)
    return re.sub(r"\b10\.\d+\.\d+\.\d+(/\d+)?\b", "ADDRESS", text)


def _by_address(document: Document) -> dict[str, Any]:
    return {one.address: one for one in document.resources}


def _shape(address: str) -> str:
    return _INDEX.sub("[]", address)


def _meant(table: dict[str, str], text: str) -> bool:
    return any(re.search(pattern, text) for pattern in table)


def check(staging: World, production: World) -> list[str]:
    """What one environment has and the other has not, or has otherwise."""
    found = []
    ours = {world.name: _by_address(world.plan) for world in (staging, production)}
    shapes = {name: {_shape(address) for address in all_} for name, all_ in ours.items()}
    for here, there in ((staging.name, production.name), (production.name, staging.name)):
        alone = [shape for shape in sorted(shapes[here] - shapes[there]) if not _meant(NONE_OF, shape)]
        found += [f"only {here} has {shape}" for shape in alone]
    for address in sorted(ours[staging.name].keys() & ours[production.name].keys()):
        small = dict(_leaves(ours[staging.name][address].values, ""))
        large = dict(_leaves(ours[production.name][address].values, ""))
        for path in sorted(small.keys() | large.keys()):
            name = _INDEX.sub("", path).rsplit(".", 1)[-1]
            one, other = _neutral(small.get(path), staging.name), _neutral(large.get(path), production.name)
            if one == other or "tags" in path:
                continue
            if MAY_DIFFER.match(name) or _meant(MEANT, f"{address}{path}"):
                continue
            found.append(f"{address}{path} is {one!r} in staging and {other!r} in production")
    return found
