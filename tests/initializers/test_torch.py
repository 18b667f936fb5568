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
