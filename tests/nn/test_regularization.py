"""Layers that act in training only: what they drop, their mean and variance, their errors."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(400, 500)).astype(np.float32)
RATES = pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])


def training(layer, x, seed=0):
    with nn.running(nn.Context(training=True, key=gd.random.key(seed))):
        return layer(x)


def near(measured, expected, deviation):
    assert abs(measured - expected) < 5 * deviation, (measured, expected)


@RATES
def test_spatial_dropout_drops_whole_channels_of_a_sample(rate):
    x = np.ones((200, 4, 3, 50), np.float32)
    y = training(nn.SpatialDropout(rate), x)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    kept = y[:, 0, 0] != 0
    near(kept.mean(), 1 - rate, np.sqrt(rate * (1 - rate) / kept.size))
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)
    assert kept.any(axis=0).all() and kept.any(axis=1).all()  # no channel is dropped everywhere


@RATES
def test_stochastic_depth_drops_whole_samples(rate):
    x = np.ones((3000, 4, 5), np.float32)
    y = training(nn.StochasticDepth(rate), x)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    kept = y[:, 0, 0] != 0
    near(kept.mean(), 1 - rate, np.sqrt(rate * (1 - rate) / kept.size))
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-6)


@RATES
def test_alpha_dropout_keeps_mean_and_variance(rate):
    y = training(nn.AlphaDropout(rate), X)
    near(y.mean(), 0, 1.7 / np.sqrt(X.size))
    near(y.var(), 1, 3 / np.sqrt(X.size))


@RATES
def test_alpha_dropout_against_torch(rate):
    """Both map what they keep, and what they drop, by the same line."""
    torch = pytest.importorskip("torch")
    y, theirs = training(nn.AlphaDropout(rate), X), torch.nn.AlphaDropout(rate)(torch.tensor(X))
    theirs = theirs.numpy()

    def lines(y):
        """The value of what was dropped, and slope and offset of what was kept."""
        values, counts = np.unique(y.round(4), return_counts=True)
        dropped = values[counts.argmax()]
        kept = np.abs(y - dropped) > 1e-2
        return dropped, *np.polyfit(X[kept], y[kept], 1)

    np.testing.assert_allclose(lines(y), lines(theirs), atol=2e-4)


@RATES
def test_gaussian_dropout_has_the_mean_and_variance_of_dropout(rate):
    factors = training(nn.GaussianDropout(rate), np.full_like(X, 3)) / 3
    variance = rate / (1 - rate)
    near(factors.mean(), 1, np.sqrt(variance / X.size))
    near(factors.var(), variance, variance * np.sqrt(2 / X.size))


def test_gaussian_noise_is_added():
    noise = training(nn.GaussianNoise(0.5), X) - X
    near(noise.mean(), 0, 0.5 / np.sqrt(X.size))
    near(noise.std(), 0.5, 0.5 / np.sqrt(2 * X.size))
    assert abs(np.corrcoef(noise.ravel(), X.ravel())[0, 1]) < 0.01


LAYERS = [
    nn.SpatialDropout,
    nn.StochasticDepth,
    nn.AlphaDropout,
    nn.GaussianDropout,
    nn.GaussianNoise,
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_outside_training_and_at_zero_they_do_nothing(layer):
    np.testing.assert_array_equal(layer(0.5)(X), X)
    np.testing.assert_array_equal(training(layer(0.0), X), X)
    assert (training(layer(0.5), X, seed=1) != training(layer(0.5), X, seed=2)).any()
    assert repr(layer(0.5)) == f"{layer.__name__}(0.5)"


@pytest.mark.parametrize("layer", LAYERS[:4], ids=lambda layer: layer.__name__)
@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan"), "0.5"])
def test_they_refuse_a_wrong_rate(layer, rate):
    with pytest.raises(InvalidArgumentError, match="`rate` is"):
        layer(rate)


def test_they_refuse_wrong_numbers_and_shapes():
    with pytest.raises(InvalidArgumentError, match="`std` is -1"):
        nn.GaussianNoise(-1)
    with pytest.raises(ShapeError, match="at least 2 axes"):
        nn.SpatialDropout(0.5)(np.zeros(3))
