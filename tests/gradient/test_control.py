"""`stop_gradient` and `custom_gradient`."""

from typing import NamedTuple

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import TreeError

X, Y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
RUNS = pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])


@RUNS
def test_a_stopped_value_counts_as_a_constant(run):
    function = lambda x: gd.sum(x * gd.stop_gradient(x * x))  # noqa: E731
    np.testing.assert_array_equal(run(gd.grad(function))(X), X * X)
    np.testing.assert_array_equal(run(gd.hessian(function))(X), np.zeros((2, 2)))


def test_trees_and_plain_arrays_can_be_stopped():
    tree = {"a": X, "b": [2.0, None, "text"]}
    stopped = gd.stop_gradient(tree)
    assert stopped["a"] is X
    assert stopped["b"] == [2.0, None, "text"]
    g = gd.grad(lambda t: gd.sum(gd.stop_gradient(t)["a"] * t["a"]))({"a": X})
    np.testing.assert_array_equal(g["a"], X)


@gd.custom_gradient
def straight(x):
    return np.round(x), lambda g: g


@gd.custom_gradient
def weighted(x, y):
    return x * y, lambda g: (10 * g * y, 100 * g * x)


@RUNS
def test_the_rule_replaces_the_gradient(run):
    np.testing.assert_array_equal(run(gd.grad(lambda x: gd.sum(straight(x) * Y)))(X), Y)
    first, second = run(gd.grad(lambda x, y: gd.sum(weighted(x, y)), argnums=(0, 1)))(X, Y)
    np.testing.assert_array_equal(first, 10 * Y)
    np.testing.assert_array_equal(second, 100 * X)


def test_on_arrays_it_is_the_function():
    np.testing.assert_array_equal(straight(np.array([0.4, 1.6])), [0.0, 2.0])
    np.testing.assert_array_equal(weighted(X, Y), X * Y)
    assert straight.__name__ == "straight"


def test_arguments_that_are_not_traced_take_no_part():
    np.testing.assert_array_equal(gd.grad(lambda y: gd.sum(weighted(X, y)))(Y), 100 * X)
    np.testing.assert_array_equal(gd.grad(lambda x: gd.sum(weighted(x, 2.0)))(X), [20.0, 20.0])


@RUNS
def test_the_rule_itself_is_differentiated(run):
    """tan with its gradient written by hand, to third order."""

    @gd.custom_gradient
    def tangent(x):
        y = np.tan(x)
        return y, lambda g: g * (1 + y * y)

    # y inside the rule is a value of the forward pass: differentiating the rule goes through it.
    plain, ours = gd.grad(np.tan), gd.grad(tangent)
    for _ in range(2):
        np.testing.assert_allclose(run(ours)(0.3), plain(0.3), rtol=1e-12)
        plain, ours = gd.grad(plain), gd.grad(ours)
    np.testing.assert_allclose(run(ours)(0.3), plain(0.3), rtol=1e-12)


def test_the_rule_may_use_other_functions_of_the_inputs():
    @gd.custom_gradient
    def cube(x):
        return x**3, lambda g: 3 * g * x**2

    assert gd.grad(gd.grad(cube))(2.0) == 12.0
    assert gd.grad(gd.grad(gd.grad(cube)))(2.0) == 6.0


class Pair(NamedTuple):
    a: object
    b: object


def test_trees_go_in_and_come_out():
    @gd.custom_gradient
    def function(tree, scale):
        def rule(g):
            assert set(g) == {"sum", "scaled"}
            return {"u": g["sum"] + 2 * g["scaled"], "v": g["sum"]}, None

        return {"sum": tree["u"] + tree["v"], "scaled": tree["u"] * scale}, rule

    def loss(tree, scale):
        out = function(tree, scale)
        return gd.sum(out["sum"] * 3) + gd.sum(out["scaled"] * 5)

    tree, scale = gd.grad(loss, argnums=(0, 1))({"u": X, "v": Y}, 7.0)
    np.testing.assert_array_equal(tree["u"], [13.0, 13.0])
    np.testing.assert_array_equal(tree["v"], [3.0, 3.0])
    assert scale == 0.0


