"""Shapes of all kinds, drawn at random: broadcasting, reshaping, slicing, indexing, products."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import gradiente as gd

settings.register_profile("laws", max_examples=60, deadline=None, derandomize=True, database=None)
settings.load_profile("laws")

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def numbers(shape, seed=0):
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


@pytest.fixture(scope="session")
def same(equal_to_rounding):
    """NumPy's value, compiled by every backend and on Tensors, and the gradient of a weighted sum.

    The reference backend gives every bit of the value on Tensors.
    """

    def check(function, *arrays):
        expected = np.asarray(function(*arrays))
        value, pullback = gd.vjp(function, *arrays)
        equal_to_rounding(gd.compile(function, backend="numpy")(*arrays), value, units=0)
        for got in (value, gd.compile(function, backend="native")(*arrays)):
            equal_to_rounding(got, expected, terms=function(*map(np.abs, arrays)), units=16)
        return pullback(numbers(expected.shape, 9)), numbers(expected.shape, 9)

    return check


def transposed(function, arrays, gradients, weight):
    """For functions linear in each argument: weight · f(x + d) - weight · f(x) = gradient · d."""
    for place, gradient in enumerate(gradients):
        moved = list(arrays)
        moved[place] = arrays[place] + numbers(arrays[place].shape, 5)
        difference = np.sum(weight * (function(*moved) - function(*arrays)))
        slope = np.sum(gradient * numbers(arrays[place].shape, 5))
        np.testing.assert_allclose(slope, difference, rtol=1e-9, atol=1e-9)


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, min_side=0, max_side=3))
def test_broadcasting(same, shapes):
    arrays = [numbers(shape, i) for i, shape in enumerate(shapes.input_shapes)]
    function = lambda a, b, c: a * b + c  # noqa: E731
    gradients, weight = same(function, *arrays)
    assert [g.shape for g in gradients] == list(shapes.input_shapes)
    transposed(function, arrays, gradients, weight)


@given(
    hnp.mutually_broadcastable_shapes(signature="(m?,n),(n,p?)->(m?,p?)", max_side=3, max_dims=2)
)
def test_matrix_products(same, shapes):
    arrays = [numbers(shape, i) for i, shape in enumerate(shapes.input_shapes)]
    function = lambda a, b: a @ b  # noqa: E731
    gradients, weight = same(function, *arrays)
    transposed(function, arrays, gradients, weight)


@given(SHAPES, st.data())
def test_reshaping_and_transposing(same, shape, data):
    size = int(np.prod(shape))
    divisors = [n for n in range(1, max(size, 1) + 1) if size % n == 0] or [1]
    rows = data.draw(st.sampled_from(divisors))
    wanted = data.draw(st.permutations([rows, -1] if size else [0, 3]))
    order = data.draw(st.permutations(range(len(shape))))
    function = lambda x: np.reshape(np.transpose(x, order), wanted)  # noqa: E731
    x = numbers(shape)
    (gradient,), weight = same(function, x)
    back = np.transpose(np.reshape(weight, np.transpose(x, order).shape), np.argsort(order))
    np.testing.assert_array_equal(gradient, back.reshape(shape))


@given(SHAPES, st.data())
def test_basic_indexing(same, shape, data):
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    x = numbers(shape)
    (gradient,), weight = same(lambda x: x[index], x)
    expected = np.zeros(shape)
    expected[index] = weight
    np.testing.assert_array_equal(gradient, expected)


@st.composite
def mixed_indices(draw):
    """Slices, integers, new axes and integer arrays in any order."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    frame = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=3))
    index = []
    for length in shape:
        integer = st.integers(-length, length - 1)
        one_sized = draw(st.booleans())
        array_shape = tuple(1 if one_sized else n for n in frame)
        array = hnp.arrays(np.int64, array_shape, elements=integer)
        index.append(draw(st.one_of(integer, array, st.slices(length), array)))
        if draw(st.integers(0, 4)) == 0:
            index.append(None)
    stop = draw(st.integers(1, len(index)))
    tail = [Ellipsis] if draw(st.booleans()) else []
    return shape, (*index[:stop], *tail)


