"""Trap 3: nothing secret lies in a plan or a state, where everybody who deploys can read it."""

import re
from typing import Any, Iterator

from .world import World, strings

# Arguments that hold a secret in clear when they are set. Write-only ones end in _wo and are never stored.
SECRET_ARGUMENTS = frozenset(
    {
        "auth_token",
        "client_secret",
        "default_action_secret",
        "master_password",
        "master_user_password",
        "password",
        "passwords",
        "private_key",
        "private_key_pem",
        "result",
        "secret",
        "secret_binary",
        "secret_string",
        "token",
    }
)
# Values that give themselves away.
SECRET_VALUES = {
    "an access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@{}$]+@"),
    "a password in JSON": re.compile(r'"(password|secret_access_key|auth_token)"\s*:\s*"[^"{}$]+"', re.I),
}
SECRET_VARIABLE = re.compile(r"password|passwd|secret|token|private_key", re.I)
# What only names a secret.
REFERENCE = re.compile(r"^(arn:aws:|/|[a-z0-9-]+/)|_arn$")


def _arguments(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield f"{path}.{key}", one
            yield from _arguments(one, f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _arguments(one, f"{path}[{index}]")


def check(world: World) -> list[str]:
    """Secrets in the clear, in either document."""
    found = []
    for kind, document in (("plan", world.plan), ("state", world.state)):
        for part in ("configuration", "outputs", "output_changes", "prior_state"):
            for path, text in strings(document.raw.get(part), part):
                found += [f"{kind}: {path} holds {what}" for what, shape in SECRET_VALUES.items() if shape.search(text)]
        for resource in document.resources:
            for path, value in _arguments(resource.values, resource.address):
                name = path.rsplit(".", 1)[-1]
                if name in SECRET_ARGUMENTS and isinstance(value, str) and value and not REFERENCE.search(value):
                    found.append(f"{kind}: {path} holds a value")
                if name.endswith("_wo") and value is not None:
                    found.append(f"{kind}: {path} is write-only and was stored")
            for path, text in strings(resource.values, resource.address):
                found += [f"{kind}: {path} holds {what}" for what, shape in SECRET_VALUES.items() if shape.search(text)]
        for name, variable in (document.raw.get("variables") or {}).items():
            value = variable.get("value")
            if SECRET_VARIABLE.search(name) and isinstance(value, str) and value and not REFERENCE.search(value):
                found.append(f"{kind}: the variable {name} carries a secret; pass its ARN instead")
    return found
