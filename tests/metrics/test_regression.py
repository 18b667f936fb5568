"""MSE, RMSE, MAE and R² against scikit-learn, and R² where it is numerically hard."""

import numpy as np
import pytest
import sklearn.metrics as oracle

from gradiente import metrics

RANDOM = np.random.default_rng(4)
WEIGHT = RANDOM.uniform(0, 2, 70)
THEIRS = {
    "mse": oracle.mean_squared_error,
    "rmse": oracle.root_mean_squared_error,
    "mae": oracle.mean_absolute_error,
    "r2": oracle.r2_score,
}


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("shape", [(70,), (70, 1), (70, 3)])
@pytest.mark.parametrize("name", THEIRS)
def test_against_the_oracle(name, shape, weight):
    scale = np.arange(1.0, 4.0)[: shape[1]] if len(shape) > 1 else 1.0
    target = RANDOM.normal(size=shape) * scale + 2.0
    prediction = target + RANDOM.normal(size=shape)
    expected = THEIRS[name](target, prediction, sample_weight=weight)
    metric = metrics.METRICS[name]
    assert metric(prediction, target, weight) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", THEIRS)
def test_a_column_of_predictions_and_integer_targets(name):
    target = RANDOM.integers(0, 9, 70)
    prediction = target[:, None] + RANDOM.normal(size=(70, 1))
    expected = THEIRS[name](target, prediction[:, 0])
    assert metrics.METRICS[name](prediction, target) == pytest.approx(expected, rel=1e-10)
    whole = THEIRS[name](target, target[::-1])
    assert metrics.METRICS[name](target[::-1], target) == pytest.approx(whole, rel=1e-10)


def test_r2_of_float32_numbers_far_from_zero():
    year = (2000 + RANDOM.normal(size=3000)).astype(np.float32)
    prediction = year + RANDOM.normal(size=3000).astype(np.float32) / 2
    expected = oracle.r2_score(year.astype(float), prediction.astype(float))
    assert metrics.r2(prediction, year) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8, -3.3])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_r2_of_a_constant_target(constant, weight):
    target = np.full(70, constant)
    assert metrics.r2(target, target, weight) == 1.0
    assert metrics.r2(target + RANDOM.normal(size=70), target, weight) == 0.0


def test_positions_beyond_the_first_axis_are_outputs():
    target, prediction = RANDOM.normal(size=(2, 70, 4, 3))
    expected = oracle.root_mean_squared_error(target.reshape(70, 12), prediction.reshape(70, 12))
    assert metrics.rmse(prediction, target) == pytest.approx(expected, rel=1e-12)
