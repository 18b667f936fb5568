"""`grad` and `value_and_grad`: which arguments, which structures, and what they refuse."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import NotDifferentiableError


def quadratic(x, y, scale=1.0):
    return gd.sum(scale * x * x * y)


X, Y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
TO_X, TO_Y = 2 * X * Y, X * X


@pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, TO_X),
        (1, TO_Y),
        (-1, TO_Y),
        (-2, TO_X),
        ((0,), (TO_X,)),
        ((0, 1), (TO_X, TO_Y)),
        ((1, 0), (TO_Y, TO_X)),
        ((-1, 0), (TO_Y, TO_X)),
        ((), ()),
    ],
)
def test_argnums_choose_positional_arguments(argnums, expected, run):
    got = run(gd.grad(quadratic, argnums=argnums))(X, Y)
    if isinstance(argnums, int):
        got, expected = (got,), (expected,)
    assert isinstance(got, tuple)
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])
def test_the_value_comes_with_the_gradient(run):
    value, gradient = run(gd.value_and_grad(quadratic))(X, Y)
    assert value == np.sum(X * X * Y)
    assert isinstance(value, np.float64)
    np.testing.assert_array_equal(gradient, TO_X)


def test_keyword_arguments_are_passed_on():
    np.testing.assert_array_equal(gd.grad(quadratic)(X, Y, scale=2.0), 2 * TO_X)
    np.testing.assert_array_equal(gd.grad(quadratic)(X, y=Y), TO_X)
    np.testing.assert_array_equal(gd.compile(gd.grad(quadratic))(X, y=Y, scale=3.0), 3 * TO_X)


@pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])
def test_more_can_be_returned_beside_the_loss(run):
    def function(x):
        y = x * 2
        return gd.sum(y * y), {"y": y, "name": "doubled", "none": None, "n": 3}

    gradient, aux = run(gd.grad(function, has_aux=True))(X)
    (value, again), gradient_again = run(gd.value_and_grad(function, has_aux=True))(X)
    np.testing.assert_array_equal(gradient, 8 * X)
    np.testing.assert_array_equal(gradient_again, 8 * X)
    assert value == 4 * np.sum(X * X)
    for found in (aux, again):
        assert isinstance(found["y"], np.ndarray)
        np.testing.assert_array_equal(found["y"], 2 * X)
        assert (found["name"], found["none"], found["n"]) == ("doubled", None, 3)


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass(frozen=True)
class Layer:
    weight: Any
    parts: Any
    nothing: Any = None


@pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])
def test_the_gradient_has_the_structure_of_the_argument(run):
    tree = {
        "list": [X, (Y,)],
        "pair": Pair(np.float32([1.0, 2.0]), {"deep": 2.5}),
        "layer": Layer(np.ones((2, 2)), [], None),
        "none": None,
    }

    def loss(tree):
        pair, layer = tree["pair"], tree["layer"]
        assert tree["none"] is None
        assert isinstance(pair, Pair)
        assert isinstance(layer, Layer)
        total = gd.sum(tree["list"][0] * tree["list"][1][0]) + gd.sum(pair.a) * pair.b["deep"]
        return total + gd.sum(layer.weight @ tree["list"][0])

    g = run(gd.grad(loss))(tree)
    assert list(g) == list(tree)
    np.testing.assert_array_equal(g["list"][0], Y + 2.0)
    np.testing.assert_array_equal(g["list"][1][0], X)
    assert isinstance(g["pair"], Pair)
    np.testing.assert_array_equal(g["pair"].a, np.float32([2.5, 2.5]), strict=True)
    assert g["pair"].b["deep"] == 3.0
    assert isinstance(g["layer"], Layer)
    np.testing.assert_array_equal(g["layer"].weight, [[1.0, 2.0], [1.0, 2.0]])
    assert g["layer"].parts == []
    assert g["none"] is None
    assert g["layer"].nothing is None


def test_the_same_array_in_two_places_gets_two_gradients():
    first, second = gd.grad(lambda a, b: gd.sum(a * a * b), argnums=(0, 1))(X, X)
    np.testing.assert_array_equal(first, 2 * X * X)
    np.testing.assert_array_equal(second, X * X)


def test_python_control_flow_follows_the_values():
    def function(x):
        total = 0.0
        while total < 10:
            total = total + x * x
        if total > 11:
            return total * 2
        return total

    assert gd.grad(function)(2.0) == 24.0  # three rounds, 12 > 11: 2 · 3 · 2x
    assert gd.grad(function)(10.0**0.5) == pytest.approx(2 * 10.0**0.5)


def test_values_can_be_looked_at_while_the_gradient_is_taken(capsys):
    def function(x):
        print(x)
        print(f"{x[0]:.3f} {x[1]}")
        assert float(gd.stop_gradient(x[0])) == 1.0
        assert int(np.argmax(x)) == 1
        assert repr(x) == "Tensor(float64[2], value=[1. 2.])"
        return gd.sum(x * [10, 20][int(np.argmax(x))])

    np.testing.assert_array_equal(gd.grad(function)(X), [20.0, 20.0])
    shown = capsys.readouterr().out
    assert "Tensor(float64[2], value=[1. 2.])" in shown
    assert "1.000 Tensor(float64[], value=2.)" in shown
    gd.compile(lambda x: (print(x), x)[1])(X)
    assert "Tensor(float64[2])\n" in capsys.readouterr().out


def test_names_and_documentation_are_kept():
    assert gd.grad(quadratic).__name__ == "quadratic"
    assert gd.compile(quadratic).__name__ == "quadratic"


# -- refusals --------------------------------------------------------------------------------------

INTEGERS, LINE = np.array([1, 2]), "File "
REFUSED = {
    "integers": (lambda: gd.grad(quadratic)(INTEGERS, Y), ["int64", ".astype(float)", "argnums="]),
    "a python int": (lambda: gd.grad(lambda x: x * x)(3), ["int64", "3.0 instead of 3"]),
    "booleans": (lambda: gd.grad(quadratic)(X > 1, Y), ["bool"]),
    "text": (lambda: gd.grad(lambda x: 1.0)("word"), ["str"]),
    "a path": (lambda: gd.grad(lambda p: 1.0)({"w": X, "n": INTEGERS}), ["0.n is int64"]),
    "a vector": (
        lambda: gd.grad(lambda x: x * 2)(X),
        ["float64[2]", "mean or the sum", "jacobian"],
    ),
    "an integer": (lambda: gd.grad(lambda x: np.argmax(x))(X), ["int64[]", "floating"]),
    "nothing": (lambda: gd.grad(lambda x: None)(X), ["NoneType", "has_aux=True"]),
    "a pair": (lambda: gd.grad(lambda x: (gd.sum(x), x))(X), ["tuple", "has_aux=True"]),
    "argnums": (lambda: gd.grad(quadratic, argnums=2)(X, Y), ["argnums=2", "2 positional"]),
    "keyword": (lambda: gd.grad(quadratic)(x=X, y=Y), ["argnums=0", "0 positional"]),
    "traced integers": (
        lambda: gd.compile(lambda n: gd.grad(lambda n: gd.sum(n * 1.0))(n))(INTEGERS),
        ["int64[2]", "floating-point"],
    ),
    "text in the outputs": (lambda: gd.jacobian(lambda x: (x, "a"))(X), ["str", "only arrays"]),
    "integer outputs": (lambda: gd.jacobian(lambda x: np.argsort(x))(X), ["int64[2]"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_gradient_is_refused_in_words(name):
    function, phrases = REFUSED[name]
    with pytest.raises(NotDifferentiableError) as caught:
        function()
    for phrase in [*phrases, f'File "{__file__}", line ']:
        assert phrase in str(caught.value)


def test_aux_without_a_pair_is_refused():
    with pytest.raises(NotDifferentiableError, match=r"returns a pair \(loss, anything\)"):
        gd.grad(lambda x: gd.sum(x), has_aux=True)(X)
