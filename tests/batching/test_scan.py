"""Loops of many samples are one loop, whose rounds they go through together."""

import numpy as np
import pytest

import gradiente as gd

RANDOM = np.random.default_rng(1)
ROUNDS, SAMPLES = 6, 4
W, X, C = (
    RANDOM.normal(size=(3, 3)),
    RANDOM.normal(size=(SAMPLES, ROUNDS, 3)),
    RANDOM.normal(size=(SAMPLES, 3)),
)
RUNS = pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])
# Which of w, c, x differ between samples.
MAPPED = pytest.mark.parametrize(
    "axes", [(None, None, 0), (None, 0, None), (0, None, None), (None, 0, 0), (0, 0, 0)]
)


def recurrent(w, c, x, reverse=False):
    def cell(c, x):
        new = np.tanh(np.tanh(c @ w + x) @ w.T)
        return new, (np.sum(c * x), new * c)

    c, (a, b) = gd.scan(cell, c, x, reverse=reverse)
    return np.sum(a**2) + np.sum(c * b[2]) + np.sum(np.sin(b))


def arguments(axes):
    every = (np.stack([W * n for n in (1, -1, 2, 0.5)]), C, X)
    return [x if axis == 0 else x[0] for x, axis in zip(every, axes, strict=True)]


def looped(function, axes):
    """What a function gives for each sample, stacked leaf by leaf."""
    given = arguments(axes)
    rows = [
        function(*(x[n] if axis == 0 else x for x, axis in zip(given, axes, strict=True)))
        for n in range(SAMPLES)
    ]
    if not isinstance(rows[0], tuple):
        return np.stack(rows)
    return [np.stack(column) for column in zip(*rows, strict=True)]


def close(got, expected):
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


@RUNS
@MAPPED
@pytest.mark.parametrize("reverse", [False, True])
def test_values_are_those_of_a_loop(run, axes, reverse):
    def function(*args):
        return recurrent(*args, reverse=reverse)

    close(run(gd.vmap(function, axes))(*arguments(axes)), looped(function, axes))


@RUNS
@MAPPED
def test_gradients_of_each_sample_and_of_all(run, axes):
    gradient = gd.grad(recurrent, argnums=(0, 1, 2))
    expected = looped(gradient, axes)
    for got, wanted in zip(run(gd.vmap(gradient, axes))(*arguments(axes)), expected, strict=True):
        close(got, wanted)
    mapped = gd.vmap(recurrent, axes)
    total = gd.grad(lambda *args: np.sum(mapped(*args)), argnums=(0, 1, 2))
    for got, wanted, axis in zip(run(total)(*arguments(axes)), expected, axes, strict=True):
        close(got, wanted if axis == 0 else wanted.sum(axis=0))


@RUNS
def test_second_derivatives_of_each_sample(run):
    def product(w, c, x):
        return gd.hvp(recurrent, (w, c, x), (w, c, x))

    axes = (None, 0, 0)
    got = run(gd.vmap(product, axes))(*arguments(axes))
    for ours, wanted in zip(got, looped(product, axes), strict=True):
        close(ours, wanted)


@RUNS
@MAPPED
def test_checkpointed_loops(run, axes):
    gradient = gd.grad(gd.checkpoint(recurrent), argnums=(0, 1, 2))
    plain = gd.grad(recurrent, argnums=(0, 1, 2))
    one = [x[0] for x in arguments((0, 0, 0))]
    for got, wanted in zip(run(gradient)(*one), plain(*one), strict=True):
        close(got, wanted)
    for got, wanted in zip(
        run(gd.vmap(gradient, axes))(*arguments(axes)), looped(plain, axes), strict=True
    ):
        close(got, wanted)
    mapped = gd.vmap(gd.checkpoint(recurrent), axes)
    total = gd.grad(lambda *args: np.sum(mapped(*args)), argnums=(0, 1, 2))
    for got, wanted, axis in zip(
        run(total)(*arguments(axes)), looped(plain, axes), axes, strict=True
    ):
        close(got, wanted if axis == 0 else wanted.sum(axis=0))


def test_a_mapped_function_inside_a_loop():
    w = W[0]

    def cell(c, x):
        return gd.vmap(lambda c, x: np.tanh(c * w + x))(c, x), None

    last = gd.scan(cell, C, np.moveaxis(X, 1, 0))[0]
    plain = C
    for x in np.moveaxis(X, 1, 0):
        plain = np.tanh(plain * w + x)
    close(last, plain)
