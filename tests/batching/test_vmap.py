"""`vmap` is a loop over the samples: axes, trees, nesting with derivatives, randomness, errors."""

from typing import NamedTuple

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import (
    ConcreteValueError,
    InvalidArgumentError,
    ShapeError,
    TreeError,
    TypeMismatchError,
    UnsupportedFunctionError,
)
from gradiente.base.trees import flatten, unflatten
from gradiente.ops.operation import Operation
from gradiente.trace.functions import bind

RANDOM = np.random.default_rng(1)
W, X, Y = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=(5, 4)), RANDOM.normal(size=(5, 3))
RUNS = pytest.mark.parametrize(
    "run",
    [lambda f: f, gd.compile, lambda f: gd.compile(f, backend="numpy")],
    ids=["eager", "native", "numpy"],
)


def close(got, expected):
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


def layer(w, x):
    return np.tanh(w @ x)


def error(w, x, y):
    return np.mean((layer(w, x) - y) ** 2)


def loop(function, *lists):
    return np.stack([function(*each) for each in zip(*lists, strict=True)])


# -- axes ------------------------------------------------------------------------------------------


@RUNS
def test_it_is_a_loop(run):
    expected = loop(lambda x: layer(W, x), X)
    close(run(gd.vmap(layer, (None, 0)))(W, X), expected)
    close(run(gd.vmap(lambda x: layer(W, x)))(X), expected)
    close(run(gd.vmap(lambda x: x * 2 + 1))(X), X * 2 + 1)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_any_axis_may_count_the_samples(axis):
    x = RANDOM.normal(size=(2, 3, 4))
    function = lambda x: np.cumsum(x, axis=0) * np.arange(1.0, x.shape[-1] + 1)  # noqa: E731
    expected = loop(function, np.moveaxis(x, axis, 0))
    close(gd.vmap(function, in_axes=axis)(x), expected)
    moved = gd.vmap(function, in_axes=axis, out_axes=axis)(x)
    close(moved, np.moveaxis(expected, 0, axis))


class Pair(NamedTuple):
    a: object
    b: object


def test_axes_may_be_trees():
    tree = {"u": X, "v": [X.T, 3.0]}

    def function(tree, scale):
        return Pair(np.sum(tree["u"] * tree["v"][0]) * scale, (tree["u"], tree["v"][1]))

    axes = ({"u": 0, "v": [1, None]}, None)
    a, (b, c) = gd.vmap(function, axes, out_axes=Pair(0, (1, None)))(tree, 2.0)
    close(a, np.sum(X * X, axis=1) * 2)
    close(b, X.T)
    assert c == 3.0


def test_keyword_arguments_are_mapped_over_their_first_axis():
    close(gd.vmap(lambda x, y: x - y)(X, y=X[::-1]), X - X[::-1])


def test_what_does_not_depend_on_the_sample_is_repeated():
    a, b = gd.vmap(lambda x: (W, 2.0))(X)
    close(a, np.broadcast_to(W, (5, 3, 4)))
    close(b, np.full(5, 2.0))
    a[0, 0, 0] = 7  # it is an array of its own
    once, text = gd.vmap(lambda x: (W, "text"), out_axes=None)(X)
    close(once, W)
    assert text == "text"


@RUNS
def test_there_may_be_no_samples_or_one(run):
    function = gd.vmap(lambda x: np.sum(layer(W, x)) + np.max(x))
    for count in (0, 1):
        close(
            run(function)(X[:count]), np.array([np.sum(layer(W, x)) + x.max() for x in X[:count]])
        )


def test_data_types_are_kept():
    x = X.astype(np.float32)
    assert gd.vmap(lambda x: x * 2.0 + 1)(x).dtype == np.float32
    assert gd.vmap(lambda i: i + 1)(np.arange(3, dtype=np.int8)).dtype == np.int8


# -- with derivatives ------------------------------------------------------------------------------


@RUNS
def test_gradients_for_each_sample(run):
    expected = loop(lambda x, y: gd.grad(error)(W, x, y), X, Y)
    close(run(gd.vmap(gd.grad(error), (None, 0, 0)))(W, X, Y), expected)
    value, gradient = run(gd.vmap(gd.value_and_grad(error, argnums=1), (None, 0, 0)))(W, X, Y)
    close(value, loop(lambda x, y: error(W, x, y), X, Y))
    close(gradient, loop(lambda x, y: gd.grad(error, argnums=1)(W, x, y), X, Y))


@RUNS
def test_the_gradient_of_a_mapped_function(run):
    batched = gd.vmap(error, (None, 0, 0))
    total = gd.grad(lambda w, x, y: np.mean(batched(w, x, y)), argnums=(0, 1))
    w, x = run(total)(W, X, Y)
    each = loop(lambda x, y: gd.grad(error)(W, x, y), X, Y)
    close(w, each.mean(axis=0))
    close(x, loop(lambda x, y: gd.grad(error, argnums=1)(W, x, y), X, Y) / 5)


