"""Sums over batches made into numbers."""

import math

import numpy as np

from gradiente import metrics
from gradiente.train.measure import mean_loss, values_of


def test_values_from_sums():
    sums = {
        "loss": np.float64(6.0),
        "weight": np.float64(4.0),
        "metrics": {"mse": metrics.mse.statistics(np.ones(4), np.zeros(4), None)},
    }
    assert values_of(sums, [metrics.mse]) == {"loss": 1.5, "mse": 1.0}
    # A metric that needs all predictions is left out where they were not collected.
    assert values_of(sums, [metrics.mse, metrics.auc]) == {"loss": 1.5, "mse": 1.0}
    target = np.array([0, 1, 1])
    pieces = [
        {"auc": metrics.auc.statistics(np.array([0.1, 0.9, 0.8]), target, None)},
        {"auc": metrics.auc.statistics(np.array([0.95, 0.2, 0.3]), target, None)},
    ]
    whole = metrics.auc(np.array([0.1, 0.9, 0.8, 0.95, 0.2, 0.3]), np.tile(target, 2))
    assert values_of(sums, [metrics.auc], pieces)["auc"] == whole


def test_a_mean_over_no_weight_is_not_a_number():
    assert math.isnan(mean_loss({"loss": np.float64(0), "weight": np.float64(0)}))
    assert type(mean_loss({"loss": np.float64(1), "weight": np.float64(2)})) is float
