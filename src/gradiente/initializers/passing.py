"""Weights that pass their inputs on: a layer starts as the identity, or nearly."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.initializers.initializer import Array, Shape, declare
from gradiente.initializers.scaling import fans


@declare
def identity(key: Any, shape: Shape, dtype: Any, *, gain: float = 1.0) -> Array:
    """W = gain · 1, ones on the diagonal of (inputs, outputs); at the centre of a window, if any.

    As many inputs as possible are passed on. PyTorch's `eye_`, Keras's Identity. Raises
    `InvalidArgumentError` for fewer than two axes.

    Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified linear units",
    2015.
    """
    gain = check_number("gain", gain)
    fans(shape)  # refuses fewer than two axes
    return at_centre(gain * np.eye(shape[-2], shape[-1]), shape, dtype)


@declare
def dirac(key: Any, shape: Shape, dtype: Any, *, groups: int = 1) -> Array:
    """W = 1 at the centre of the window of a convolution, from input i to output i; 0 elsewhere

    With padding "same" as many channels as possible pass unchanged, those of each group to the
    outputs of the group. A window of even length has its centre after the middle. PyTorch's
    `dirac_`. Raises `InvalidArgumentError` for fewer than two axes.

    Zagoruyko & Komodakis, "DiracNets", 2017.
    """
    groups = check_count("groups", groups, at_least=1)
    fans(shape)  # refuses fewer than two axes
    matrix = np.zeros(shape[-2:])
    passed = np.tile(np.eye(shape[-2], shape[-1] // groups), groups)
    matrix[:, : passed.shape[1]] = passed
    return at_centre(matrix, shape, dtype)


def at_centre(matrix: Array, shape: Shape, dtype: Any) -> Array:
    """A matrix (inputs, outputs) at the middle of a window, zeros elsewhere."""
    values = np.zeros(shape, dtype)
    if values.size:
        values[tuple(length // 2 for length in shape[:-2])] = matrix
    return values
