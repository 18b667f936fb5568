"""`gd.scan`: a loop that is part of the program; its function is traced once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError, TreeError
from gradiente.base.source import current_source
from gradiente.base.trees import Structure, Tree, flatten, paths_of, unflatten
from gradiente.base.types import ArrayType, is_array, type_of
from gradiente.gradient.loop import make_loop, part_of
from gradiente.graph.node import Node
from gradiente.ops import scan as table
from gradiente.trace.finish import finished
from gradiente.trace.functions import Tensor, bind, m
from gradiente.trace.surroundings import surrounded_by
from gradiente.trace.tensor import constant


def scan(
    function: Callable[..., Any],
    carry: Tree,
    xs: Tree = None,
    length: int | None = None,
    reverse: bool = False,
    recompute: bool = False,
) -> tuple[Tree, Tree]:
    """carry, yₜ = function(carry, xₜ) for t = 0, 1, …; returns the last carry and all y.

    carry: a tree of arrays; the function returns one of the same structure, shapes and data types.
    xs: a tree of arrays; xₜ is the tree of their slices t along the first axis. length: how many
    rounds there are, if xs does not say. reverse: begin with the last x; y stays in its order.
    y: a tree of arrays, which come back with an axis for the rounds before the others.
    recompute: keep less for the gradient, only the carry each round began with; its matrix products
    are then computed twice.

    The function is traced once. It may use values from around it, and is differentiable in all.
    All that it returns must have one floating-point data type.
    Raises `ShapeError` if the xs differ in length, and `TreeError` if the carry changes.
    """
    carries, carry_structure = flatten(carry)
    sequences, x_structure = flatten(xs)
    length = _length(sequences, length)
    carry_types = [_type(leaf) for leaf in carries]
    slice_types = [ArrayType(kind.shape[1:], kind.dtype) for kind in map(_type, sequences)]
    nodes = [Node(None, (), {}, kind) for kind in (*carry_types, *slice_types)]
    given = list(map(Tensor, nodes))
    with surrounded_by(nodes):
        result = function(
            unflatten(carry_structure, given[: len(carries)]),
            unflatten(x_structure, given[len(carries) :]),
        )
    if not isinstance(result, tuple) or len(result) != 2:
        raise TreeError(
            "the function of a scan returns a pair (carry, y); y may be None."
            + current_source().explain()
        )
    ours, y_structure = _checked(result, carry_structure, carry_types, paths_of(carry))
    loop, fixed = make_loop(nodes, len(carries), ours, recompute)
    given = [*carries, *sequences, *map(Tensor, fixed)]
    packed = bind(table.scan, *given, body=loop, length=length, reverse=bool(reverse))
    parts = table.parts_of(loop, length)
    arrays = [part_of(packed, parts, number) for number in range(len(ours))]
    last = unflatten(carry_structure, arrays[: len(carries)])
    pair: tuple[Tree, Tree] = finished((last, unflatten(y_structure, arrays[len(carries) :])))
    return pair


def _type(leaf: Any) -> ArrayType:
    return leaf.type if isinstance(leaf, Tensor) else type_of(leaf)


def _length(sequences: Sequence[Any], length: int | None) -> int:
    lengths = {np.shape(x)[:1] if is_array(x) else x.shape[:1] for x in sequences}
    lengths |= {(length,)} if length is not None else set()
    if len(lengths) != 1 or () in lengths:
        found = ", ".join(str(n[0]) if n else "none" for n in sorted(lengths))
        raise ShapeError(
            "a scan goes along the first axis of all its xs, which must have one length "
            f"(or be given length=); got {found or 'no xs'}." + current_source().explain()
        )
    return int(next(iter(lengths))[0])


def _checked(
    result: tuple[Any, Any], structure: Structure, types: list[ArrayType], paths: list[str]
) -> tuple[list[Node], Structure]:
    """The nodes of what the function returned, with the carry in the types it had."""
    carried, found = flatten(result[0])
    if found != structure:
        raise TreeError(
            "the function of a scan must return a carry of the structure it was given."
            + current_source().explain()
        )
    nodes = []
    for leaf, kind, path in zip(carried, types, paths, strict=True):
        weak = not isinstance(leaf, Tensor) or leaf.weak
        tensor = leaf if isinstance(leaf, Tensor) else Tensor(constant(leaf))
        tensor = m.cast(tensor, kind.dtype) if weak else tensor
        if tensor.type != kind:
            raise TreeError(
                f"the carry {path or 'of a scan'} is {kind} before a round and {tensor.type} "
                "after it; it must stay the same." + current_source().explain()
            )
        nodes.append(tensor.node)
    results, y_structure = flatten(result[1])
    nodes += [x.node if isinstance(x, Tensor) else constant(x) for x in results]
    return nodes, y_structure
