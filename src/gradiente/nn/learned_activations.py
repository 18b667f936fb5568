"""Activations with a parameter that is trained: one for the layer, or one for each feature."""

from typing import Any

from gradiente.base.arguments import check_number
from gradiente.initializers.constants import constant
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.trace.functions import m


class PReLU(Module):
    """y = x where x > 0, slope · x elsewhere, with a slope that is learned.

    slope: its value at the start. per_feature: one for each feature, slope (features,), rather than
    one for all, slope (1,).
    x: (..., features) -> y: (..., features)

    He et al., "Delving deep into rectifiers", ICCV 2015. Raises `InvalidArgumentError` unless the
    slope is a finite number.
    """

    def __init__(self, slope: float = 0.25, *, per_feature: bool = False):
        self.initial_slope = check_number("slope", slope)
        self.per_feature = per_feature
        self.slope: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=int(self.per_feature))
        slope = _learned(self, "slope", self.initial_slope, x)
        return m.where(x > 0, x, slope * x)

    def __repr__(self) -> str:
        return written(self, self.initial_slope, per_feature=(self.per_feature, False))


class Swish(Module):
    """y = x σ(β x), with a β that is learned: between x / 2 (β = 0) and relu (β large).

    beta: its value at the start. per_feature: one for each feature, beta (features,), rather than
    one for all, beta (1,).
    x: (..., features) -> y: (..., features)

    Ramachandran, Zoph & Le, "Searching for activation functions", 2017. Raises
    `InvalidArgumentError` unless beta is a finite number.
    """

    def __init__(self, beta: float = 1.0, *, per_feature: bool = False):
        self.initial_beta = check_number("beta", beta)
        self.per_feature = per_feature
        self.beta: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=int(self.per_feature))
        return x * m.sigmoid(_learned(self, "beta", self.initial_beta, x) * x)

    def __repr__(self) -> str:
        return written(self, self.initial_beta, per_feature=(self.per_feature, False))


class Snake(Module):
    """y = x + sin²(a x) / a, with a frequency a that is learned, for what is periodic.

    frequency: its value at the start. per_feature: one for each feature, frequency (features,),
    rather than one for all, frequency (1,).
    x: (..., features) -> y: (..., features)

    Ziyin, Hartwig & Ueda, "Neural networks fail to learn periodic functions and how to fix it",
    NeurIPS 2020. Raises `InvalidArgumentError` unless frequency > 0.
    """

    def __init__(self, frequency: float = 1.0, *, per_feature: bool = True):
        self.initial_frequency = check_number("frequency", frequency, above=0)
        self.per_feature = per_feature
        self.frequency: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=int(self.per_feature))
        frequency = _learned(self, "frequency", self.initial_frequency, x)
        return x + m.square(m.sin(frequency * x)) / frequency

    def __repr__(self) -> str:
        return written(self, self.initial_frequency, per_feature=(self.per_feature, True))


def _learned(layer: Any, name: str, initial: float, x: Any) -> Any:
    """The parameter, which broadcasts against x."""
    parameter = layer.parameter(
        name, (x.shape[-1] if layer.per_feature else 1,), constant(initial), x.dtype
    )
    return parameter if x.ndim else m.squeeze(parameter)
