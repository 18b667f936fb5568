"""Layers in which one part of the input decides how much of another passes."""

from collections.abc import Callable
from typing import Any

from gradiente.base.arguments import check_count
from gradiente.initializers.constants import constant, zeros
from gradiente.initializers.scaling import glorot_uniform
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Initializer, Module
from gradiente.nn.rectifiers import relu
from gradiente.nn.representation import written
from gradiente.nn.smooth import sigmoid
from gradiente.trace.functions import m

Activation = Callable[[Any], Any]


def _affine(layer: Module, name: str, x: Any, units: int, start: Initializer = zeros) -> Any:
    """x W + b with the parameters `name_weight` and `name_bias` of a layer; start: of the bias."""
    weight = layer.parameter(f"{name}_weight", (x.shape[-1], units), glorot_uniform, x.dtype)
    return x @ weight + layer.parameter(f"{name}_bias", (units,), start, x.dtype)


class Highway(Module):
    """y = t ⊙ f(x W + b) + (1 - t) ⊙ x,   t = σ(x W_t + b_t)

    activation: f. The bias of the gate starts at -1, so that x mostly passes at first.
    x: (..., features) -> y of the same shape; value_weight, gate_weight: (features, features);
    value_bias, gate_bias: (features,).
    Srivastava, Greff & Schmidhuber, "Highway networks", 2015.
    """

    def __init__(self, activation: Activation = relu):
        self.activation = activation
        self.value_weight: Any = None
        self.value_bias: Any = None
        self.gate_weight: Any = None
        self.gate_bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        features = x.shape[-1]
        value = self.activation(_affine(self, "value", x, features))
        gate = sigmoid(_affine(self, "gate", x, features, constant(-1.0)))
        return x + gate * (value - x)

    def __repr__(self) -> str:
        return written(self, activation=(self.activation, relu))


class SqueezeExcite(Module):
    """y = x ⊙ σ(f(s W₁ + b₁) W₂ + b₂),   s = the mean of x over all positions

    Each channel of a sample is scaled by a number between 0 and 1 that depends on the means of all
    channels. reduction: the hidden length is channels // reduction, at least 1; activation: f.
    x: (batch, ..., channels), with one axis of positions at least -> y of the same shape.
    Hu, Shen & Sun, "Squeeze-and-excitation networks", CVPR 2018.

    Raises `InvalidArgumentError` for a reduction below 1.
    """

    def __init__(self, reduction: int = 16, activation: Activation = relu):
        self.reduction = check_count("reduction", reduction, at_least=1)
        self.activation = activation
        self.hidden_weight: Any = None
        self.hidden_bias: Any = None
        self.gate_weight: Any = None
        self.gate_bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=3)
        channels = x.shape[-1]
        means = m.mean(x, axis=tuple(range(1, x.ndim - 1)))
        hidden = _affine(self, "hidden", means, max(channels // self.reduction, 1))
        gate = sigmoid(_affine(self, "gate", self.activation(hidden), channels))
        return x * m.expand_dims(gate, tuple(range(1, x.ndim - 1)))

    def __repr__(self) -> str:
        return written(self, reduction=(self.reduction, 16), activation=(self.activation, relu))
