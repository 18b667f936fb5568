"""The registry of activation functions: the nonlinearity between layers.

Each is a function of one array that works on arrays and inside traced functions; any other Python
function of one array can be used in its place. Those with parameters or random numbers are layers,
in `learned_activations.py` and `random_activations.py`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from gradiente.base.registry import enter
from gradiente.base.source import current_layer
from gradiente.nn.context import Activated, current

Activation = Callable[..., Any]

ACTIVATIONS: dict[str, Activation] = {}
"""Every activation function by name."""


def declare(activation: Activation) -> Activation:
    """Enter an activation into `ACTIVATIONS` under its name; a run that asks is told of calls."""
    told = _told(activation)
    enter(ACTIVATIONS, "an activation", activation.__name__, told)
    return told


def _told(activation: Activation) -> Activation:
    @wraps(activation)
    def told(x: Any, *args: Any, **kwargs: Any) -> Any:
        context = current()
        if context is None or context.activations is None:
            return activation(x, *args, **kwargs)
        activations, context.activations = context.activations, None
        try:
            result = activation(x, *args, **kwargs)
        finally:
            context.activations = activations
        activations.append(
            Activated(
                activation.__name__,
                lambda x: activation(x, *args, **kwargs),
                x,
                current_layer(),
                len(context.calls or ()),
            )
        )
        return result

    return told


def also_called(name: str, activation: Activation) -> Activation:
    """Enter an activation under a second name."""
    enter(ACTIVATIONS, "an activation", name, activation)
    return activation
