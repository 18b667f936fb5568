"""`gd.scan` is the loop written out: values, gradients of any order, on both backends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradiente as gd
from gradiente.backends.registry import BACKENDS
from gradiente.base.errors import IndexRangeError, ShapeError, TreeError, TypeMismatchError
from gradiente.base.trees import flatten, map_tree

RANDOM = np.random.default_rng(6)
RUNS = {"eager": lambda f, **options: f} | {
    name: lambda f, name=name, **options: gd.compile(f, backend=name, **options)
    for name in BACKENDS
}
runs = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)


def numbers(*shape):
    return RANDOM.normal(size=shape) * 0.5


def unrolled(function, carry, xs=None, length=None, reverse=False):
    """The same loop in Python."""
    first = xs[0] if isinstance(xs, tuple) else xs
    rounds = range(length if first is None else len(first))
    results = {}
    for t in reversed(rounds) if reverse else rounds:
        x = None if first is None else tuple(x[t] for x in xs) if isinstance(xs, tuple) else xs[t]
        carry, results[t] = function(carry, x)
    return carry, np.stack([results[t] for t in rounds])


class Cells:
    """Functions to repeat, with what they are given: (carry, xs, weights)."""

    @staticmethod
    def plain(weights):
        def cell(h, x):
            h = np.tanh(h @ weights["recurrent"] + x @ weights["input"] + weights["bias"])
            return h, h * 2.0

        return cell

    @staticmethod
    def long_short(weights):
        def cell(carry, x):
            h, c = carry
            z = x @ weights["input"] + h @ weights["recurrent"] + weights["bias"]
            i, f, g, o = np.split(z, 4, axis=-1)
            c = gd.sigmoid(f) * c + gd.sigmoid(i) * np.tanh(g)
            h = gd.sigmoid(o) * np.tanh(c)
            return (h, c), h

        return cell

    @staticmethod
    def unused(weights):
        """Its carry changes places, and one result does not depend on it."""

        def cell(carry, x):
            a, b = carry
            return (b, np.sin(a) + x @ weights["input"]), x * 2.0

        return cell


def plain(rows=4, length=5, inputs=3, units=6):
    weights = {
        "recurrent": numbers(units, units),
        "input": numbers(inputs, units),
        "bias": numbers(units),
    }
    return Cells.plain, weights, numbers(rows, units), numbers(length, rows, inputs)


def long_short(rows=4, length=5, inputs=3, units=6):
    weights = {
        "recurrent": numbers(units, 4 * units),
        "input": numbers(inputs, 4 * units),
        "bias": numbers(4 * units),
    }
    carry = (numbers(rows, units), numbers(rows, units))
    return Cells.long_short, weights, carry, numbers(length, rows, inputs)


def unused(rows=4, length=5, inputs=3, units=6):
    carry = (numbers(rows, units), numbers(rows, units))
    return Cells.unused, {"input": numbers(inputs, units)}, carry, numbers(length, rows, inputs)


CASES = {
    "plain": plain(),
    "plain rows": plain(rows=16),
    "one round": plain(length=1),
    "long short": long_short(),
    "long short rows": long_short(rows=24, units=17),
    "one row": long_short(rows=1),
    "unused": unused(),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def loss(loop, cell, **options):
    """A number that every result of a loop has a part in."""

    def function(weights, carry, xs):
        last, ys = loop(cell(weights), carry, xs, **options)
        last = last if isinstance(last, tuple) else (last,)
        return np.mean(ys**2) + sum(np.sum(part * 0.3) for part in last)

    return function


def assert_equal_trees(got, expected, rtol=1e-11):
    got, expected = flatten(got)[0], flatten(expected)[0]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)


@runs
@cases
@pytest.mark.parametrize("reverse", [False, True])
def test_it_is_the_loop_written_out(run, case, reverse):
    cell, weights, carry, xs = case
    function = lambda w, c, x: gd.scan(cell(w), c, x, reverse=reverse)  # noqa: E731
    expected = unrolled(cell(weights), carry, xs, reverse=reverse)
    assert_equal_trees(run(function)(weights, carry, xs), expected)


@runs
@cases
@pytest.mark.parametrize("options", [{}, {"reverse": True}, {"recompute": True}], ids=str)
def test_its_gradients_are_those_of_the_loop_written_out(run, case, options):
    cell, *arguments = case
    plain = {key: value for key, value in options.items() if key != "recompute"}
    expected = gd.grad(loss(unrolled, cell, **plain), (0, 1, 2))(*arguments)
    got = run(gd.grad(loss(gd.scan, cell, **options), (0, 1, 2)))(*arguments)
    assert_equal_trees(got, expected)


@runs
@cases
@pytest.mark.parametrize("place", [0, 1, 2])
def test_gradients_by_one_argument_alone(run, case, place):
    cell, *arguments = case
    expected = gd.grad(loss(unrolled, cell), place)(*arguments)
    assert_equal_trees(run(gd.grad(loss(gd.scan, cell), place))(*arguments), expected)


@runs
@pytest.mark.parametrize("name", ["plain", "long short rows", "unused"])
def test_second_order(run, name):
    cell, *arguments = CASES[name]

    def size_of_gradient(function):
        def size(*arguments):
            gradients = flatten(gd.grad(function, (0, 2))(*arguments))[0]
            return sum(np.sum(gradient**2) for gradient in gradients)

        return size

    expected = gd.grad(size_of_gradient(loss(unrolled, cell)), (0, 1, 2))(*arguments)
    got = run(gd.grad(size_of_gradient(loss(gd.scan, cell)), (0, 1, 2)))(*arguments)
    assert_equal_trees(got, expected, rtol=1e-9)


@runs
def test_without_sequences_it_needs_a_length(run):
    halves = run(lambda x: gd.scan(lambda c, _: (c / 2, c), x, length=4))
    last, all_of_them = halves(np.array([16.0, 8.0]))
    np.testing.assert_array_equal(last, [1.0, 0.5])
    np.testing.assert_array_equal(all_of_them, [[16, 8], [8, 4], [4, 2], [2, 1]])
    with pytest.raises(ShapeError, match="length="):
        gd.scan(lambda c, _: (c, None), np.ones(3))


@runs
def test_results_are_optional_and_trees(run):
    _, ys = run(lambda x: gd.scan(lambda c, x: (c + x, None), np.zeros(2), x))(numbers(3, 2))
    assert ys is None
    tree = run(lambda x: gd.scan(lambda c, x: (c, {"a": x, "b": (c, x * c)}), np.ones(2), x))
    x = numbers(3, 2)
    _, ys = tree(x)
    np.testing.assert_allclose(ys["a"], x)
    np.testing.assert_allclose(ys["b"][0], np.ones((3, 2)))
    np.testing.assert_allclose(ys["b"][1], x)


@runs
def test_no_rounds_at_all(run):
    last, ys = run(lambda c, x: gd.scan(lambda c, x: (c + x, c), c, x))(numbers(3), numbers(0, 3))
    assert last.shape == (3,) and ys.shape == (0, 3)


@runs
def test_integers_and_booleans_go_in(run):
    table, x = numbers(5, 2), RANDOM.integers(0, 5, (7, 3))
    keep = RANDOM.integers(0, 2, (7, 3)).astype(bool)

    def total(table, x, keep):
        step = lambda c, xs: (np.where(xs[1][:, None], c + table[xs[0]], c), None)  # noqa: E731
        return np.sum(gd.scan(step, np.zeros((3, 2)), (x, keep))[0] ** 2)

    def plain(table, x, keep):
        c = np.zeros((3, 2))
        for place, kept in zip(x, keep, strict=True):
            c = np.where(kept[:, None], c + table[place], c)
        return np.sum(c**2)

    expected = gd.value_and_grad(plain)(table, x, keep)
    assert_equal_trees(run(gd.value_and_grad(total))(table, x, keep), expected)


@runs
def test_a_loop_in_a_loop(run):
    weight, x = numbers(3, 3), numbers(4, 2, 8, 3)

    def inner(weight, h, xs):
        return gd.scan(lambda h, x: (np.tanh(h @ weight + x), h), h, xs)

    def nested(weight, x):
        outer = lambda h, xs: (inner(weight, h, xs)[0], inner(weight, h, xs)[1][0])  # noqa: E731
        return np.sum(gd.scan(outer, np.zeros((8, 3)), x)[0] ** 2)

    def plain(weight, x):
        h = np.zeros((8, 3))
        for xs in x:
            for one in xs:
                h = np.tanh(h @ weight + one)
        return np.sum(h**2)

    expected = gd.value_and_grad(plain, (0, 1))(weight, x)
    assert_equal_trees(run(gd.value_and_grad(nested, (0, 1)))(weight, x), expected)


@pytest.mark.parametrize("rows", [8, 32, 33])
def test_threads_do_not_change_the_bits(rows):
    cell, *arguments = long_short(rows=rows, length=9, inputs=5, units=64)
    arguments = map_tree(lambda x: x.astype(np.float32), arguments)
    function = gd.grad(loss(gd.scan, cell), (0, 1, 2))
    results = [
        flatten(gd.compile(function, backend="native", threads=threads)(*arguments))[0]
        for threads in (1, 2, 3, 7)
    ]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@given(
    rows=st.sampled_from([1, 3, 8, 16]),
    length=st.integers(1, 6),
    inputs=st.integers(1, 5),
    units=st.integers(1, 9),
    reverse=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_any_size(rows, length, inputs, units, reverse):
    cell, *arguments = plain(rows, length, inputs, units)
    expected = gd.grad(loss(unrolled, cell, reverse=reverse), (0, 1, 2))(*arguments)
    function = gd.compile(gd.grad(loss(gd.scan, cell, reverse=reverse), (0, 1, 2)))
    assert_equal_trees(function(*arguments), expected)


def test_indices_in_a_loop_are_checked():
    take = gd.compile(lambda t, x: gd.scan(lambda c, i: (c + t[i], None), np.zeros(2), x)[0])
    with pytest.raises(IndexRangeError):
        take(numbers(4, 2), np.array([1, 4, 0]))


def test_what_it_does_not_take():
    x = numbers(3, 2)
    with pytest.raises(ShapeError, match="one length"):
        gd.scan(lambda c, x: (c, None), np.zeros(2), (x, numbers(4, 2)))
    with pytest.raises(TreeError, match="pair"):
        gd.scan(lambda c, x: c, np.zeros(2), x)
    with pytest.raises(TreeError, match="structure"):
        gd.scan(lambda c, x: ((c, c), None), np.zeros(2), x)
    with pytest.raises(TreeError, match="before a round"):
        gd.scan(lambda c, x: (np.concatenate([c, x]), None), np.zeros(2), x)
    with pytest.raises(TypeMismatchError, match="one data type"):
        gd.scan(lambda c, x: (c, np.sum(x > 0)), np.zeros(2), x)
