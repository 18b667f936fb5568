"""Nested containers of arrays: take one apart into leaves, and put it together again.

A *tree* is a dict, list, tuple, named tuple, dataclass instance or registered class whose children
are trees; everything else is a *leaf*; `None` is a container without children. Parameters,
gradients and optimizer state are trees, and every function of the library takes and returns them.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from gradiente.base.errors import TreeError
from gradiente.base.types import ArrayType

Leaf = Any
Tree = Any


class Structure:
    """The shape of a tree without its leaves: hashable, so that it can key a cache.

    kind: what rebuilds the container; names: what its children are called in paths;
    children: their structures. A leaf has kind `None`. Not to be changed.
    """

    __slots__ = ("_hash", "children", "kind", "names")

    def __init__(
        self,
        kind: Any,
        names: tuple[Any, ...] = (),
        children: tuple["Structure", ...] = (),
    ):
        self.kind, self.names, self.children = kind, names, children
        self._hash = hash((kind, names, children))  # once: it looks up compiled functions

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Structure)
            and self._hash == other._hash
            and (self.kind, self.names) == (other.kind, other.names)
            and self.children == other.children
        )

    def __repr__(self) -> str:
        return f"Structure({self.kind!r}, {self.names!r}, {self.children!r})"


@dataclass(frozen=True)
class Container:
    """How to open one container type: `open` gives names and children, `build` is its inverse.

    `describe` gives hashable data that `build` needs besides the children (`None` for most).
    """

    open: Callable[[Any], tuple[tuple[Any, ...], tuple[Any, ...]]]
    build: Callable[[Any, tuple[Any, ...], tuple[Any, ...]], Any]
    describe: Callable[[Any], Any] = lambda value: type(value)


LEAF = Structure(kind=None)

# Equal structures are one object, as far as possible: comparing them then takes no time.
MOST_KNOWN = 4096
_known: dict[tuple[Any, ...], Structure] = {}

CONTAINERS: dict[type, Container] = {
    dict: Container(
        open=lambda value: (tuple(value), tuple(value.values())),
        build=lambda kind, names, children: dict(zip(names, children, strict=True)),
    ),
    list: Container(
        open=lambda value: (tuple(range(len(value))), tuple(value)),
        build=lambda kind, names, children: list(children),
    ),
    tuple: Container(
        open=lambda value: (tuple(range(len(value))), tuple(value)),
        build=lambda kind, names, children: tuple(children),
    ),
    type(None): Container(
        open=lambda value: ((), ()),
        build=lambda kind, names, children: None,
    ),
}

NAMED_TUPLE = Container(
    open=lambda value: (value._fields, tuple(value)),
    build=lambda kind, names, children: kind(*children),
)


def _open_dataclass(value: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    names = tuple(field.name for field in dataclasses.fields(value))
    return names, tuple(getattr(value, name) for name in names)


def _build_dataclass(kind: type, names: tuple[str, ...], children: tuple[Any, ...]) -> Any:
    """Set the fields directly: `__init__` may compute or forbid some of them."""
    rebuilt: Any = object.__new__(kind)
    for name, child in zip(names, children, strict=True):
        object.__setattr__(rebuilt, name, child)
    return rebuilt


DATACLASS = Container(open=_open_dataclass, build=_build_dataclass)


def register(cls: type, container: Container) -> None:
    """Make instances of `cls`, and of its subclasses, containers rather than leaves."""
    CONTAINERS[cls] = container
    _container.cache_clear()


@lru_cache(maxsize=MOST_KNOWN)
def _container(kind: type) -> Container | None:
    """How to open what is of this type; `None` for leaves."""
    for cls in kind.__mro__[:-1]:
        if cls in CONTAINERS and (cls is not tuple or not hasattr(kind, "_fields")):
            return CONTAINERS[cls]
    if issubclass(kind, tuple):
        return NAMED_TUPLE
    if dataclasses.is_dataclass(kind) and not issubclass(kind, type | ArrayType):
        return DATACLASS
    return None


def _visit(tree: Tree, leaves: list[Leaf]) -> Structure:
    container = _container(type(tree))  # type: ignore[arg-type]  # every class is hashable
    if container is None:
        leaves.append(tree)
        return LEAF
    names, children = container.open(tree)
    inner = []
    for child in children:
        if type(child) is np.ndarray:  # as most leaves are
            leaves.append(child)
            inner.append(LEAF)
        else:
            inner.append(_visit(child, leaves))
    parts = ((container.build, container.describe(tree)), names, tuple(inner))
    known = _known.get(parts)
    if known is not None:
        return known
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    return _known.setdefault(parts, Structure(*parts))


def flatten(tree: Tree) -> tuple[list[Leaf], Structure]:
    """The leaves of `tree` in order, and the structure that rebuilds it."""
    leaves: list[Leaf] = []
    return leaves, _visit(tree, leaves)


def _rebuild(structure: Structure, leaves: Iterator[Leaf]) -> Tree:
    if structure.kind is None:
        return next(leaves)
    build, description = structure.kind
    children = tuple(
        [next(leaves) if child is LEAF else _rebuild(child, leaves) for child in structure.children]
    )
    return build(description, structure.names, children)


def unflatten(structure: Structure, leaves: Iterable[Leaf]) -> Tree:
    """The inverse of `flatten`."""
    return _rebuild(structure, iter(leaves))


def leaves_of(tree: Tree) -> list[Leaf]:
    """The leaves of `tree`, in order."""
    return flatten(tree)[0]


def _paths(structure: Structure, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if structure.kind is None:
        yield prefix
    for name, child in zip(structure.names, structure.children, strict=True):
        yield from _paths(child, (*prefix, name))


def _dotted(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def paths_of(tree: Tree) -> list[str]:
    """A dotted name for every leaf, in the order of `flatten`: `layers.0.weight`."""
    return [_dotted(path) for path in _paths(flatten(tree)[1])]


def leaves_as(structure: Structure, tree: Tree) -> list[Leaf]:
    """The leaves of `tree` in the order of `structure`; only the order of dict keys may differ.

    Raises `TreeError` naming the first path at which the structures part.
    """
    leaves, own = flatten(tree)
    if own == structure:
        return leaves
    if _unordered(own) != _unordered(structure):
        raise TreeError(_difference(structure, own))
    by_path = dict(zip(_paths(own), leaves, strict=True))
    return [by_path[path] for path in _paths(structure)]


def _unordered(structure: Structure) -> Any:
    """Something equal for structures that differ in the order of their names only."""
    children = zip(structure.names, map(_unordered, structure.children), strict=True)
    return structure.kind, frozenset(children)


def map_tree(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """Apply `function` leaf by leaf to one or several trees of the same structure.

    Raises `TreeError` naming the first path at which the structures part.
    """
    leaves, structure = flatten(tree)
    columns = [leaves, *(leaves_as(structure, other) for other in others)]
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])


def _difference(expected: Structure, got: Structure) -> str:
    ours, theirs = list(_paths(expected)), list(_paths(got))
    missing = [path for path in ours if path not in theirs]
    surplus = [path for path in theirs if path not in ours]
    if missing:
        return f"the structures differ: `{_dotted(missing[0])}` is missing from the second one."
    if surplus:
        return f"the structures differ: `{_dotted(surplus[0])}` is in the second one only."
    return "the structures differ: their containers are of different types."
