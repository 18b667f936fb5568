"""Wrappers that let a layer compute with another weight than the one that is trained."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.base.source import current_source
from gradiente.gradient.control import stop_gradient
from gradiente.nn.context import is_training, replacing
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.trace.functions import m
from gradiente.trace.random import normal

FIRST_ITERATIONS = 15  # as PyTorch: enough to come near the largest singular value


class WeightNorm(Module):
    """The wrapped layer with the weight W = scale · V / ‖V‖ in place of V.

    layer: any layer whose parameter has this name, `nn.WeightNorm(nn.Dense(10))`.
    The length is taken over all axes but the last, so that each output has a scale of its own, as
    in PyTorch; scale: (units,), at first ‖V‖, so that W starts as the weight the layer made.
    Salimans & Kingma, "Weight normalization", NeurIPS 2016.

    Raises `TypeMismatchError` unless layer is a Module, `InvalidArgumentError` if it does not ask
    for such a parameter.
    """

    def __init__(self, layer: Module, parameter_name: str = "weight"):
        self.layer = _checked(self, layer)
        self.parameter_name = parameter_name
        self.scale: Any = None

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return _reparametrized(self, self._normalized, inputs, options)

    def _normalized(self, weight: Any) -> Any:
        axes = tuple(range(weight.ndim - 1))
        square = m.sum(weight * weight, axis=axes)
        scale = self.parameter(
            "scale", tuple(weight.shape[-1:]), lambda *_: np.sqrt(square), weight.dtype
        )
        return weight * (scale * m.rsqrt(square))

    def __repr__(self) -> str:
        return written(self, self.layer, parameter_name=(self.parameter_name, "weight"))


class SpectralNorm(Module):
    """The wrapped layer with the weight W̄ = W / σ(W), whose largest singular value is about 1.

    σ(W) = leftᵀ W right by power iteration, W with all axes but the last in one:
    right ← Wᵀ left / ‖Wᵀ left‖, left ← W right / ‖W right‖, `iterations` times in each training
    step. The two vectors are buffers and constants of the gradient, as in PyTorch; outside
    training they stay. left: (inputs,), right: (units,).
    Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018.

    Raises `TypeMismatchError` unless layer is a Module, `InvalidArgumentError` if it does not ask
    for a parameter of this name or for iterations below 1, `ShapeError` for one of a single axis.
    """

    buffer_names = ("left", "right")

    def __init__(
        self,
        layer: Module,
        parameter_name: str = "weight",
        *,
        iterations: int = 1,
        epsilon: float = 1e-12,
    ):
        self.layer = _checked(self, layer)
        self.parameter_name = parameter_name
        self.iterations = check_count("iterations", iterations, at_least=1)
        self.epsilon = check_number("epsilon", epsilon, above=0)
        self.left: Any = None
        self.right: Any = None

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return _reparametrized(self, self._normalized, inputs, options)

    def _normalized(self, weight: Any) -> Any:
        if weight.ndim < 2:
            raise ShapeError(
                f"{self!r} needs a matrix; `{self.parameter_name}` has shape "
                f"{tuple(weight.shape)}." + current_source().explain()
            )
        matrix = m.reshape(weight, (-1, weight.shape[-1]))
        fixed = stop_gradient(matrix)
        self._start(fixed)
        left = self.buffer("left", np.zeros(matrix.shape[0]))
        right = self.buffer("right", np.zeros(matrix.shape[1]))
        if is_training():
            left, right = self._iterated(fixed, left, right, self.iterations)
            self.left, self.right = left, right
        return weight / (left @ (matrix @ right))

    def _start(self, matrix: Any) -> None:
        """Create the two vectors, if they do not exist yet."""
        if self.left is not None and self.right is not None:
            return
        drawn = normal(self.first_key("left"), (matrix.shape[0],), matrix.dtype)
        left, right = self._iterated(matrix, drawn, None, FIRST_ITERATIONS)
        self.buffer("left", left)
        self.buffer("right", right)

    def _iterated(self, matrix: Any, left: Any, right: Any, iterations: int) -> tuple[Any, Any]:
        for _ in range(iterations):
            right = self._unit(left @ matrix)
            left = self._unit(matrix @ right)
        return left, right

    def _unit(self, vector: Any) -> Any:
        return vector / m.maximum(m.sqrt(m.sum(vector * vector)), self.epsilon)

    def __repr__(self) -> str:
        return written(
            self,
            self.layer,
            parameter_name=(self.parameter_name, "weight"),
            iterations=(self.iterations, 1),
            epsilon=(self.epsilon, 1e-12),
        )


def _checked(wrapper: Module, layer: Any) -> Module:
    if isinstance(layer, Module):
        return layer
    raise TypeMismatchError(
        f"{type(wrapper).__name__} wraps a layer with a weight, such as nn.Dense(10), "
        f"not {layer!r}."
    )


def _reparametrized(
    wrapper: Any, transform: Callable[[Any], Any], inputs: Any, options: Any
) -> Any:
    """Call the wrapped layer with the transform of its parameter in place of that."""
    layer, name = wrapper.layer, wrapper.parameter_name
    used = False

    def watched(value: Any) -> Any:
        nonlocal used
        used = True
        return transform(value)

    with replacing(layer, name, watched):
        result = layer(*inputs, **options)
    if not used:
        raise InvalidArgumentError(
            f"{wrapper!r}: {type(layer).__name__} does not ask for a parameter called `{name}` "
            "(by `self.parameter`), so there is nothing to normalise."
        )
    return result
