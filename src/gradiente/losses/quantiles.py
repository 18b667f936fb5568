"""Losses whose minimum is another place of the distribution than its mean: quantiles, expectiles.

Both take one level or several; several are predicted by one output each.
"""

from collections.abc import Sequence

import numpy as np

from gradiente.base.batch import Array, align, working_dtype
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.losses.loss import declare, loss


@declare
@loss
def quantile(prediction: Array, target: Array, *, levels: float | Sequence[float] = 0.5) -> Array:
    """The pinball loss, whose minimum is the quantile of the target at level q, with e = y - ŷ:

        l = q e          where e >= 0
        l = (q - 1) e    elsewhere

    levels: one number in (0, 1), or several, for which prediction is (n, ..., levels) with one
    output per level and target is (n, ...) or (n, ..., 1); the mean over the levels is taken.
    Koenker and Bassett, Regression Quantiles, 1978.
    """
    values, error = _levels_and_error("quantile", prediction, target, levels)
    # The same function as above in a form whose gradient at e = 0 lies between its two sides.
    return 0.5 * np.abs(error) + (values - 0.5) * error


@declare
@loss
def expectile(prediction: Array, target: Array, *, levels: float | Sequence[float] = 0.5) -> Array:
    """The asymmetric squared error, whose minimum is the expectile at level q, with e = y - ŷ:

        l = q e²          where e >= 0
        l = (1 - q) e²    elsewhere

    levels: as in `quantile`; 0.5 is half the squared error. An expectile is to the mean what a
    quantile is to the median. Newey and Powell, Econometrica 55, 1987.
    """
    values, error = _levels_and_error("expectile", prediction, target, levels)
    return np.where(error >= 0, values, 1 - values) * (error * error)


def _levels_and_error(
    name: str, prediction: Array, target: Array, levels: float | Sequence[float]
) -> tuple[np.ndarray, Array]:
    """The levels, and the target minus the prediction for each of them."""
    several = isinstance(levels, Sequence | np.ndarray)
    values = np.array(levels if several else [levels], dtype=float)
    if values.ndim != 1 or not values.size or not ((values > 0) & (values < 1)).all():
        raise InvalidArgumentError(f"{name} needs levels between 0 and 1, not {levels}.")
    dtype = working_dtype(prediction, target)
    if several:
        target = _column(name, prediction, target, len(values))
    else:
        prediction, target = align(prediction, target)
    return values.astype(dtype), target.astype(dtype) - prediction.astype(dtype)


def _column(name: str, prediction: Array, target: Array, levels: int) -> Array:
    """The target with a last axis of length 1, which meets every level."""
    if prediction.ndim >= 2 and prediction.shape[-1] == levels:
        column = (*prediction.shape[:-1], 1)
        if target.shape in (prediction.shape[:-1], column):
            return target.reshape(column)
    raise ShapeError(
        f"{name} at {levels} levels needs a prediction (n, {levels}) and a target (n,), but "
        f"they have the shapes {prediction.shape} and {target.shape}."
    )
