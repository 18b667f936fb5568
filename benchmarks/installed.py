"""How many bytes a distribution and everything it depends on take on the disk."""

import json
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def installed_size(names: Iterable[str]) -> int:
    """Bytes of the named distributions and their dependencies, each counted once."""
    return sum(_size(found) for found in closure(names))


def closure(names: Iterable[str]) -> list[Distribution]:
    """The distributions and all they need, as far as they are installed."""
    seen: set[tuple[str, frozenset[str]]] = set()
    found: dict[str, Distribution] = {}
    waiting = [(canonicalize_name(name), frozenset[str]()) for name in names]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        waiting += [
            (canonicalize_name(requirement.name), frozenset(requirement.extras))
            for requirement in map(Requirement, found[name].requires or [])
            if _applies(requirement, extras)
        ]
    return list(found.values())


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _size(found: Distribution) -> int:
    files = {Path(str(found.locate_file(file))) for file in found.files or []}
    if _editable(found):
        files |= set(_sources(found.name))
    return sum(path.stat().st_size for path in files if path.is_file())


def _editable(found: Distribution) -> bool:
    """True if the files are elsewhere: installed by `pip install -e`."""
    text = found.read_text("direct_url.json")
    return bool(text and json.loads(text).get("dir_info", {}).get("editable"))


def _sources(name: str) -> Iterator[Path]:
    """The files of the package of that name, wherever it is imported from."""
    spec = find_spec(name)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield from Path(folder).rglob("*")
