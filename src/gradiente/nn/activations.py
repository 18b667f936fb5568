"""Activation functions: the nonlinearity between layers, elementwise but for softmax.

Each works on arrays and inside traced functions; any other Python function of one array can be used
in their place. `ACTIVATIONS` lists them by name.
"""

from collections.abc import Callable
from typing import Any

from gradiente.trace.functions import m


def relu(x: Any) -> Any:
    """max(x, 0); the gradient at 0 is 0. Nair & Hinton, ICML 2010."""
    return m.relu(x)


def sigmoid(x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return m.sigmoid(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent, (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)."""
    return m.tanh(x)


def gelu(x: Any) -> Any:
    """x Φ(x) with the normal distribution Φ, exact by erf. Hendrycks & Gimpel, 2016."""
    return m.gelu(x)


def silu(x: Any) -> Any:
    """x / (1 + e⁻ˣ), also called swish. Elfwing, Uchibe & Doya, 2018."""
    return m.silu(x)


def softmax(x: Any, axis: int = -1) -> Any:
    """eˣ / Σ eˣ along an axis. Losses take logits: do not put it before a cross entropy."""
    return m.softmax(x, axis=axis)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x where x > 0, slope · x elsewhere; the gradient at 0 is the slope.

    Maas, Hannun & Ng, ICML 2013.
    """
    return m.where(x > 0, x, slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, α (eˣ - 1) elsewhere; the gradient at 0 is α.

    Clevert, Unterthiner & Hochreiter, ICLR 2016.
    """
    # The exponential of a large x, though not chosen, would make the gradient inf · 0.
    return m.where(x > 0, x, alpha * m.expm1(m.where(x > 0, 0.0, x)))


def softplus(x: Any) -> Any:
    """log(1 + eˣ), without overflow."""
    return m.softplus(x)


def linear(x: Any) -> Any:
    """x itself."""
    return x


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "gelu": gelu,
    "silu": silu,
    "softmax": softmax,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "softplus": softplus,
    "linear": linear,
}
