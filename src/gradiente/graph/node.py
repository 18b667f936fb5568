"""A node: one application of an operation, and all that is known about it."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from gradiente.base.source import UNKNOWN, Source
from gradiente.base.types import ArrayType
from gradiente.ops.operation import Operation

_numbers: Iterator[int] = count()


class Node:
    """One value of a program. Immutable, but for `value`, which is filled in when it is computed.

    operation: what computes it; `None` for an input of the program and for a constant.
    inputs: the nodes it is computed from.
    params: the static parameters of the operation.
    type: shape and data type.
    source: the user's line.
    number: grows with creation, so that inputs always have smaller numbers.
    value: the array, where it is known; a *concrete* node can be computed without further inputs.
    name: of an input, as its path in the arguments.
    """

    __slots__ = (
        "concrete",
        "inputs",
        "name",
        "number",
        "operation",
        "params",
        "source",
        "type",
        "value",
    )

    def __init__(
        self,
        operation: Operation | None,
        inputs: tuple["Node", ...],
        params: dict[str, Any],
        type: ArrayType,
        source: Source = UNKNOWN,
        value: np.ndarray | None = None,
        name: str = "",
    ):
        self.operation = operation
        self.inputs = inputs
        self.params = params
        self.type = type
        self.source = source
        self.value = value
        self.name = name
        self.number = next(_numbers)
        self.concrete: bool = value is not None or (
            operation is not None and all(item.concrete for item in inputs)
        )

    @property
    def is_constant(self) -> bool:
        """True for an array that was written into the program."""
        return self.operation is None and self.value is not None

    def __repr__(self) -> str:
        what = self.operation.name if self.operation else self.name or "constant"
        return f"<node {self.number}: {what} {self.type}>"
