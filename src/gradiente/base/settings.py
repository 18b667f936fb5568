"""Every environment variable the library reads, with its meaning and its default."""

import os
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One environment variable: what it means, and what holds when it is not set."""

    meaning: str
    default: Any


SETTINGS: dict[str, Setting] = {
    "GRADIENTE_BACKEND": Setting("what compiled functions run on: native or numpy", "native"),
    "GRADIENTE_CHECK": Setting("1: verify every graph, after tracing and after each pass", False),
    "GRADIENTE_THREADS": Setting("how many threads native code uses; empty: all there are", ""),
    "GRADIENTE_CACHE": Setting(
        "folder for compiled code; off: keep none; empty: the user's cache folder", ""
    ),
    "GRADIENTE_SKIP": Setting("improvements to leave out, separated by commas", ""),
}


def setting(name: str) -> Any:
    """The value in force: the environment's, read anew each time, or the default."""
    text = os.environ.get(name, "")
    default = SETTINGS[name].default
    if not text:
        return default
    return text not in ("0", "false", "no") if isinstance(default, bool) else text


def settings_in_force() -> tuple[Any, ...]:
    """The values of all of them: something made under others may be something else."""
    return tuple([setting(name) for name in SETTINGS])
