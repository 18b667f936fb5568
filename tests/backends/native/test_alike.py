"""Kernels that are alike are written once, and each runs on its own buffers."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.base.errors import IndexRangeError

RANDOM = np.random.default_rng(2)


def written(monkeypatch, function, *arguments):
    """How many kernels are written for a function, and what it gives natively and by NumPy."""
    count, text = [], KernelWriter.text
    monkeypatch.setattr(KernelWriter, "text", lambda self: count.append(1) or text(self))
    got = gd.compile(function, backend="native")(*arguments)
    monkeypatch.setattr(KernelWriter, "text", text)
    return len(count), got, gd.compile(function, backend="numpy")(*arguments)


def deep(depth, width=24):
    network = nn.Sequential(*[layer for _ in range(depth) for layer in (nn.Dense(width), nn.tanh)])
    return network.initialize(RANDOM.normal(size=(6, width)), seed=depth)


def test_further_layers_of_a_kind_need_no_further_kernels(monkeypatch):
    x = RANDOM.normal(size=(6, 24))
    loss = lambda net, x: np.mean(net(x) ** 2)  # noqa: E731
    counts = []
    for depth in (4, 9):
        number, got, expected = written(monkeypatch, gd.value_and_grad(loss), deep(depth), x)
        counts.append(number)
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-12)
        for ours, numpys in zip(got[1].state().values(), expected[1].state().values(), strict=True):
            np.testing.assert_allclose(ours, numpys, rtol=1e-10, atol=1e-14)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (np.sum(x * 2.0), np.sum(y * 2.0), np.sum(x * 3.0)),  # a constant in the text
        lambda x, y: (x @ y.T, y @ x.T, x @ x.T),  # one buffer twice
        lambda x, y: (np.exp(x[:, ::2]), np.exp(y[:, ::2]), np.exp(x[:, 1::2])),  # offsets
        lambda x, y: (np.cumsum(x, axis=0), np.cumsum(y, axis=0), np.cumsum(x, axis=1)),
        lambda x, y: (np.sort(x, axis=1), np.sort(y, axis=1)),  # memory of their own
        lambda x, y: (gd.softmax(x), gd.softmax(y), gd.softmax(x.T)),
    ],
)
def test_only_what_is_the_same_is_shared(function):
    x, y = RANDOM.normal(size=(2, 7, 8))
    got = gd.compile(function, backend="native")(x, y)
    for ours, numpys in zip(got, function(x, y), strict=True):
        np.testing.assert_allclose(ours, numpys, rtol=1e-12)


def test_a_wrong_index_is_reported_where_it_is():
    def two(x, i, j):
        first = x[i]
        return first, x[j]

    compiled = gd.compile(two, backend="native")
    x = RANDOM.normal(size=(5, 2))
    with pytest.raises(IndexRangeError, match=r"return first, x\[j\]"):
        compiled(x, np.array([0, 1]), np.array([0, 5]))
    with pytest.raises(IndexRangeError, match=r"first = x\[i\]"):
        compiled(x, np.array([7, 1]), np.array([0, 4]))
