"""Weights that rotate: all their singular values are equal, for dense layers or convolutions."""

import math
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.initializers.initializer import Array, Shape, declare
from gradiente.initializers.passing import at_centre
from gradiente.initializers.scaling import fans
from gradiente.trace import random


@declare
def orthogonal(key: Any, shape: Shape, dtype: Any, *, gain: float = 1.0) -> Array:
    """W = gain · Q,   Qᵀ Q = 1 (or Q Qᵀ = 1 if W has fewer rows than columns)

    Q is a random orthogonal matrix, every one equally likely: the QR decomposition of normal
    numbers with the signs of R's diagonal moved into Q. All axes but the last count as rows. Raises
    `InvalidArgumentError` for fewer than two axes. The same key gives the same bits on one machine;
    linear algebra libraries may differ in the last bit between machines.

    A. M. Saxe, J. L. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", ICLR 2014.
    """
    gain = check_number("gain", gain, above=0)
    fans(shape)  # refuses fewer than two axes
    return (gain * _turned(key, math.prod(shape[:-1]), shape[-1])).reshape(shape).astype(dtype)


@declare
def delta_orthogonal(key: Any, shape: Shape, dtype: Any, *, gain: float = 1.0) -> Array:
    """W = gain · Q at the centre of the window of a convolution, 0 elsewhere;   Q Qᵀ = 1

    Q (inputs, outputs) as in `orthogonal`. A convolution of stride 1 with padding "same" and no
    fewer outputs than inputs then keeps the length of every signal, at any depth. A window of even
    length has its centre after the middle. Raises `InvalidArgumentError` for fewer than two axes.

    L. Xiao et al., "Dynamical isometry and a mean field theory of CNNs", ICML 2018.
    """
    gain = check_number("gain", gain, above=0)
    fans(shape)
    return at_centre(gain * _turned(key, shape[-2], shape[-1]), shape, dtype)


def _turned(key: Any, rows: int, columns: int) -> Array:
    """A random matrix whose columns, or rows if those are fewer, are orthogonal unit vectors."""
    tall = random.normal(key, (max(rows, columns), min(rows, columns)), np.float64)
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return q if rows >= columns else q.T
