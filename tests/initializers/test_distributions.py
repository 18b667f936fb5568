"""The numbers drawn have the distributions, widths and singular values of the equations."""

import math

import numpy as np
import pytest

from gradiente import initializers
from gradiente.initializers import INITIALIZERS, fans
from gradiente.trace.random import key

stats = pytest.importorskip("scipy.stats")

DENSE, KERNEL = (300, 200), (3, 3, 40, 60)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 7), (5, 7)),
        ((3, 5, 7), (15, 21)),
        ((3, 4, 5, 7), (60, 84)),
        ((2, 3, 4, 5, 7), (120, 168)),
        ((0, 7), (0, 7)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


VARIANCE = {
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),
    "he": lambda inputs, outputs: 2 / inputs,
    "lecun": lambda inputs, outputs: 1 / inputs,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [DENSE, KERNEL])
@pytest.mark.parametrize("scheme", VARIANCE)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_scaling(scheme, distribution, shape, dtype):
    w = INITIALIZERS[f"{scheme}_{distribution}"](key(3), shape, dtype).ravel().astype(float)
    deviation = math.sqrt(VARIANCE[scheme](*fans(shape)))
    bound = math.sqrt(3) * deviation
    law = {"normal": stats.norm(0, deviation), "uniform": stats.uniform(-bound, 2 * bound)}
    # the mean of n numbers varies by σ/√n, their deviation by about σ/√(2n): five of those
    assert abs(w.mean()) < 5 * deviation / math.sqrt(w.size)
    assert abs(w.std() / deviation - 1) < 5 / math.sqrt(2 * w.size)
    assert stats.kstest(w, law[distribution].cdf).pvalue > 1e-3
    if distribution == "uniform":
        assert 0.999 * bound < np.abs(w).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize(
    ("changed", "plain", "factor"),
    [
        (initializers.glorot_uniform(gain=3.0), initializers.glorot_uniform, 3.0),
        (initializers.glorot_normal(gain=3.0), initializers.glorot_normal, 3.0),
        (initializers.he_uniform(negative_slope=2.0), initializers.he_uniform, 1 / math.sqrt(5)),
        (initializers.he_normal(fan="outputs"), initializers.he_normal, math.sqrt(300 / 200)),
        (initializers.orthogonal(gain=3.0), initializers.orthogonal, 3.0),
    ],
)
def test_options_scale(changed, plain, factor):
    ours, theirs = changed(key(0), DENSE, np.float64), plain(key(0), DENSE, np.float64)
    np.testing.assert_allclose(ours, factor * theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("made", "law"),
    [
        (initializers.normal, stats.norm(0.0, 1.0)),
        (initializers.uniform, stats.uniform(-1.0, 2.0)),
        (initializers.normal(mean=2.0, std=0.5), stats.norm(2.0, 0.5)),
        (initializers.uniform(low=1.0, high=4.0), stats.uniform(1.0, 3.0)),
        (initializers.truncated_normal, stats.truncnorm(-2, 2)),
        (initializers.truncated_normal(mean=1.0, std=3.0), stats.truncnorm(-2, 2, 1.0, 3.0)),
        (initializers.truncated_normal(low=0.0, high=9.0), stats.truncnorm(0, 9)),
        (initializers.truncated_normal(std=0.02), stats.truncnorm(-2, 2, 0.0, 0.02)),
    ],
)
def test_plain_distributions(made, law, dtype):
    w = made(key(5), (200, 300), dtype).ravel().astype(float)
    assert stats.kstest(w, law.cdf).pvalue > 1e-3
    assert abs(w.std() / law.std() - 1) < 0.02
    low, high = law.support()
    assert low <= w.min() <= w.max() <= high


def test_a_fan_of_one():
    w = initializers.he_normal(key(4), (1, 50_000), np.float64)
    assert abs(w.std() / math.sqrt(2) - 1) < 5 / math.sqrt(2 * w.size)


def test_truncated_normal_reaches_its_bounds_and_stays_within():
    w = initializers.truncated_normal(key(1), (500, 500))
    assert np.abs(w).max() <= 2.0
    assert np.abs(w).max() > 1.999


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (20, 20), (3, 3, 4, 8), (2, 2, 4, 30)])
def test_orthogonal(shape, dtype):
    w = initializers.orthogonal(key(2), shape, dtype).reshape(-1, shape[-1]).astype(float)
    short = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(short, np.eye(len(short)), atol=20 * np.finfo(dtype).eps)


def test_orthogonal_favours_no_direction():
    # Without moving R's signs into Q the first diagonal entries all have one sign.
    corners = [initializers.orthogonal(key(seed), (3, 3), np.float64) for seed in range(300)]
    diagonals = np.array([np.diagonal(corner) for corner in corners])
    assert np.abs(diagonals.mean(axis=0)).max() < 0.17  # five deviations of the mean
    assert np.abs(np.mean([np.linalg.det(corner) for corner in corners])) < 0.29


@pytest.mark.parametrize("depth", [20])
def test_signals_keep_their_size_through_relu_layers(depth):
    x = initializers.normal(key(0), (200, 256), np.float64)
    for layer in range(1, depth):
        x = np.maximum(x @ initializers.he_normal(key(layer), (256, 256), np.float64), 0)
    assert 0.3 < np.mean(x**2) / 0.5 < 5.0
