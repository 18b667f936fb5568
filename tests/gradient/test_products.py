"""`vjp`, `jvp`, `hvp`, `jacobian`, `hessian`: against each other, by hand and against JAX."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import GradienteError, NotDifferentiableError, TreeError

RANDOM = np.random.default_rng(0)
W, X = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=4)


def layer(w, x):
    return np.tanh(w @ x)


def by_hand(w, x):
    """∂ tanh(w x)/∂x and ∂ tanh(w x)/∂w."""
    slope = 1 - np.tanh(w @ x) ** 2
    to_w = np.zeros((3, 3, 4))
    to_w[np.arange(3), np.arange(3)] = slope[:, None] * x
    return slope[:, None] * w, to_w


RUNS = pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])


@RUNS
def test_jacobian(run):
    to_x, to_w = by_hand(W, X)
    np.testing.assert_allclose(run(gd.jacobian(layer, argnums=1))(W, X), to_x, rtol=1e-12)
    both = run(gd.jacobian(layer, argnums=(0, 1)))(W, X)
    assert isinstance(both, tuple)
    np.testing.assert_allclose(both[0], to_w, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(both[1], to_x, rtol=1e-12)


@RUNS
def test_vjp_and_jvp_are_products_with_the_jacobian(run):
    to_x, _ = by_hand(W, X)
    g, t = np.array([1.0, -2.0, 0.5]), np.array([0.1, 0.2, -0.3, 0.4])

    def products(x, g, t):
        value, pullback = gd.vjp(lambda x: layer(W, x), x)
        return value, pullback(g), gd.jvp(lambda x: layer(W, x), (x,), (t,))

    value, backward, (again, forward) = run(products)(X, g, t)
    np.testing.assert_allclose(value, layer(W, X), rtol=1e-14)
    np.testing.assert_array_equal(again, value)
    assert isinstance(backward, tuple)
    np.testing.assert_allclose(backward[0], g @ to_x, rtol=1e-12)
    np.testing.assert_allclose(forward, to_x @ t, rtol=1e-12)


@RUNS
def test_hessian_and_its_products(run):
    matrix = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 4.0]])
    function = lambda x: 0.5 * (x @ matrix @ x) + gd.sum(x**3)  # noqa: E731
    x, v = np.array([1.0, -1.0, 2.0]), np.array([0.5, 1.0, -2.0])
    expected = matrix + np.diag(6 * x)
    np.testing.assert_allclose(run(gd.hessian(function))(x), expected, rtol=1e-12, atol=1e-12)
    (product,) = run(lambda x, v: gd.hvp(function, (x,), (v,)))(x, v)
    np.testing.assert_allclose(product, expected @ v, rtol=1e-12)


def test_the_hessian_of_several_arguments_has_a_block_for_each_pair():
    blocks = gd.hessian(lambda a, b: gd.sum(a * a) * gd.sum(b), argnums=(0, 1))(X[:2], X[2:])
    np.testing.assert_allclose(blocks[0][0], 2 * np.eye(2) * X[2:].sum())
    np.testing.assert_allclose(blocks[0][1], 2 * X[:2, None] * np.ones(2))
    np.testing.assert_allclose(blocks[1][0], blocks[0][1].T)
    np.testing.assert_array_equal(blocks[1][1], np.zeros((2, 2)))


@dataclasses.dataclass
class Point:
    x: Any
    y: Any


def test_trees_in_and_out():
    def function(point, scale):
        return {"sum": point.x + point.y, "product": [point.x * scale["s"], None], "n": np.int64(3)}

    point, scale = Point(np.array([1.0, 2.0]), np.array([3.0, 4.0])), {"s": np.float64(2.0)}
    value, pullback = gd.vjp(function, point, scale)
    assert value["n"] == 3
    g = {"sum": np.ones(2), "product": [np.array([1.0, 10.0]), None], "n": np.int64(0)}
    to_point, to_scale = pullback(g)
    assert isinstance(to_point, Point)
    np.testing.assert_array_equal(to_point.x, [3.0, 21.0])
    np.testing.assert_array_equal(to_point.y, [1.0, 1.0])
    assert to_scale["s"] == 1.0 + 20.0
    tangents = (Point(np.array([1.0, 0.0]), np.zeros(2)), {"s": 1.0})
    _, moved = gd.jvp(function, (point, scale), tangents)
    np.testing.assert_array_equal(moved["sum"], [1.0, 0.0])
    np.testing.assert_array_equal(moved["product"][0], [2.0 + 1.0, 2.0])
    assert moved["n"] == 0
    jacobian = gd.jacobian(lambda p: {"y": p.x * p.y})(point)
    assert isinstance(jacobian["y"], Point)
    np.testing.assert_array_equal(jacobian["y"].x, np.diag([3.0, 4.0]))


def test_dict_keys_may_come_in_another_order():
    _, pullback = gd.vjp(lambda x: {"a": x, "b": 2 * x}, 1.0)
    assert pullback({"b": 10.0, "a": 1.0}) == (21.0,)


def test_a_pullback_may_be_used_again_and_differentiated():
    _, pullback = gd.vjp(lambda x: x**3, 2.0)
    assert pullback(1.0) == (12.0,)
    assert pullback(2.0) == (24.0,)
    assert gd.grad(lambda g: pullback(g)[0] ** 2)(1.0) == 2 * 12.0 * 12.0


def test_outputs_that_do_not_depend_on_the_inputs():
    value, pullback = gd.vjp(lambda x: (np.ones(2), x, 3.0), np.zeros(2))
    np.testing.assert_array_equal(value[0], np.ones(2))
    np.testing.assert_array_equal(pullback((np.ones(2), np.ones(2), 1.0))[0], np.ones(2))
    (_, moved) = gd.jvp(lambda x: (np.ones(2), x), (np.zeros(2),), (np.ones(2),))
    np.testing.assert_array_equal(moved[0], np.zeros(2))
    np.testing.assert_array_equal(moved[1], np.ones(2))
    np.testing.assert_array_equal(gd.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 4)))


def test_empty_outputs_and_inputs():
    assert gd.jacobian(lambda x: x[:0])(X).shape == (0, 4)
    assert gd.jacobian(lambda x: np.zeros(2) + gd.sum(x))(np.zeros((0, 3))).shape == (2, 0, 3)
    assert gd.hessian(lambda x: gd.sum(x * x))(np.zeros(0)).shape == (0, 0)


def test_float32_stays_float32():
    x = X.astype(np.float32)
    function = lambda x: np.tanh(x) * 2  # noqa: E731
    assert gd.jacobian(function)(x).dtype == np.float32
    assert gd.hessian(lambda x: gd.sum(function(x)))(x).dtype == np.float32
    assert gd.vjp(function, x)[1](X)[0].dtype == np.float32
    assert gd.jvp(function, (x,), (X,))[1].dtype == np.float32
    assert gd.hvp(lambda x: gd.sum(function(x)), (x,), (X,))[0].dtype == np.float32


def test_forward_mode_passes_kinks_and_linear_pieces():
    """The forward derivative comes from transposing twice; zeros on the way must not harm it."""
    function = lambda x: np.maximum(x, 0.0) / np.sqrt(np.abs(x) + 1e-300)  # noqa: E731
    x, t = np.array([4.0, -4.0]), np.ones(2)
    _, moved = gd.jvp(function, (x,), (t,))
    np.testing.assert_allclose(moved, [0.25, 0.0])


JAX_FUNCTIONS = {
    "network": lambda np_, x: np_.tanh(W[:, :3] @ x),
    "products": lambda np_, x: np_.outer(x, x) @ np_.sin(x) + np_.cumsum(x) * np_.prod(x),
    "pieces": lambda np_, x: np_.where(x > 0, np_.exp(x), x * x) + np_.sort(x),
}


@pytest.mark.parametrize("name", JAX_FUNCTIONS)
def test_derivatives_to_third_order_equal_those_of_jax(name):
    jax = pytest.importorskip("jax")
    definition, x = JAX_FUNCTIONS[name], X[:3]
    ours = lambda x: gd.sum(definition(np, x) * x)  # noqa: E731
    theirs = lambda x: jax.numpy.sum(definition(jax.numpy, x) * x)  # noqa: E731
    got = [gd.grad(ours)(x), gd.hessian(ours)(x), gd.jacobian(gd.hessian(ours))(x)]
    got.append(gd.jvp(ours, (x,), (W[0, :3],))[1])

    @jax.jit
    def oracle(x):
        third = jax.jacobian(jax.hessian(theirs))(x)
        return jax.grad(theirs)(x), jax.hessian(theirs)(x), third, jax.grad(theirs)(x) @ W[0, :3]

    with jax.enable_x64(True):
        for one, other in zip(got, oracle(x), strict=True):
            np.testing.assert_allclose(one, np.asarray(other), rtol=1e-9, atol=1e-9)


REFUSED = {
    "vjp shape": (lambda: gd.vjp(lambda x: x * 2, X)[1](np.ones(3)), TreeError, "shape (3,)"),
    "vjp broadcast": (lambda: gd.vjp(lambda x: x * 2, X)[1](1.0), TreeError, "shape ()"),
    "vjp structure": (
        lambda: gd.vjp(lambda x: {"a": x}, X)[1]({"b": X}), TreeError, "`a` is missing"
    ),
    "vjp containers": (
        lambda: gd.vjp(lambda x: (x, x), X)[1]([X, X]), TreeError, "containers are of different"
    ),
    "jvp structure": (lambda: gd.jvp(lambda x: x, (X,), (X, X)), TreeError, "`1` is in the second"),
    "jvp shape": (lambda: gd.jvp(lambda x: x, (X,), (X[:1],)), TreeError, "shape (1,)"),
    "jvp primals": (lambda: gd.jvp(lambda x: x, X, X), TreeError, "write `(primal,)`"),
    "jvp tangents": (lambda: gd.jvp(lambda x: x, (X,), X), TreeError, "write `(tangent,)`"),
    "hvp vectors": (
        lambda: gd.hvp(lambda x: gd.sum(x), (X,), (X[:1],)), TreeError, "shape (1,)"
    ),
    "hvp a vector": (lambda: gd.hvp(lambda x: x, (X,), (X,)), NotDifferentiableError, "float64[4]"),
    "vjp integers": (
        lambda: gd.vjp(lambda x: x, np.arange(3)), NotDifferentiableError, "int64"
    ),
    "a vector as text": (lambda: gd.vjp(lambda x: x, X)[1]("a"), GradienteError, "convert"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_words(name):
    function, error, phrase = REFUSED[name]
    with pytest.raises(error) as caught:
        function()
    assert phrase in str(caught.value)
