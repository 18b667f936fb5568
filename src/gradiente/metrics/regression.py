"""Metrics of predicted numbers: MSE, RMSE, MAE and R².

prediction and target have one shape, (n,) or (n, outputs), or differ by a last axis of length 1.
With several outputs each is measured on its own and the mean is taken, as in scikit-learn.
"""

from typing import Any

import numpy as np

from gradiente.base.batch import Array, accumulation_dtype, matched
from gradiente.metrics.metric import Metric, Statistics, declare, ratio, weight_or_ones


def _read(prediction: Array, target: Array, weight: Array | None) -> tuple[Array, Array, Array]:
    """Error, target and weight, all of one shape."""
    prediction, target = matched(prediction, target)
    weight = weight_or_ones(weight, target.shape, accumulation_dtype(target.dtype))
    return prediction - target, target, weight


def _squared_error(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    error, _, weight = _read(prediction, target, weight)
    return {"squares": np.sum(weight * error * error, axis=0), "weight": np.sum(weight, axis=0)}


def _absolute_error(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    error, _, weight = _read(prediction, target, weight)
    return {"distances": np.sum(weight * np.abs(error), axis=0), "weight": np.sum(weight, axis=0)}


def _moments(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    """The sums R² is made of, in float64: in float32 the variance would drown in the mean."""
    error, target, weight = _read(prediction, target, weight)
    weight = weight.astype(np.float64)  # and with it every product below
    return {
        "squares": np.sum(weight * error * error, axis=0),
        "weight": np.sum(weight, axis=0),
        "target": np.sum(weight * target, axis=0),
        "target_squares": np.sum(weight * target * target, axis=0),
    }


def _mean_squared(statistics: Statistics) -> Any:
    return ratio(statistics["squares"], statistics["weight"])


def _r2(statistics: Statistics) -> float:
    squares, weight, target, target_squares = (
        np.asarray(statistics[name], float)
        for name in ("squares", "weight", "target", "target_squares")
    )
    spread = target_squares - target * ratio(target, weight)
    # Below this, what is left of the difference is rounding: the target is constant.
    constant = spread <= 1e-12 * target_squares
    explained = 1.0 - squares / np.where(constant, 1.0, spread)
    of_constant = np.where(squares == 0, 1.0, 0.0)
    return float(np.mean(np.where(weight > 0, np.where(constant, of_constant, explained), np.nan)))


mse = declare(
    "mse",
    Metric(
        "mse",
        _squared_error,
        lambda statistics: float(np.mean(_mean_squared(statistics))),
        greater_is_better=False,
    ),
)
"""Mean squared error: Σ w (ŷ - y)² / Σ w."""

rmse = declare(
    "rmse",
    Metric(
        "rmse",
        _squared_error,
        lambda statistics: float(np.mean(np.sqrt(_mean_squared(statistics)))),
        greater_is_better=False,
    ),
)
"""Root mean squared error, in the unit of the target: √(Σ w (ŷ - y)² / Σ w)."""

mae = declare(
    "mae",
    Metric(
        "mae",
        _absolute_error,
        lambda statistics: float(np.mean(ratio(statistics["distances"], statistics["weight"]))),
        greater_is_better=False,
    ),
)
"""Mean absolute error: Σ w |ŷ - y| / Σ w."""

r2 = declare("r2", Metric("r2", _moments, _r2))
"""Coefficient of determination: R² = 1 - Σ w (ŷ - y)² / Σ w (y - ȳ)², ȳ the mean target.

1 is perfect, 0 is as good as predicting the mean. For a constant target (one whose standard
deviation is below a millionth of its mean) it is 1 where every prediction is exact, 0 otherwise.
"""
