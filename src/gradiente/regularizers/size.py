"""Penalties for the size of weights: L1, L2 and both."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import accumulation_dtype
from gradiente.regularizers.regularizer import Array, Regularizer, declare


@declare
def L1(factor: float = 0.01) -> Regularizer:
    """The sum of absolute values, which makes many weights zero.          R = λ Σ |w|

    λ factor; the gradient is λ sign(w), and 0 at w = 0. Default and form are those of Keras. Raises
    `InvalidArgumentError` for a negative factor.

    R. Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B, 1996.
    """
    factor = check_number("factor", factor, at_least=0)
    return Regularizer("L1", lambda w: factor * _absolute_sum(w), {"factor": factor})


@declare
def L2(factor: float = 0.01) -> Regularizer:
    """The sum of squares, which keeps all weights small.          R = λ Σ w²

    λ factor; the gradient is 2 λ w, so that the coupled `weight_decay` of optimizers is twice the
    factor. Default and form are those of Keras. Raises `InvalidArgumentError` for a negative
    factor.

    A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
    Technometrics, 1970.
    """
    factor = check_number("factor", factor, at_least=0)
    return Regularizer("L2", lambda w: factor * _square_sum(w), {"factor": factor})


@declare
def ElasticNet(l1: float = 0.01, l2: float = 0.01) -> Regularizer:
    """L1 and L2 together.          R = λ₁ Σ |w| + λ₂ Σ w²

    λ₁ l1, λ₂ l2. Keras's L1L2, whose factors are 0 by default. Raises `InvalidArgumentError` for
    negative factors.

    H. Zou, T. Hastie, "Regularization and variable selection via the elastic net", JRSS B, 2005.
    """
    l1 = check_number("l1", l1, at_least=0)
    l2 = check_number("l2", l2, at_least=0)
    return Regularizer(
        "ElasticNet",
        lambda w: l1 * _absolute_sum(w) + l2 * _square_sum(w),
        {"l1": l1, "l2": l2},
    )


def _absolute_sum(w: Array) -> Array:
    wide = w.astype(accumulation_dtype(w.dtype))
    return np.sum(np.abs(wide))


def _square_sum(w: Array) -> Array:
    wide = w.astype(accumulation_dtype(w.dtype))
    return np.sum(wide * wide)
