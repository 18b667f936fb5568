"""Limits for the signs of weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.base.source import current_source
from gradiente.constraints.constraint import Array, Constraint, declare


@declare
def NonNegative() -> Constraint:
    """No number below zero.          w ← max(w, 0)

    D. D. Lee, H. S. Seung, "Learning the parts of objects by non-negative matrix factorization",
    Nature, 1999.
    """
    return Constraint("NonNegative", lambda w: np.maximum(w, 0.0).astype(w.dtype))


@declare
def Monotone(directions: Sequence[int] | int = 1) -> Constraint:
    """The signs that make a network rise or fall with its inputs.

        w ← max(w, 0) where the direction is 1
        w ← min(w, 0) where it is −1, and w stays where it is 0

    directions: one for each input, along the first axis of the weight of a dense layer; a number
    stands for all. A network is monotone in an input if its first layer is so constrained, all
    weights of the following ones are `NonNegative`, and its activations rise. Raises
    `InvalidArgumentError` for directions other than 1, 0 and −1, `ShapeError` if there are not as
    many as inputs.

    N. P. Archer, S. Wang, "Application of the back propagation neural network algorithm with
    monotonicity constraints for two-group classification problems", Decision Sciences, 1993.
    """
    signs = _checked(directions)

    def function(w: Array) -> Array:
        if isinstance(signs, int):
            bounds: Any = _bounds(np.array(signs))
        else:
            if w.shape[:1] != (len(signs),):
                raise ShapeError(
                    f"the constraint Monotone has {len(signs)} directions, but the parameter has "
                    f"shape {tuple(w.shape)}: there must be one for each entry of its first axis."
                    + current_source().explain()
                )
            bounds = _bounds(np.array(signs).reshape((-1,) + (1,) * (len(w.shape) - 1)))
        below, above = (bound.astype(w.dtype) for bound in bounds)
        return np.minimum(np.maximum(w, below), above)

    return Constraint("Monotone", function, {"directions": signs})


def _bounds(signs: Array) -> tuple[Array, Array]:
    """The least and the greatest number allowed for each sign."""
    return np.where(signs > 0, 0.0, -np.inf), np.where(signs < 0, 0.0, np.inf)


def _checked(directions: Any) -> int | tuple[int, ...]:
    several = isinstance(directions, Sequence) and not isinstance(directions, str)
    listed = tuple(directions) if several else (directions,)
    if not listed or any(type(each) is not int or each not in (-1, 0, 1) for each in listed):
        raise InvalidArgumentError(
            f"`directions` is {directions!r}: it must be 1, 0 or -1, or a list of them."
        )
    return listed if several else listed[0]
