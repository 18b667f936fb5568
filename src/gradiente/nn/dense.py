"""The fully connected layer."""

from typing import Any

from gradiente.base.errors import InvalidArgumentError
from gradiente.initializers.constants import zeros
from gradiente.initializers.scaling import glorot_uniform
from gradiente.nn.dtypes import floating_dtype
from gradiente.nn.module import Initializer, Module
from gradiente.trace.functions import m


class Dense(Module):
    """y = x W + b

    units: the length of the last axis of y.
    inputs: the length of the last axis of x; by default that of the first x it meets.
    weight: (inputs, units); bias: (units,), absent with `use_bias=False`.
    x: (..., inputs) -> y: (..., units)

    The weight starts Glorot uniform, the bias at zero. Raises `InvalidArgumentError` for sizes
    below 1 and `ShapeError` for x of another size.
    """

    def __init__(
        self,
        units: int,
        inputs: int | None = None,
        use_bias: bool = True,
        weight_initializer: Initializer = glorot_uniform,
        bias_initializer: Initializer = zeros,
    ):
        if units < 1 or (inputs is not None and inputs < 1):
            raise InvalidArgumentError("Dense needs at least one unit and one input.")
        self.units = units
        self.inputs = inputs
        self.use_bias = use_bias
        self.weight_initializer = weight_initializer
        self.bias_initializer = bias_initializer
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        inputs = self.inputs or x.shape[-1]
        dtype = floating_dtype(x)
        y = m.cast(x, dtype) @ self.parameter("weight", (inputs, self.units), self.weight_initializer, dtype)
        if not self.use_bias:
            return y
        return y + self.parameter("bias", (self.units,), self.bias_initializer, dtype)

    def __repr__(self) -> str:
        bias = "" if self.use_bias else ", use_bias=False"
        return f"Dense({self.units}{bias})"
