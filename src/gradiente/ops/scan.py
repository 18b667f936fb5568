"""The same computation again and again, each time on the result of the last: a loop as a value.

A loop has several results, a node of a graph has one: the results lie one after the other in one
array, each at a multiple of `ROOM` elements. `Parts` says where.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gradiente.base.errors import TypeMismatchError
from gradiente.base.types import ArrayType, Shape
from gradiente.ops.operation import operation

ROOM = 16


class Body(Protocol):
    """What is repeated: (*carries, *slices, *fixed) -> (*carries, *results).

    carries, slices: how many there are. outputs: the types of what it returns.
    pullback: the gradient of the whole loop by its inputs, as for an operation.
    """

    carries: int
    slices: int

    @property
    def outputs(self) -> Sequence[ArrayType]:
        """The types of the carries and of the results of one round."""

    def __call__(self, *arrays: Any) -> list[np.ndarray]:
        """The carries after a round, and its results."""

    def pullback(
        self, m: Any, g: Any, y: Any, inputs: tuple[Any, ...], length: int, reverse: bool
    ) -> list[Any]:
        """One gradient, or `None`, for each input of the loop."""

    def replayed(self, inputs: tuple[Any, ...], length: int, reverse: bool) -> Any:
        """The value of the whole loop on other inputs, which may stand for many samples."""


@dataclass(frozen=True)
class Parts:
    """Where the results of a loop lie: shapes, and the first element of each."""

    shapes: tuple[Shape, ...]
    starts: tuple[int, ...]
    size: int

    def part(self, packed: Any, number: int) -> Any:
        """One of the results, as a view."""
        shape, start = self.shapes[number], self.starts[number]
        return packed[start : start + math.prod(shape)].reshape(shape)


def parts_of(body: Body, length: int) -> Parts:
    """The last carries, then the results of all rounds."""
    shapes = [
        kind.shape if place < body.carries else (length, *kind.shape)
        for place, kind in enumerate(body.outputs)
    ]
    starts, size = [], 0
    for shape in shapes:
        starts.append(size)
        size += -(-math.prod(shape) // ROOM) * ROOM
    return Parts(tuple(shapes), tuple(starts), size)


@operation()
def scan(*arrays: Any, body: Body, length: int, reverse: bool) -> Any:
    """c, yₜ = body(c, xₜ, w) for t = 0, 1, …      the gradient goes through the rounds backwards

    arrays: first carries, then the x of all rounds along the first axis, then what is the same in
    all rounds. reverse: begin with the last x. The value holds c and all y, see `Parts`.
    """
    carries = list(arrays[: body.carries])
    sequences = arrays[body.carries : body.carries + body.slices]
    fixed = arrays[body.carries + body.slices :]
    parts = parts_of(body, length)
    packed = np.zeros(parts.size, body.outputs[0].dtype)
    for t in reversed(range(length)) if reverse else range(length):
        results = body(*carries, *(x[t] for x in sequences), *fixed)
        carries = results[: body.carries]
        for number, result in enumerate(results[body.carries :], body.carries):
            parts.part(packed, number)[t] = result
    for number, carry in enumerate(carries):
        parts.part(packed, number)[...] = carry
    return packed


@scan.type
def _(*types: ArrayType, body: Body, length: int, reverse: bool) -> ArrayType:
    kinds = {kind.dtype for kind in body.outputs}
    if len(kinds) > 1:
        raise TypeMismatchError(
            "all that a scan returns must have one data type; it returns "
            f"{', '.join(sorted(map(str, kinds)))}."
        )
    return ArrayType((parts_of(body, length).size,), body.outputs[0].dtype)


@scan.local_gradient
def _(m: Any, g: Any, y: Any, *inputs: Any, body: Body, **params: Any) -> tuple[Any, ...]:
    return tuple(body.pullback(m, g, y, inputs, **params))