@RUNS
def test_mapped_inside_mapped(run):
    pairs = gd.vmap(gd.vmap(lambda x, y: np.sum(layer(W, x) * layer(W, y)), (None, 0)), (0, None))
    expected = layer(W, X.T).T @ layer(W, X.T)
    close(run(pairs)(X, X), expected)
    gradient = gd.grad(lambda x: np.sum(pairs(x, X) ** 2))
    plain = gd.grad(lambda x: np.sum((np.tanh(x @ W.T) @ np.tanh(X @ W.T).T) ** 2))
    np.testing.assert_allclose(run(gradient)(X), plain(X), rtol=1e-12)


@RUNS
def test_second_derivatives_of_each_sample(run):
    function = lambda x: np.sum(layer(W, x) ** 3)  # noqa: E731
    close(run(gd.vmap(gd.hessian(function)))(X), loop(gd.hessian(function), X))
    product = lambda x: gd.hvp(function, (x,), (x,))[0]  # noqa: E731
    close(run(gd.vmap(product))(X), loop(product, X))
    tangent = lambda x: gd.jvp(function, (x,), (x,))[1]  # noqa: E731
    close(run(gd.vmap(tangent))(X), loop(tangent, X))


@RUNS
def test_custom_gradients_of_each_sample(run):
    @gd.custom_gradient
    def clipped(x, w):
        return x * w, lambda g: (np.clip(g * w * x[0], -0.3, 0.3), 10 * g * x)

    def function(w, x):
        return np.sum(clipped(x, w) ** 2)

    for places in (0, 1):
        gradient = gd.grad(function, argnums=places)
        expected = loop(lambda x, gradient=gradient: gradient(W[0], x), X)
        close(run(gd.vmap(gradient, (None, 0)))(W[0], X), expected)
        outer = gd.grad(lambda w, x: np.sum(gd.vmap(function, (None, 0))(w, x)), argnums=places)
        close(run(outer)(W[0], X), expected if places else expected.sum(axis=0))
        second = gd.grad(lambda w, x: np.sum(gradient(w, x) ** 2))  # noqa: B023
        close(
            run(gd.vmap(second, (None, 0)))(W[0], X),
            loop(lambda x, second=second: second(W[0], x), X),
        )


@RUNS
def test_the_rule_of_a_custom_gradient_may_look_at_the_sample_alone(run):
    """Its value is the same for all samples; its gradient is not."""

    def function(w, x):
        scaled = gd.custom_gradient(lambda w: (w * 2, lambda g: g * x))
        return np.sum(scaled(w) * 3)

    total = gd.grad(lambda w: np.sum(gd.vmap(function, (None, 0))(w, X)))
    close(run(total)(W[0]), 3 * X.sum(axis=0))
    close(run(gd.vmap(gd.grad(function), (None, 0)))(W[0], X), 3 * X)


def test_stopped_gradients_stay_stopped():
    function = lambda x: np.sum(x * gd.stop_gradient(x))  # noqa: E731
    close(gd.vmap(gd.grad(function))(X), X)


@RUNS
def test_jacobians_are_rows_for_all_elements_at_once(run):
    function = lambda x: np.stack([layer(W, x), layer(W, x) ** 2])  # noqa: E731
    expected = np.stack(
        [[gd.grad(lambda x, i=i, j=j: function(x)[i, j])(X[0]) for j in range(3)] for i in range(2)]
    )
    close(run(gd.jacobian(function))(X[0]), expected)
    assert gd.jacobian(lambda x: x[:0])(X[0]).shape == (0, 4)


# -- randomness ------------------------------------------------------------------------------------


@RUNS
def test_each_key_draws_its_own_numbers_and_one_key_the_same(run):
    keys = np.stack([gd.random.key(seed) for seed in range(5)])
    noisy = lambda key, x: x + gd.random.normal(gd.random.fold_in(key, 2), (4,), np.float64)  # noqa: E731
    expected = loop(noisy, keys, X)
    got = run(gd.vmap(noisy))(keys, X)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    same = run(gd.vmap(noisy, (None, 0)))(keys[0], X) - X
    np.testing.assert_allclose(same, np.broadcast_to(same[0], (5, 4)), atol=1e-14)


@RUNS
def test_keys_may_be_derived_from_the_number_of_the_sample(run):
    key = gd.random.key(3)
    draw = lambda i: gd.random.bits(gd.random.fold_in(key, i), (2, 3))  # noqa: E731
    np.testing.assert_array_equal(run(gd.vmap(draw))(np.arange(4)), loop(draw, np.arange(4)))
    grid = np.arange(6).reshape(2, 3)
    twice = run(gd.vmap(gd.vmap(draw)))(grid)
    np.testing.assert_array_equal(twice, np.stack([loop(draw, row) for row in grid]))


