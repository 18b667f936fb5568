"""Regularizers and constraints of a training: for which parameters, and what they do to them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, NotDifferentiableError, ShapeError
from gradiente.optimizers.patterns import check_used, matches
from gradiente.trace.axes import dtype_of, shape_of
from gradiente.trace.functions import m

Named = dict[str, Any]
ByPattern = Mapping[str, Callable[[Any], Any]]
"""Functions of one parameter, by patterns of paths such as `"*.weight"`."""


def checked(name: str, given: Any) -> ByPattern:
    """What the user gave, as a dict; raises `InvalidArgumentError` for anything else."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        for pattern, function in given.items():
            if not isinstance(pattern, str) or not callable(function) or isinstance(function, type):
                raise InvalidArgumentError(
                    f"`{name}` has {function!r} for {pattern!r}: it must have functions of an "
                    "array, such as those of that folder, for patterns of paths."
                )
        return dict(given)
    if callable(given):
        raise InvalidArgumentError(
            f"`{name}` is {given!r}: say for which parameters, {{'*.weight': {given!r}}}."
        )
    raise InvalidArgumentError(f"`{name}` is a dict of functions by pattern, not {given!r}.")


def penalty(regularizers: ByPattern, parameters: Named, fixed: Named) -> Any:
    """The sum of all penalties of the trained parameters, a scalar; 0.0 if there are none.

    Raises `InvalidArgumentError` for a pattern that no parameter matches, `NotDifferentiableError`
    for a penalty that is not a single floating-point number.
    """
    total: Any = 0.0
    for pattern, regularizer in regularizers.items():
        check_used(pattern, {**parameters, **fixed})
        for path, parameter in parameters.items():
            if matches(pattern, path):
                value = regularizer(parameter)
                if shape_of(value) != () or dtype_of(value).kind != "f":
                    raise NotDifferentiableError(
                        f"the regularizer {regularizer!r} gave an array of type "
                        f"{dtype_of(value)} and shape {shape_of(value)} for `{path}`: it must be "
                        "one floating-point number, such as a sum."
                    )
                total = total + m.cast(value, np.float64)
    return total


def projected(constraints: ByPattern, parameters: Named, fixed: Named) -> Named:
    """The parameters where they have to be; several constraints of one act in order.

    Raises `InvalidArgumentError` for a pattern that no parameter matches, `ShapeError` for one
    that changes the shape.
    """
    placed = dict(parameters)
    for pattern, constraint in constraints.items():
        check_used(pattern, {**parameters, **fixed})
        for path, parameter in parameters.items():
            if matches(pattern, path):
                placed[path] = m.cast(constraint(placed[path]), parameter.dtype)
                if placed[path].shape != parameter.shape:
                    raise ShapeError(
                        f"the constraint {constraint!r} made {placed[path].shape} of the shape "
                        f"{parameter.shape} of `{path}`: it must keep the shape."
                    )
    return placed
