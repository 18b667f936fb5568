"""Activations that narrow their input: which half is the gate, other axes, wrong lengths."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.gradient.derivatives import grad

X = np.random.default_rng(2).normal(size=(6, 4))
gated = pytest.mark.parametrize("name", ["glu", "swiglu", "geglu", "reglu"])


@gated
def test_the_second_half_is_the_gate(name):
    """What is doubled in the first half is doubled; a gate of -∞ closes."""
    gate, twice = nn.ACTIVATIONS[name], X * [2, 2, 1, 1]
    np.testing.assert_allclose(gate(twice), 2 * gate(X))
    closed = np.where([True, True, False, False], X, -1e4)
    np.testing.assert_allclose(gate(closed), np.zeros((6, 2)), atol=1e-12)


@gated
def test_along_another_axis(name):
    gate = nn.ACTIVATIONS[name]
    np.testing.assert_allclose(gate(X, axis=0), gate(X.T).T)


@gated
def test_an_odd_length_cannot_be_halved(name):
    gate = nn.ACTIVATIONS[name]
    with pytest.raises(ShapeError, match=rf"{name} halves .* axis -1 .* shape \(6, 3\)"):
        gate(X[:, :3])
    with pytest.raises(ShapeError, match="axis 2"):
        gate(X, axis=2)
    with pytest.raises(ShapeError):
        gate(np.float64(1.0))


def test_maxout():
    x = np.array([[1.0, 5.0, 2.0, -1.0, -3.0, -2.0]])
    np.testing.assert_array_equal(nn.maxout(x), [[5, 2, -2]])
    np.testing.assert_array_equal(nn.maxout(x, pieces=3), [[5, -1]])
    np.testing.assert_array_equal(nn.maxout(x, pieces=1), x)
    gradient = grad(lambda x: np.sum(nn.maxout(x, pieces=3)))(x)
    np.testing.assert_array_equal(gradient, [[0, 1, 0, 1, 0, 0]])
    with pytest.raises(ShapeError, match=r"4 elements .* shape \(1, 6\)"):
        nn.maxout(x, pieces=4)
    with pytest.raises(InvalidArgumentError, match="pieces"):
        nn.maxout(x, pieces=0)
