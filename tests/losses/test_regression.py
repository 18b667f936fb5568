"""Regression losses where PyTorch is no oracle: quantiles, gradients at kinks, refusals."""

import numpy as np
import pytest
import sklearn.metrics as oracle

from gradiente import losses
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(7)
TARGET = RANDOM.normal(size=50)
LEVELS = (0.1, 0.5, 0.8)
PREDICTION = RANDOM.normal(size=(50, 3))


@pytest.mark.parametrize("weight", [None, RANDOM.uniform(0, 2, 50)])
@pytest.mark.parametrize("levels", [LEVELS, list(LEVELS), np.array(LEVELS)])
def test_quantiles_at_several_levels(levels, weight):
    each = [
        oracle.mean_pinball_loss(TARGET, PREDICTION[:, i], alpha=level, sample_weight=weight)
        for i, level in enumerate(LEVELS)
    ]
    for target in (TARGET, TARGET[:, None]):
        ours = losses.quantile(PREDICTION, target, weight, levels=levels)
        assert ours == pytest.approx(np.mean(each), rel=1e-12)


def test_quantile_at_one_level():
    expected = oracle.mean_pinball_loss(TARGET, PREDICTION[:, 0], alpha=0.9)
    for prediction in (PREDICTION[:, 0], PREDICTION[:, :1]):
        ours = losses.quantile(prediction, TARGET, levels=0.9)
        assert ours == pytest.approx(expected, rel=1e-12)
    assert losses.quantile(PREDICTION[:, :1], TARGET, levels=[0.9]) == pytest.approx(expected)


def test_the_default_quantile_is_half_the_absolute_error():
    half = losses.mae(PREDICTION[:, 0], TARGET) / 2
    assert losses.quantile(PREDICTION[:, 0], TARGET) == pytest.approx(half, rel=1e-12)


def test_the_minimum_of_the_quantile_loss_is_the_quantile():
    guesses = np.linspace(-2, 2, 401)
    values = [losses.quantile(np.full(50, guess), TARGET, levels=0.8) for guess in guesses]
    assert guesses[np.argmin(values)] == pytest.approx(np.quantile(TARGET, 0.8), abs=0.1)


@pytest.mark.parametrize("levels", [0.0, 1.0, -0.1, (0.5, 1.5), (), ((0.5,),), float("nan")])
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(InvalidArgumentError, match="levels between 0 and 1"):
        losses.quantile(PREDICTION, TARGET, levels=levels)


@pytest.mark.parametrize(
    ("prediction", "target"),
    [((50, 2), (50,)), ((50,), (50,)), ((50, 3), (50, 3)), ((50, 3), (49,)), ((3,), ())],
)
def test_quantile_shapes_that_do_not_fit_are_refused(prediction, target):
    with pytest.raises(ShapeError, match="quantile at 3 levels"):
        losses.quantile(np.ones(prediction), np.ones(target), levels=LEVELS)


def test_gradients_at_the_kinks():
    same = np.ones(4)
    np.testing.assert_array_equal(grad(losses.mae)(same, same), 0)
    np.testing.assert_array_equal(grad(losses.huber)(same, same), 0)
    np.testing.assert_allclose(grad(losses.quantile)(same, same, levels=0.7), -0.2 / 4)
    np.testing.assert_allclose(grad(losses.huber)(same + 1, same), 1 / 4)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_huber_needs_a_positive_delta(delta):
    with pytest.raises(InvalidArgumentError, match=r"`delta` is .*above 0"):
        losses.huber(TARGET, TARGET, delta=delta)


def test_integers_are_compared_as_numbers():
    prediction, target = np.array([1, 2, 3]), np.array([1.5, 2.0, 4.0])
    assert losses.mse(prediction, target) == pytest.approx((0.25 + 1) / 3)
    counts = np.array([3, 1, 200], np.uint8)
    assert losses.mse(np.array([4.0, 0.0, 201.0]), counts) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "poisson"])
def test_shapes_that_would_broadcast_are_refused(name):
    for target in ((1,), (50, 1), (50,), ()):
        with pytest.raises(ShapeError, match="prediction has shape"):
            losses.LOSSES[name](PREDICTION, np.ones(target))
