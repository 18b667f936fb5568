"""Fans and widths are PyTorch's for the same weight in its own layout."""

import numpy as np
import pytest

from gradiente import initializers
from gradiente.trace.random import key

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("ours", "name", "options"),
    [
        (initializers.glorot_uniform, "xavier_uniform_", {}),
        (initializers.glorot_normal(gain=2.0), "xavier_normal_", {"gain": 2.0}),
        (initializers.he_uniform, "kaiming_uniform_", {"nonlinearity": "relu"}),
        (initializers.he_normal(negative_slope=0.3), "kaiming_normal_", {"a": 0.3}),
        (
            initializers.he_normal(fan="outputs", negative_slope=0.3),
            "kaiming_normal_",
            {"a": 0.3, "mode": "fan_out"},
        ),
    ],
)
def test_the_same_width(ours, name, options):
    torch.manual_seed(0)
    channels_last, channels_first = (3, 5, 64, 96), (96, 64, 3, 5)
    theirs = getattr(torch.nn.init, name)(torch.empty(channels_first), **options).numpy()
    values = ours(key(0), channels_last)
    assert values.std() == pytest.approx(theirs.std(), rel=0.02)
    if "uniform" in name:
        assert np.abs(values).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)


@pytest.mark.parametrize(
    ("ours", "name", "arguments"),
    [
        (
            initializers.truncated_normal(std=0.3, low=-2.0, high=1.0),
            "trunc_normal_",
            {"std": 0.3, "a": -0.6, "b": 0.3},
        ),
        (initializers.uniform(low=-0.5, high=2.0), "uniform_", {"a": -0.5, "b": 2.0}),
        (initializers.normal(mean=0.4, std=2.0), "normal_", {"mean": 0.4, "std": 2.0}),
        (initializers.orthogonal(gain=1.5), "orthogonal_", {"gain": 1.5}),
        (initializers.sparse(sparsity=0.7, std=0.5), "sparse_", {"sparsity": 0.7, "std": 0.5}),
    ],
)
def test_the_same_moments(ours, name, arguments):
    """Mean, deviation, kurtosis and extremes of the numbers drawn."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn.init, name)(torch.empty(400, 300), **arguments).double().numpy()
    values = ours(key(0), (400, 300), np.float64)
    spread = theirs.std()
    assert values.mean() == pytest.approx(theirs.mean(), abs=0.02 * spread)
    assert values.std() == pytest.approx(spread, rel=0.02)
    assert np.mean(values**4) == pytest.approx(np.mean(theirs**4), rel=0.06)
    assert np.mean(values == 0) == pytest.approx(np.mean(theirs == 0), abs=0.005)
    assert np.abs(values).max() == pytest.approx(np.abs(theirs).max(), rel=0.2)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("window", [(3,), (3, 4), (2, 3, 5)])
def test_dirac_is_the_same(window, groups):
    theirs = torch.nn.init.dirac_(torch.empty(6, 4, *window), groups).numpy()
    values = initializers.dirac(groups=groups)(key(0), (*window, 4, 6))
    np.testing.assert_array_equal(values, np.moveaxis(theirs, (0, 1), (-1, -2)))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_identity_is_eye(shape):
    theirs = torch.nn.init.eye_(torch.empty(shape)).numpy()
    np.testing.assert_array_equal(initializers.identity(key(0), shape), theirs)
