"""`vmap`: a function of one sample becomes a function of many, without a loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, ShapeError, TreeError, TypeMismatchError
from gradiente.base.source import current_source
from gradiente.base.trees import Structure, Tree, flatten, paths_of, unflatten
from gradiente.base.types import ArrayType, is_array
from gradiente.batching import rules
from gradiente.batching.replay import Replay
from gradiente.graph.node import Node
from gradiente.trace.finish import finished
from gradiente.trace.functions import Tensor, m
from gradiente.trace.surroundings import surrounded_by
from gradiente.trace.tensor import constant
from gradiente.trace.trace import argument_names, name_of

FAMILIES = (rules,)  # importing it fills the table of batching rules
NOTHING = flatten(None)[1]

Axis = int | None


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """A function that does for many samples what `function` does for one: yᵢ = function(xᵢ).

    in_axes: which axis of the arguments counts the samples. An integer for all positional
    arguments, or a tuple with one entry for each: an integer; `None`, the argument is the same for
    all samples; or a tree of these, whose entries count for all that is below them. Keyword
    arguments are mapped over their first axis.
    out_axes: where that axis is in the results: an integer, or a tree of them; `None` for a result
    that does not depend on the sample.

    `function` is traced once. What it computes is then written with a further axis, so that many
    small products become one large one. It nests, with `grad` in both orders:

        per_sample = gd.vmap(gd.grad(loss), in_axes=(None, 0, 0))(network, x, y)

    Random numbers are a function of their key: with one key all samples draw the same numbers, with
    a mapped one each draws its own. Layers see one sample: in training, batch normalization has
    no batch to look at.

    Raises `InvalidArgumentError` and `TreeError` if the axes do not fit the arguments, and
    `ShapeError` if an argument has no such axis, or if the arguments differ in their number of
    samples; all name the argument.
    """

    @wraps(function, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        samples = _Samples()
        names = argument_names(function, len(args))
        prefixes = _one_for_each(in_axes, len(args), function)
        own = [samples.open(*each) for each in zip(prefixes, args, names, strict=True)]
        named = {name: samples.open(0, value, name) for name, value in kwargs.items()}
        size = samples.size(function)
        with surrounded_by(samples.given):
            result = function(*own, **named)
        replay = Replay(size, {node: (front, True) for node, front in samples.given.items()})
        leaves, structure = flatten(result)
        axes = list(_axes(out_axes, structure, "out_axes", "the result"))
        paths = paths_of(result)
        return finished(
            unflatten(
                structure, [_output(replay, *x) for x in zip(leaves, axes, paths, strict=True)]
            )
        )

    return mapped


def _one_for_each(in_axes: Any, count: int, function: Callable[..., Any]) -> tuple[Any, ...]:
    if not isinstance(in_axes, tuple | list):
        return (in_axes,) * count
    if len(in_axes) != count:
        raise InvalidArgumentError(
            f"`in_axes` has {len(in_axes)} entries, but `{name_of(function)}` was called with "
            f"{count} positional arguments: it needs one entry for each, or one integer for all."
            + current_source().explain()
        )
    return tuple(in_axes)


@dataclass
class _Samples:
    """The arguments of one sample, made of those of all.

    given: for the node of each mapped array the whole of it, the samples along its first axis.
    lengths: the name of each, its axis, and how many samples it has.
    """

    given: dict[Node, Tensor] = field(default_factory=dict)
    lengths: list[tuple[str, int, int]] = field(default_factory=list)

    def open(self, prefix: Any, argument: Tree, name: str) -> Tree:
        """An argument for one sample; as it is, if it is the same for all."""
        if prefix is None:
            return argument
        leaves, structure = flatten(argument)
        paths = [f"{name}.{path}" if path else name for path in paths_of(argument)]
        axes = _axes(prefix, structure, "in_axes", f"`{name}`")
        return unflatten(structure, map(self._one, leaves, axes, paths))

    def _one(self, leaf: Any, axis: Axis, path: str) -> Any:
        if axis is None:
            return leaf
        if not isinstance(leaf, Tensor) and not is_array(leaf):
            raise TypeMismatchError(
                f"`{path}` is a {type(leaf).__name__}: only arrays can be mapped over. Write None "
                "in its place in in_axes." + current_source().explain()
            )
        place = _place(axis, np.ndim(leaf) if is_array(leaf) else leaf.ndim, f"`{path}`")
        front = m.moveaxis(leaf, place, 0)
        whole = front if isinstance(front, Tensor) else Tensor(constant(front))
        node = Node(None, (), {}, ArrayType(whole.shape[1:], whole.dtype), name=path)
        self.given[node] = whole
        self.lengths.append((path, axis, whole.shape[0]))
        return Tensor(node)

    def size(self, function: Callable[..., Any]) -> int:
        """How many samples all arguments have."""
        if not self.lengths:
            raise InvalidArgumentError(
                f"`vmap` of `{name_of(function)}` was given nothing to map over: `in_axes` is None "
                "everywhere, or there are no arrays." + current_source().explain()
            )
        first = self.lengths[0]
        for other in self.lengths:
            if other[2] != first[2]:
                raise ShapeError(
                    "the arguments differ in their number of samples: "
                    f"`{first[0]}` has {first[2]} along axis {first[1]}, "
                    f"`{other[0]}` has {other[2]} along axis {other[1]}."
                    + current_source().explain()
                )
        return first[2]


def _place(axis: int, ndim: int, what: str) -> int:
    if not -ndim <= axis < ndim:
        raise ShapeError(
            f"{what} has {ndim} axes, so there is no axis {axis} to map over."
            + current_source().explain()
        )
    return axis % ndim


def _axes(prefix: Any, structure: Structure, option: str, what: str) -> Iterator[Axis]:
    """An axis for each leaf of a tree: that of the entry above it."""
    entries, own = flatten(prefix)
    for entry in entries:
        if not isinstance(entry, int | np.integer) or isinstance(entry, bool):
            raise InvalidArgumentError(
                f"`{option}` has {entry!r} for {what}: it must be an integer, None, or a tree of "
                "these." + current_source().explain()
            )
    return _spread(iter(entries), own, structure, option, what)


def _spread(
    entries: Iterator[int], own: Structure, structure: Structure, option: str, what: str
) -> Iterator[Axis]:
    if own.kind is None or own == NOTHING:
        axis = None if own == NOTHING else int(next(entries))
        yield from [axis] * _count(structure)
        return
    if (own.kind, own.names) != (structure.kind, structure.names):
        raise TreeError(
            f"`{option}` does not have the structure of {what}: its entries are "
            f"{_listed(own)}, and those of {what} {_listed(structure)}."
            + current_source().explain()
        )
    for ours, theirs in zip(own.children, structure.children, strict=True):
        yield from _spread(entries, ours, theirs, option, what)


def _count(structure: Structure) -> int:
    return 1 if structure.kind is None else sum(map(_count, structure.children))


def _listed(structure: Structure) -> str:
    return ", ".join(f"`{name}`" for name in structure.names) or "none"


def _output(replay: Replay, leaf: Any, axis: Axis, path: str) -> Any:
    """One result for all samples, their axis where it was asked for."""
    what = f"the result `{path}`" if path else "the result"
    if isinstance(leaf, Tensor):
        found = replay.of(leaf.node)
        if axis is None and found.mapped:
            raise InvalidArgumentError(
                f"{what} depends on the sample, so it needs an axis in `out_axes`, not None."
                + current_source().explain()
            )
        return found.tensor if axis is None else _moved(found.each, axis, what)
    if axis is None:
        return leaf
    if not is_array(leaf):
        raise TypeMismatchError(
            f"{what} is a {type(leaf).__name__}: only arrays can be given an axis for the samples. "
            "Write None in its place in out_axes." + current_source().explain()
        )
    repeated = np.broadcast_to(leaf, (replay.size, *np.shape(leaf)))
    return np.array(_moved(repeated, axis, what))


def _moved(x: Any, axis: int, what: str) -> Any:
    return m.moveaxis(x, 0, _place(axis, len(x.shape), what))
