"""Convolution by tiles: each kernel is its definition, and all together the direct sum."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.native.kernels import winograd_operations as operations
from gradiente.backends.native.kernels.transforms import (
    along_both,
    of_gradients,
    of_inputs,
    of_weights,
    to_outputs,
    to_weights,
)
from gradiente.backends.native.run import NativeProgram
from gradiente.base.errors import InvalidArgumentError
from gradiente.base.types import type_of
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node

RANDOM = np.random.default_rng(7)


def numbers(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def correlation(d, w):
    return np.array([d[i : i + 3] @ w for i in range(4)])


def test_the_transforms_give_a_correlation_and_its_gradients():
    d, w, g = RANDOM.normal(size=6), RANDOM.normal(size=3), RANDOM.normal(size=4)
    product = np.multiply(of_inputs(d), of_weights(w))
    np.testing.assert_allclose(to_outputs(product), correlation(d, w), atol=1e-13)
    by_weight = to_weights(np.multiply(of_inputs(d), of_gradients(g)))
    expected = [sum(g[i] * d[i + k] for i in range(4)) for k in range(3)]
    np.testing.assert_allclose(by_weight, expected, atol=1e-13)


def test_along_both_axes():
    d, w = RANDOM.normal(size=(6, 6)), RANDOM.normal(size=(3, 3))
    product = np.multiply(along_both(of_inputs, d), along_both(of_weights, w))
    expected = [[np.sum(d[i : i + 3, j : j + 3] * w) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(along_both(to_outputs, product), expected, atol=1e-12)


def run(operation, arrays, params, threads=2):
    """The kernel of one operation."""
    inputs = tuple(Node(None, (), {}, type_of(array)) for array in arrays)
    kind = operation.type_rule(*(node.type for node in inputs), **params)
    node = Node(operation, inputs, params, kind)
    return NativeProgram(Graph("one", inputs, (node,)), threads)(arrays)[0]


SHAPES = {
    "whole tiles": ((3, 8, 12), (16, 16)),
    "ends": ((2, 9, 14), (16, 32)),
    "odd channels": ((2, 7, 5), (19, 23)),
    "many tiles": ((9, 16, 16), (32, 16)),
    "many blocks": ((40, 20, 17), (24, 48)),
    "several blocks of a chunk": ((1, 32, 32), (16, 16)),
    "wide": ((1, 6, 6), (70, 130)),
}
shapes = pytest.mark.parametrize(("places", "channels"), SHAPES.values(), ids=SHAPES)


@shapes
@pytest.mark.parametrize("before", [(0, 0), (1, 1), (2, 1)])
def test_each_kernel_is_its_definition(places, channels, before):
    samples, *places = places
    x = numbers(samples, *(n + 2 - 2 * b for n, b in zip(places, before, strict=True)), channels[0])
    w, g = numbers(3, 3, *channels), numbers(samples, *places, channels[1])
    u = run(operations.transform, [w], {})
    np.testing.assert_allclose(u, operations.transform.value(w), atol=1e-6)
    params = {"before": before, "places": tuple(places)}
    y = run(operations.convolve, [x, u], params)
    np.testing.assert_allclose(y, operations.convolve.value(x, u, **params), atol=2e-3)
    sums = run(operations.add_up, [x, g], {"before": before})
    expected = operations.add_up.value(x, g, before=before)
    size = np.abs(expected).max()
    np.testing.assert_allclose(sums.sum(0), expected.sum(0), atol=1e-5 * size)
    gradient = run(operations.gather, [sums], {})
    expected = operations.gather.value(expected.astype(np.float64))
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def net(method):
    def loss(x, w):
        y = gd.convolution(x, w, padding="same", method=method)
        return np.sum(np.maximum(y, 0.0) ** 2)

    return loss


def kernels(function, *arguments):
    return {name for entry in gd.profile(function, *arguments).entries for name in entry.operations}


@shapes
@pytest.mark.usefixtures("every_improvement")
def test_values_and_gradients_are_those_of_the_direct_sum(places, channels):
    x, w = numbers(*places, channels[0]), numbers(3, 3, *channels) * 0.2
    tiles = gd.compile(gd.value_and_grad(net("auto"), (0, 1)), backend="native")
    exact = gd.value_and_grad(net("direct"), (0, 1))(x.astype(float), w.astype(float))
    got = tiles(x, w)
    np.testing.assert_allclose(got[0], exact[0], rtol=1e-5)
    for ours, theirs in zip(got[1], exact[1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * np.abs(theirs).max())
    direct = gd.compile(gd.value_and_grad(net("direct"), (0, 1)), backend="native")
    assert {"winograd_convolution", "winograd_sums"} <= kernels(tiles, x, w)
    assert not any(name.startswith("winograd") for name in kernels(direct, x, w))
    assert "pad" not in kernels(tiles, x, w)


@pytest.mark.usefixtures("every_improvement")
def test_threads_do_not_change_the_bits():
    x, w = numbers(5, 14, 14, 32), numbers(3, 3, 32, 40)
    function = gd.grad(net("auto"), (0, 1))
    results = [gd.compile(function, backend="native", threads=n)(x, w) for n in (1, 2, 3, 7)]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_error_is_as_small_as_stated():
    """For 64 channels of normal numbers: 2e-5 of the largest value at most, 2e-6 on average."""
    x, w = numbers(2, 16, 16, 64), numbers(3, 3, 64, 64)
    exact = gd.convolution(x.astype(float), w.astype(float))
    got = gd.compile(gd.convolution, backend="native")(x, w)
    difference = np.abs(got - exact) / np.abs(exact).max()
    assert difference.max() < 2e-5
    assert difference.mean() < 2e-6


@pytest.mark.parametrize(
    ("x", "w", "options"),
    [
        ((2, 8, 8, 8), (3, 3, 8, 16), {}),
        ((2, 8, 8, 16), (5, 5, 16, 16), {}),
        ((2, 9, 9, 16), (3, 3, 16, 16), {"strides": 2}),
        ((2, 9, 9, 16), (3, 3, 16, 16), {"dilations": 2}),
        ((2, 9, 9, 32), (3, 3, 16, 32), {"groups": 2}),
        ((2, 4, 4, 16), (3, 3, 16, 16), {}),
        ((2, 8, 8, 16), (3, 3, 16, 16), {"method": "direct"}),
    ],
)
def test_other_convolutions_are_direct(x, w, options):
    function = gd.compile(lambda x, w: gd.convolution(x, w, **options), backend="native")
    assert "winograd_convolution" not in kernels(function, numbers(*x), numbers(*w))


def test_a_method_that_does_not_exist():
    with pytest.raises(InvalidArgumentError, match="direct"):
        gd.convolution(numbers(1, 5, 5, 1), numbers(3, 3, 1, 1), method="fast")