def test_dropout_draws_the_same_for_all_samples_of_one_key():
    def function(x, key):
        with nn.running(nn.Context(training=True, key=key)):
            return nn.Dropout(0.5)(x)

    ones = np.ones((5, 64))
    same = gd.vmap(function, (0, None))(ones, gd.random.key(0))
    assert np.all(same == same[0])
    keys = np.stack([gd.random.key(seed) for seed in range(5)])
    own = gd.vmap(function)(ones, keys)
    assert len({tuple(row) for row in own}) == 5
    close(own, loop(function, ones, keys))


# -- networks --------------------------------------------------------------------------------------


def test_networks_are_trees_of_parameters():
    network = nn.Sequential(nn.Dense(6), nn.tanh, nn.Dense(3)).initialize(X[0], seed=1)

    def loss(network, x, y):
        return np.mean((network(x) - y) ** 2)

    each = gd.vmap(gd.grad(loss), in_axes=(None, 0, 0))(network, X, Y)
    for path, values in each.state().items():
        rows = [gd.grad(loss)(network, x, y).state()[path] for x, y in zip(X, Y, strict=True)]
        close(values, np.stack(rows))


def test_several_networks_at_once():
    """An ensemble: parameters with an axis of their own."""
    networks = [nn.Dense(3).initialize(X[0], seed=seed) for seed in range(4)]
    leaves = zip(*(flatten(network)[0] for network in networks), strict=True)
    stacked = unflatten(flatten(networks[0])[1], map(np.stack, leaves))
    outputs = gd.vmap(lambda network, x: network(x), (0, None))(stacked, X)
    close(outputs, np.stack([network(X) for network in networks]))


# -- errors ----------------------------------------------------------------------------------------

add = lambda x, y: x + y  # noqa: E731
REFUSED = {
    "number of samples": (
        lambda: gd.vmap(add)(X, Y[:2]),
        ShapeError,
        "`x` has 5 along axis 0, `y` has 2 along axis 0",
    ),
    "no such axis": (lambda: gd.vmap(add, (2, 0))(X, Y), ShapeError, "`x` has 2 axes"),
    "a number": (lambda: gd.vmap(add)(X, 1.0), ShapeError, "`y` has 0 axes"),
    "a leaf": (
        lambda: gd.vmap(lambda t: t["w"])({"w": X, "b": 1.0}),
        ShapeError,
        "`t.b` has 0 axes",
    ),
    "a text": (lambda: gd.vmap(add)(X, "text"), TypeMismatchError, "`y` is a str"),
    "too few entries": (
        lambda: gd.vmap(add, (0,))(X, X),
        InvalidArgumentError,
        "1 entries, but `lambda` was called with 2",
    ),
    "nothing mapped": (
        lambda: gd.vmap(add, None)(X, X),
        InvalidArgumentError,
        "nothing to map over",
    ),
    "no axis": (
        lambda: gd.vmap(add, (0, "first"))(X, X),
        InvalidArgumentError,
        "`in_axes` has 'first' for `y`",
    ),
    "a bool": (lambda: gd.vmap(add, (0, True))(X, X), InvalidArgumentError, "True for `y`"),
    "structure": (
        lambda: gd.vmap(lambda t: t["u"], ({"v": 0},))({"u": X}),
        TreeError,
        "the structure of `t`: its entries are `v`",
    ),
    "result axis": (lambda: gd.vmap(add, out_axes=3)(X, X), ShapeError, "the result has 2 axes"),
    "result without axis": (
        lambda: gd.vmap(lambda x: {"a": x}, out_axes=None)(X),
        InvalidArgumentError,
        "the result `a` depends on the sample",
    ),
    "result of text": (
        lambda: gd.vmap(lambda x: (x, "text"))(X),
        TypeMismatchError,
        "the result `1` is a str",
    ),
    "choice in Python": (
        lambda: gd.vmap(lambda x: x if x[0] > 0 else -x)(X),
        ConcreteValueError,
        "compiled or mapped",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_words(name):
    wrong, kind, phrase = REFUSED[name]
    with pytest.raises(kind) as caught:
        wrong()
    assert phrase in str(caught.value)
    assert f'File "{__file__}", line ' in str(caught.value)


def test_an_operation_without_a_rule_is_named():
    strange = Operation("strange", lambda x: x, lambda x: x)
    with pytest.raises(UnsupportedFunctionError, match="`strange` is for many samples"):
        gd.vmap(lambda x: bind(strange, x))(X)


def test_choices_by_values_that_are_the_same_for_all_samples_are_pythons():
    function = lambda x, y: x if y[0] > 0 else -x  # noqa: E731
    close(gd.vmap(function, (0, None))(X, np.ones(2)), X)


def test_it_keeps_the_name_of_the_function():
    assert gd.vmap(layer).__name__ == "layer"