@given(mixed_indices())
def test_advanced_indexing(same, drawn):
    shape, index = drawn
    x = numbers(shape)
    (gradient,), weight = same(lambda x: x[index], x)
    expected = np.zeros(shape)
    np.add.at(expected, index, weight)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


@given(mixed_indices())
def test_advanced_indexing_with_traced_indices(drawn):
    shape, index = drawn
    x = numbers(shape)
    arrays = [item for item in index if isinstance(item, np.ndarray)]

    def chosen(x, arrays):
        rest = iter(arrays)
        return x[tuple(next(rest) if isinstance(item, np.ndarray) else item for item in index)]

    np.testing.assert_array_equal(gd.compile(chosen)(x, arrays), x[index], strict=True)


@given(SHAPES, st.data())
def test_reductions(same, shape, data):
    axes = st.sets(st.integers(-len(shape), len(shape) - 1) if shape else st.nothing())
    chosen = data.draw(axes)
    if len({axis % len(shape) for axis in chosen}) < len(chosen):
        chosen = {axis for axis in chosen if axis >= 0}
    axis = data.draw(st.sampled_from([None, tuple(chosen)]))
    keepdims = data.draw(st.booleans())
    x = numbers(shape)
    function = lambda x: np.sum(x, axis=axis, keepdims=keepdims)  # noqa: E731
    gradients, weight = same(function, x)
    transposed(function, [x], gradients, weight)
    product = lambda x: np.prod(x, axis=axis, keepdims=keepdims)  # noqa: E731
    same(product, x)
    if x.size:
        same(lambda x: np.max(x, axis=axis, keepdims=keepdims), x)
        same(lambda x: np.var(x, axis=axis, keepdims=keepdims), x)


@st.composite
def einsums(draw):
    """Subscripts of up to three arrays, with diagonals, lengths of 1 and any result."""
    letters = "abcd"
    lengths = {c: draw(st.integers(1, 3)) for c in letters}
    words = draw(st.lists(st.text(letters, min_size=0, max_size=3), min_size=1, max_size=3))
    present = sorted(set("".join(words)))
    result = draw(st.permutations(present)) if present else []
    kept = "".join(result[: draw(st.integers(0, len(result)))])
    implicit = draw(st.integers(0, 3)) == 0
    subscripts = ",".join(words) + ("" if implicit else "->" + kept)
    return subscripts, [tuple(lengths[c] for c in word) for word in words]


@given(einsums())
def test_einsum(same, drawn):
    subscripts, shapes = drawn
    arrays = [numbers(shape, i) for i, shape in enumerate(shapes)]
    function = lambda *arrays: np.einsum(subscripts, *arrays)  # noqa: E731
    gradients, weight = same(function, *arrays)
    transposed(function, arrays, gradients, weight)


@given(SHAPES.filter(len), st.data())
def test_joining_rolling_and_padding(same, shape, data):
    x = numbers(shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    shift = data.draw(st.integers(-5, 5))
    before, after = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    for function in (
        lambda x: np.concatenate([x, 2 * x, x], axis=axis),
        lambda x: np.stack([x, x], axis=axis),
        lambda x: np.roll(x, shift, axis),
        lambda x: np.pad(x, (before, after)),
        lambda x: np.repeat(x, before, axis=axis),
        lambda x: np.tile(x, (after, 2)),
        lambda x: np.flip(x, axis),
        lambda x: np.cumsum(x, axis=axis),
        lambda x: np.take(x, np.arange(x.shape[axis])[::-1], axis=axis),
        lambda x: np.moveaxis(x, axis, 0),
    ):
        gradients, weight = same(function, x)
        transposed(function, [x], gradients, weight)


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("width", [(0, 0), (1, 2), (5, 7)])
def test_padding_by_repetition(same, mode, width):
    x = numbers((3, 2))
    function = lambda x: np.pad(x, width, mode=mode)  # noqa: E731
    gradients, weight = same(function, x)
    transposed(function, [x], gradients, weight)
