"""The fully connected layer."""

from typing import Any

from gradiente.base.arguments import check_count
from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.initializers.constants import zeros
from gradiente.initializers.scaling import glorot_uniform
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Initializer, Module


class Dense(Module):
    """y = x W + b

    units: the length of the last axis of y.
    inputs: the length of the last axis of x; by default that of the first x it meets.
    weight: (inputs, units); bias: (units,), absent with `use_bias=False`.
    x: (..., inputs) -> y: (..., units)

    The weight starts Glorot uniform, the bias at zero. Raises `InvalidArgumentError` for sizes
    below 1 and `ShapeError` for x of another size.

    Source: none.
    """

    def __init__(
        self,
        units: int,
        inputs: int | None = None,
        use_bias: bool = True,
        weight_initializer: Initializer = glorot_uniform,
        bias_initializer: Initializer = zeros,
    ):
        self.units = check_count("units", units, at_least=1)
        self.inputs = None if inputs is None else check_count("inputs", inputs, at_least=1)
        self.use_bias = use_bias
        self.weight_initializer = weight_initializer
        self.bias_initializer = bias_initializer
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        if self.inputs not in (None, x.shape[-1]):
            raise ShapeError(
                f"{self!r} takes inputs of length {self.inputs}, but the last axis of this one, of "
                f"shape {tuple(x.shape)}, has length {x.shape[-1]}. (The first argument of Dense "
                "is the length of its output; that of its input may be left out.)"
                + current_source().explain()
            )
        shape = (x.shape[-1], self.units)
        y = x @ self.parameter("weight", shape, self.weight_initializer, x.dtype)
        if not self.use_bias:
            return y
        return y + self.parameter("bias", (self.units,), self.bias_initializer, x.dtype)

    def __repr__(self) -> str:
        inputs = "" if self.inputs is None else f", inputs={self.inputs}"
        bias = "" if self.use_bias else ", use_bias=False"
        return f"Dense({self.units}{inputs}{bias})"
