"""Taking the gradient into one's own hands: `stop_gradient` and `custom_gradient`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from gradiente.base.errors import TreeError
from gradiente.base.source import current_source
from gradiente.base.trees import Structure, Tree, flatten, map_tree, unflatten
from gradiente.ops import identity as table
from gradiente.trace.functions import Tensor, bind, m
from gradiente.trace.tensor import constant


def stop_gradient(tree: Tree) -> Tree:
    """The same values, counted as constants by every gradient."""
    return map_tree(_stopped, tree)


def _stopped(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x
    return Tensor(bind(table.stop_gradient, x).node, x.weak)


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """Replace the gradient of a function by your own (a decorator).

    The function returns (value, rule). `rule(ḡ)` gets the gradient with respect to the value, in
    the structure of the value, and returns one gradient for each positional argument (a tuple, or
    the gradient itself if there is one argument; `None` for zero):

        @gd.custom_gradient
        def clipped(x):
            return x, lambda g: np.clip(g, -1.0, 1.0)

    The rule is written with NumPy functions; it can itself be differentiated. `gd.verify` compares
    it with finite differences. Raises `TreeError` if the rule returns gradients that do not fit.
    """

    @wraps(function, updated=())
    def replaced(*args: Any) -> Any:
        leaves, structure = flatten(args)
        traced = [x for x in leaves if isinstance(x, Tensor)]
        value, rule = function(*args)
        if not traced:
            return value
        outputs, result = flatten(value)
        places = [i for i, x in enumerate(leaves) if isinstance(x, Tensor)]
        attached = [
            _attached(i, outputs, result, rule, places, leaves, structure)
            for i in range(len(outputs))
        ]
        return unflatten(result, attached)

    return replaced


def _attached(
    place: int,
    outputs: list[Any],
    result: Structure,
    rule: Callable[..., Any],
    places: list[int],
    leaves: list[Any],
    structure: Structure,
) -> Any:
    """One output, tied to the inputs by the user's rule (which is linear: other outputs get 0)."""

    def local(m: Any, g: Any) -> tuple[Any, ...]:
        upstream = [g if i == place else np.zeros(y.shape, y.dtype) for i, y in enumerate(outputs)]
        given = rule(unflatten(result, upstream))
        single = len(structure.children) == 1 and not (type(given) is tuple and len(given) == 1)
        gradients = (given,) if single or not isinstance(given, tuple) else given
        return tuple(_leaf_gradient(gradients, structure, leaves, i) for i in places)

    inputs = [leaves[i] for i in places]
    y = outputs[place]
    detached = bind(table.stop_gradient, y) if isinstance(y, Tensor) else y
    return bind(table.custom_gradient, detached, *inputs, rule=local)


def _leaf_gradient(
    gradients: tuple[Any, ...], structure: Structure, leaves: list[Any], place: int
) -> Any:
    if len(gradients) != len(structure.children):
        raise TreeError(
            f"the rule of a custom gradient returned {len(gradients)} gradients for "
            f"{len(structure.children)} arguments." + current_source().explain()
        )
    start = 0
    for gradient, argument in zip(gradients, structure.children, strict=True):
        count = len(_leaf_list(argument))
        if start <= place < start + count:
            if gradient is None:
                return None
            chosen = flatten(gradient)[0]
            if len(chosen) != count:
                raise TreeError(
                    "the rule of a custom gradient returned a gradient whose structure differs "
                    "from its argument's." + current_source().explain()
                )
            return _fitting(chosen[place - start], leaves[place])
        start += count
    return None


def _leaf_list(structure: Structure) -> list[Structure]:
    if structure.kind is None:
        return [structure]
    return [leaf for child in structure.children for leaf in _leaf_list(child)]


def _fitting(gradient: Any, x: Tensor) -> Any:
    if gradient is None:
        return None
    shape = gradient.shape if hasattr(gradient, "shape") else np.shape(gradient)
    if shape != x.shape:
        raise TreeError(
            f"the rule of a custom gradient returned shape {shape} for an argument of shape "
            f"{x.shape}." + current_source().explain()
        )
    tensor = gradient if isinstance(gradient, Tensor) else Tensor(constant(gradient))
    return m.cast(tensor, x.dtype)
