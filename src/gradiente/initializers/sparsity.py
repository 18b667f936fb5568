"""Weights of which most are zero."""

import math
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.initializers.initializer import Array, Shape, declare
from gradiente.initializers.scaling import fans
from gradiente.trace import random


@declare
def sparse(
    key: Any, shape: Shape, dtype: Any, *, sparsity: float = 0.9, std: float = 0.01
) -> Array:
    """w ~ N(0, std²) for few inputs of each output;   w = 0 for ⌈sparsity · inputs⌉ of them

    Which inputs an output has is drawn for each by itself; all axes but the last count as inputs.
    PyTorch's `sparse_` on a weight in its layout chooses outputs for each input instead. Raises
    `InvalidArgumentError` for fewer than two axes and unless 0 ≤ sparsity ≤ 1.

    J. Martens, "Deep learning via Hessian-free optimization", ICML 2010.
    """
    sparsity = check_number("sparsity", sparsity, at_least=0, at_most=1)
    std = check_number("std", std, at_least=0)
    fans(shape)  # refuses fewer than two axes
    inputs, outputs = math.prod(shape[:-1]), shape[-1]
    values = random.normal(random.fold_in(key, 0), (inputs, outputs), dtype, 0.0, std)
    lots = random.uniform(random.fold_in(key, 1), (inputs, outputs), np.float64)
    ranks = np.argsort(np.argsort(lots, axis=0, kind="stable"), axis=0, kind="stable")
    return np.where(ranks < math.ceil(sparsity * inputs), 0.0, values).reshape(shape).astype(dtype)
