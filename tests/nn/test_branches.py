"""Residual and parallel branches, highways and squeeze-excitation."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(5, 4))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_residual_adds_what_it_passes_by():
    np.testing.assert_allclose(nn.Residual(np.tanh)(X), X + np.tanh(X))
    layer = nn.Residual(nn.Dense(3), shortcut=nn.Dense(3))
    np.testing.assert_allclose(layer(X), layer.layer(X) + layer.shortcut(X))
    assert list(layer.parameters()) == [
        *("layer.weight", "layer.bias", "shortcut.weight", "shortcut.bias")
    ]


def test_residual_with_stochastic_depth_leaves_the_branch_out_for_some_samples():
    layer = nn.Residual(nn.Sequential(np.tanh, nn.StochasticDepth(0.5)))
    x = RANDOM.normal(size=(100, 3))
    with nn.running(nn.Context(training=True, key=gd.random.key(0))):
        branch = layer(x) - x
    kept = np.any(branch != 0, axis=1)
    assert 30 < kept.sum() < 70
    np.testing.assert_allclose(branch[kept], 2 * np.tanh(x[kept]))


def test_residual_refuses_other_shapes():
    with pytest.raises(ShapeError, match=r"\(5, 4\).*\(5, 3\): these must agree; give it a `sho"):
        nn.Residual(nn.Dense(3))(X)
    with pytest.raises(TypeMismatchError, match="layer 0 of Residual is"):
        nn.Residual(3)


def test_parallel_gives_all_the_same_input():
    layer = nn.Parallel(nn.Dense(2), np.tanh)
    first, second = layer(X)
    np.testing.assert_array_equal(first, layer[0](X))
    np.testing.assert_array_equal(second, np.tanh(X))
    assert len(layer) == 2 and list(layer) == layer.layers
    assert list(layer.parameters()) == ["0.weight", "0.bias"]
    both = nn.Parallel(np.sin, np.cos, merge=nn.Add())
    np.testing.assert_allclose(both(X), np.sin(X) + np.cos(X))
    assert repr(nn.Parallel(nn.relu, nn.Dense(2), merge=nn.Add())) == (
        "Parallel(relu, Dense(2), merge=Add())"
    )


def test_parallel_refuses_nothing_and_what_is_no_layer():
    with pytest.raises(InvalidArgumentError, match="at least one layer"):
        nn.Parallel()
    with pytest.raises(TypeMismatchError, match="layer 1 of Parallel is"):
        nn.Parallel(nn.Dense(2), merge="add")


def test_highway_mixes_by_its_gate():
    layer = nn.Highway(np.tanh).initialize(X)
    np.testing.assert_array_equal(layer.gate_bias, -np.ones(4))
    gate = sigmoid(X @ layer.gate_weight + layer.gate_bias)
    value = np.tanh(X @ layer.value_weight + layer.value_bias)
    np.testing.assert_allclose(layer(X), gate * value + (1 - gate) * X)


def test_squeeze_excite_against_torch():
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=(2, 5, 4, 8))
    layer = nn.SqueezeExcite(4).initialize(x)
    squeeze = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Conv2d(8, 2, 1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(2, 8, 1),
        torch.nn.Sigmoid(),
    ).double()
    with torch.no_grad():
        for name, their in (("hidden", squeeze[1]), ("gate", squeeze[3])):
            weight = getattr(layer, f"{name}_weight")
            their.weight.copy_(torch.tensor(weight.T[..., None, None]))
            their.bias.copy_(torch.tensor(getattr(layer, f"{name}_bias")))
        images = torch.tensor(np.moveaxis(x, -1, 1).copy())
        expected = (images * squeeze(images)).movedim(1, -1).numpy()
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)


def test_squeeze_excite_has_one_hidden_channel_at_least():
    x = RANDOM.normal(size=(2, 5, 3))
    assert nn.SqueezeExcite().initialize(x).hidden_weight.shape == (3, 1)
    with pytest.raises(InvalidArgumentError, match="`reduction` is 0"):
        nn.SqueezeExcite(0)
    with pytest.raises(ShapeError, match="at least 3 axes"):
        nn.SqueezeExcite()(X)