@pytest.mark.parametrize("kind", [tuple, list, lambda pair: Pair(*pair)])
def test_a_single_argument_that_is_a_sequence(kind):
    """The gradient of one argument may be a tuple itself; it is not one gradient per argument."""

    @gd.custom_gradient
    def product(pair):
        return pair[0] * pair[1], lambda g: kind((g * 10, g * 20))

    g = gd.grad(lambda pair: gd.sum(product(pair)))(kind((X, Y)))
    np.testing.assert_array_equal(g[0], [10.0, 10.0])
    np.testing.assert_array_equal(g[1], [20.0, 20.0])


@pytest.mark.parametrize(
    "gradient", [lambda g: (g,), lambda g: g, lambda g: np.ones(2), lambda g: np.ones(2, "f4")]
)
def test_gradients_may_be_bare_in_a_tuple_or_plain_arrays(gradient):
    @gd.custom_gradient
    def function(x):
        return x * 2, gradient

    x = np.array([np.inf, 1.0])
    got = gd.grad(lambda x: gd.sum(function(x)))(x)
    np.testing.assert_array_equal(got, [1.0, 1.0])
    assert got.dtype == np.float64


def test_none_is_zero():
    @gd.custom_gradient
    def function(x, y):
        return x * y, lambda g: (None, g)

    x, y = gd.grad(lambda x, y: gd.sum(function(x, y)), argnums=(0, 1))(X, Y)
    np.testing.assert_array_equal(x, [0.0, 0.0])
    np.testing.assert_array_equal(y, [1.0, 1.0])


def test_integer_arguments_take_no_gradient():
    @gd.custom_gradient
    def rows(table, i):
        return table[i], lambda g: (gd.scatter_add(np.zeros(2), i, g) * 10, None)

    compiled = gd.compile(lambda x, i: gd.grad(lambda x: gd.sum(rows(x, i)))(x))
    np.testing.assert_array_equal(compiled(X, np.array([1, 1, 0])), [10.0, 20.0])


def test_gradient_clipping_and_reversal():
    clipped = gd.custom_gradient(lambda x: (x, lambda g: np.clip(g, -1.0, 1.0)))
    reverse = gd.custom_gradient(lambda x: (x, lambda g: -g))
    g = np.array([5.0, -0.5])
    np.testing.assert_array_equal(gd.grad(lambda x: gd.sum(clipped(x) * g))(X), [1.0, -0.5])
    np.testing.assert_array_equal(gd.grad(lambda x: gd.sum(reverse(x) * g))(X), -g)


REFUSED = {
    "too few": (lambda x, y: (x * y, lambda g: (g,)), "1 gradients for 2 arguments"),
    "bare": (lambda x, y: (x * y, lambda g: g), "1 gradients for 2 arguments"),
    "too many": (lambda x, y: (x * y, lambda g: (g, g, g)), "3 gradients for 2 arguments"),
    "shape": (lambda x, y: (x * y, lambda g: (gd.sum(g), g)), "shape () for an argument of shape"),
    "longer": (lambda x, y: (x * y, lambda g: (np.ones(3), g)), "shape (3,)"),
    "structure": (lambda x, y: (x * y, lambda g: ([g, g], g)), "structure differs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_rules_that_do_not_fit_are_refused_in_words(name):
    definition, phrase = REFUSED[name]
    function = gd.custom_gradient(definition)
    with pytest.raises(TreeError) as caught:
        gd.grad(lambda x, y: gd.sum(function(x, y)), argnums=(0, 1))(X, Y)
    assert phrase in str(caught.value)
    assert f'File "{__file__}", line ' in str(caught.value)
