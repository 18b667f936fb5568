"""Writes `docs/vocabulary.md`, the tables of all that can be chosen by name.

    python -m scripts.vocabulary

Rows are sorted by name and made of the docstrings, so that the page depends on nothing else.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradiente.constraints import CONSTRAINTS
from gradiente.initializers import INITIALIZERS
from gradiente.losses import LOSSES
from gradiente.nn import ACTIVATIONS, LAYERS
from gradiente.optimizers import OPTIMIZERS
from gradiente.regularizers import REGULARIZERS
from gradiente.schedules import SCHEDULES
from scripts.docstrings import EQUATION, GAP, Entry, read

PAGE = Path(__file__).parents[1] / "docs" / "vocabulary.md"
MISSING = "missing"

# Each with its title, and how its entries are written.
REGISTRIES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "Layers": ("nn", LAYERS),
    "Activations": ("nn", ACTIVATIONS),
    "Losses": ("losses", LOSSES),
    "Optimizers": ("optimizers", OPTIMIZERS),
    "Schedules": ("schedules", SCHEDULES),
    "Initializers": ("initializers", INITIALIZERS),
    "Regularizers": ("regularizers", REGULARIZERS),
    "Constraints": ("constraints", CONSTRAINTS),
}

INTRODUCTION = """\
# Vocabulary

All that can be chosen by name, with its equation and where it comes from. `help(nn.Dense)`, or of
any other entry, says the rest: shapes, arguments, errors, conventions.

This page is made of the docstrings: change those, then run `python -m scripts.vocabulary`.
"""


def page() -> str:
    """The whole page."""
    sections = (
        f"## {title}\n\nIn `gradiente.{module}`: {len(names(registry))}.\n\n{table(registry)}\n"
        for title, (module, registry) in REGISTRIES.items()
    )
    return "\n".join([INTRODUCTION, *sections])


def names(registry: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names of each entry under the first of them, the entry's own where it is one."""
    by_entry: dict[int, list[str]] = {}
    for name in sorted(registry):
        by_entry.setdefault(id(registry[name]), []).append(name)
    own = (_own_first(registry[group[0]], group) for group in by_entry.values())
    return {group[0]: group for group in sorted(own)}


def _own_first(entry: Any, group: list[str]) -> list[str]:
    own = getattr(entry, "__name__", None)
    return sorted(group, key=lambda name: (name != own, name))


def table(registry: Mapping[str, Any]) -> str:
    """One row for each entry."""
    rows = (
        row(shown(group, registry[name]), read(registry[name]))
        for name, group in names(registry).items()
    )
    return "\n".join(["| name | equation | source |", "| --- | --- | --- |", *rows])


def shown(group: list[str], thing: Any) -> list[str]:
    """The names, after that of the class or function itself where it is written differently."""
    own = getattr(thing, "__name__", group[0])
    return group if own in group else [own, *group]


def row(group: list[str], entry: Entry) -> str:
    """A row: the names, the first paragraph with the equations below it, the source."""
    written = ", ".join(f"`{name}`" for name in group)
    lines = [escaped(entry.description), *map(equation, entry.equations)]
    return f"| {written} | {'<br>'.join(lines)} | {escaped(entry.source) or MISSING} |"


def equation(line: str) -> str:
    """A line of equations and remarks, which are apart by three spaces or more."""
    parts = (part.strip() for part in GAP.split(line))
    return " ".join(
        escaped(f"`{part.replace('`', '')}`" if EQUATION.search(part) else part) for part in parts
    )


def escaped(text: str) -> str:
    """Text in a cell, in which code stays code and nothing else is Markdown."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_\[\]<])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts).replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
