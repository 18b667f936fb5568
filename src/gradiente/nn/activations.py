"""The registry of activation functions: the nonlinearity between layers.

Each is a function of one array that works on arrays and inside traced functions; any other Python
function of one array can be used in its place. Those with parameters or random numbers are layers,
in `learned_activations.py` and `random_activations.py`.
"""

from collections.abc import Callable
from typing import Any

from gradiente.base.registry import enter

Activation = Callable[..., Any]

ACTIVATIONS: dict[str, Activation] = {}
"""Every activation function by name."""


def declare(activation: Activation) -> Activation:
    """Enter an activation into `ACTIVATIONS` under its name."""
    enter(ACTIVATIONS, "an activation", activation.__name__, activation)
    return activation


def also_called(name: str, activation: Activation) -> Activation:
    """Enter an activation under a second name."""
    enter(ACTIVATIONS, "an activation", name, activation)
    return activation
