"""Registries: what can be chosen by name, entered once and found with a helpful error."""

import difflib
from typing import Any

from gradiente.base.errors import InvalidArgumentError, UnknownNameError


def enter(registry: dict[str, Any], kind: str, name: str, entry: Any) -> None:
    """Put `entry` into `registry` under `name`; a name entered twice is a defect."""
    if name in registry:
        raise InvalidArgumentError(f"{kind} named `{name}` is declared already.")
    registry[name] = entry


def find(registry: dict[str, Any], kind: str, name: str) -> Any:
    """The entry called `name`, whatever its case and with `-` for `_`.

    Raises `UnknownNameError` with the nearest name and the list of all.
    """
    wanted = name.strip().lower().replace("-", "_")
    if wanted in registry:
        return registry[wanted]
    near = difflib.get_close_matches(wanted, registry, n=1)
    guess = f" Did you mean `{near[0]}`?" if near else ""
    listed = ", ".join(sorted(registry))
    raise UnknownNameError(f"{kind} named `{name}` does not exist.{guess} There are: {listed}.")
