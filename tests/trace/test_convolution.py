"""Convolution and pooling against PyTorch and plain loops; padding and errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradiente as gd
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.trace.convolution import padding_pairs, per_axis
from gradiente.trace.functions import m

RANDOM = np.random.default_rng(5)


def first(x):
    """Channels last to channels first."""
    return np.moveaxis(x, -1, 1)


def kernels_first(w, rank):
    """(*sizes, inputs, outputs) to (outputs, inputs, *sizes)."""
    return np.transpose(w, (rank + 1, rank, *range(rank)))


# samples, lengths, channels, kernel, outputs, strides, padding, dilations, groups
CASES = [
    (2, (9, 8), 4, (3, 2), 6, (2, 1), (1, 0), (1, 2), 2),
    (3, (11,), 3, (3,), 6, (2,), (2,), (1,), 3),
    (2, (5, 6, 7), 2, (2, 3, 2), 4, (1, 2, 1), (0, 1, 1), (1, 1, 1), 1),
    (1, (4, 4), 3, (4, 4), 1, (1, 1), (0, 0), (1, 1), 1),
    (2, (7, 9), 1, (1, 1), 5, (3, 3), (0, 0), (1, 1), 1),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_convolution_and_its_gradients_are_pytorchs(case):
    torch = pytest.importorskip("torch")
    samples, lengths, channels, sizes, outputs, strides, padding, dilations, groups = case
    rank = len(lengths)
    x = RANDOM.normal(size=(samples, *lengths, channels))
    w = RANDOM.normal(size=(*sizes, channels // groups, outputs))

    def ours(x, w):
        return m.convolution(x, w, strides, list(padding), dilations, groups)

    theirs = getattr(torch.nn.functional, f"conv{rank}d")
    tx = torch.tensor(first(x).copy(), requires_grad=True)
    tw = torch.tensor(kernels_first(w, rank).copy(), requires_grad=True)
    options = {"stride": strides, "padding": padding, "dilation": dilations, "groups": groups}
    expected = theirs(tx, tw, **options)
    value = ours(x, w)
    np.testing.assert_allclose(first(value), expected.detach().numpy(), atol=1e-12)
    g = RANDOM.normal(size=value.shape)
    expected.backward(torch.tensor(first(g).copy()))
    by_x, by_w = gd.grad(lambda x, w: np.sum(ours(x, w) * g), (0, 1))(x, w)
    np.testing.assert_allclose(first(by_x), tx.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(kernels_first(by_w, rank), tw.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("strides", "padding", "dilations", "groups", "more"),
    [(1, 0, 1, 1, 0), (2, 1, 1, 1, 1), (3, 0, 2, 2, 0), (2, 2, 1, 1, 0)],
)
def test_a_transposed_convolution_is_pytorchs(strides, padding, dilations, groups, more):
    torch = pytest.importorskip("torch")
    x, w = RANDOM.normal(size=(2, 5, 6, 4)), RANDOM.normal(size=(3, 3, 4 // groups, 6))
    # PyTorch's weight is (inputs, outputs / groups, *sizes), group after group
    grouped = w.reshape(3, 3, 4 // groups, groups, 6 // groups)
    theirs = np.transpose(grouped, (3, 2, 4, 0, 1)).reshape(4, 6 // groups, 3, 3)
    expected = torch.nn.functional.conv_transpose2d(
        *(torch.tensor(a.copy()) for a in (first(x), theirs)),
        **{"stride": strides, "padding": padding, "dilation": dilations},
        **{"groups": groups, "output_padding": more},
    )
    ours = m.transposed_convolution(x, w, strides, padding, dilations, groups, more)
    np.testing.assert_allclose(first(ours), expected.numpy(), atol=1e-12)


@given(
    st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3)
)
def test_same_padding_gives_as_many_places_as_strides_fit(length, size, stride, dilation, samples):
    x, w = np.ones((samples, length, 2)), np.ones((size, 2, 3))
    y = m.convolution(x, w, stride, "same", dilation)
    assert y.shape == (samples, -(-length // stride), 3)
    turned = m.transposed_convolution(y, np.ones((size, 3, 2)), stride, "same", dilation)
    assert turned.shape == (samples, y.shape[1] * stride, 2)


@pytest.mark.parametrize(("sizes", "strides", "padding"), [(2, None, 0), (3, 2, 1), ((3, 2), 1, 1)])
def test_pooling_is_pytorchs(sizes, strides, padding):
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=(2, 7, 8, 3)) - 5  # so that padding with zeros would win
    tx = torch.tensor(first(x).copy())
    functional = torch.nn.functional
    largest = functional.max_pool2d(tx, sizes, strides, padding)
    np.testing.assert_array_equal(first(m.max_pool(x, sizes, strides, padding)), largest.numpy())
    for counted in (False, True):
        mean = functional.avg_pool2d(tx, sizes, strides, padding, count_include_pad=counted)
        ours = m.average_pool(x, sizes, strides, padding, counted)
        np.testing.assert_allclose(first(ours), mean.numpy(), atol=1e-14)


def test_pooling_of_windows_that_overlap_has_the_gradient_of_pytorch():
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=(2, 7, 8, 3))
    tx = torch.tensor(first(x).copy(), requires_grad=True)
    torch.sum(torch.nn.functional.max_pool2d(tx, 3, 2) ** 3).backward()
    ours = gd.grad(lambda x: np.sum(m.max_pool(x, 3, 2) ** 3))(x)
    np.testing.assert_allclose(first(ours), tx.grad.numpy(), atol=1e-12)


def test_sliding_windows_are_slices():
    x = RANDOM.normal(size=(2, 9, 3))
    seen = m.sliding_windows(x, 3, 2, "valid", 2)
    assert seen.shape == (2, 3, 3, 3)
    for place in range(3):
        np.testing.assert_array_equal(seen[:, place], x[:, 2 * place : 2 * place + 5 : 2])


def test_second_derivatives():
    x, w = RANDOM.normal(size=(1, 5, 4, 2)), RANDOM.normal(size=(2, 2, 2, 3))

    def slope(w):
        return np.sum(gd.grad(lambda x: np.sum(np.tanh(m.convolution(x, w, 2, 1)) ** 2))(x) ** 2)

    assert gd.verify(slope, w)


@pytest.mark.parametrize("padding", ["valid", "same", 1, (1, 0), [(1, 2), (0, 3)]])
def test_ways_to_say_padding(padding):
    pairs = padding_pairs(padding, (6, 7), (3, 2), (1, 2), (1, 1))
    known = {"valid": [(0, 0)] * 2, "same": [(1, 1), (0, 1)], 1: [(1, 1)] * 2}
    expected = {**known, (1, 0): [(1, 1), (0, 0)]}
    assert pairs == (padding if isinstance(padding, list) else expected[padding])


@pytest.mark.parametrize("padding", ["full", -1, (1,), (1, 2, 3), [(1, 2, 3), 0], 1.5, True, None])
def test_padding_that_makes_no_sense(padding):
    with pytest.raises(InvalidArgumentError, match="'valid', 'same', a whole number"):
        padding_pairs(padding, (6, 7), (3, 2), (1, 1), (1, 1))


@pytest.mark.parametrize("given", [0, -1, 1.5, True, (1, 2, 3), "2", (1, 0)])
def test_numbers_for_axes_that_make_no_sense(given):
    with pytest.raises(InvalidArgumentError, match=r"`strides` is .* or 2 of them"):
        per_axis("strides", given, 2)


def test_errors_name_shapes_and_lines():
    def f(x, w):
        return m.convolution(x, w)

    with pytest.raises(ShapeError, match=r"a window of 3×3 .* into 2×4(?s:.)*return m.convolution"):
        gd.compile(f)(np.ones((1, 2, 4, 1)), np.ones((3, 3, 1, 1)))
    with pytest.raises(ShapeError, match=r"of 4 channels in 1 groups .* it has one for 3"):
        f(np.ones((1, 5, 5, 4)), np.ones((3, 3, 3, 1)))
    with pytest.raises(ShapeError, match=r"\(samples, \*lengths, channels\)"):
        f(np.ones((5, 5, 4)), np.ones((3, 3, 3, 1)))
    with pytest.raises(ShapeError, match="cannot be divided into 2 groups"):
        m.convolution(np.ones((1, 5, 4)), np.ones((3, 2, 3)), groups=2)
    with pytest.raises(ShapeError, match="has none there"):
        m.max_pool(np.ones((5, 4)), 2)
