"""Views say where elements lie, exactly as NumPy's strides do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

import gradiente as gd
from gradiente.backends.native.memory.layout import View, contiguous, view_through, whole
from gradiente.base.trees import flatten
from gradiente.graph.graph import Graph
from gradiente.trace.trace import slot_of, trace


def graph_of(function, x) -> Graph:
    structure = flatten(((x,), {}))[1]
    return trace(function, structure, [slot_of(x)], ["x"]).graph


def seen(view: View, data: np.ndarray) -> np.ndarray:
    """What the view shows of a buffer."""
    strides = tuple(s * data.itemsize for s in view.strides)
    return as_strided(data.reshape(-1)[view.offset :], view.shape, strides)


def looked(function, x) -> View | None:
    """The view that is the result of a chain of shape operations."""
    graph = graph_of(function, x)
    views: dict = {}
    for node in graph.nodes:
        if node.operation is None:
            views[node] = whole(node)
            continue
        inner = views[node.inputs[0]]
        views[node] = None if inner is None else view_through(node, inner)
    return views[graph.outputs[0]]


def test_every_shape_operation_that_needs_no_copy_is_a_view():
    x = np.arange(24.0).reshape(2, 3, 4)
    chains = [
        lambda x: x.T,
        lambda x: x[1:, ::2, 1:3],
        lambda x: x[::-1, :, ::-1],
        lambda x: np.broadcast_to(x[:, :1], (5, 2, 3, 4)),
        lambda x: x.reshape(6, 4).T.reshape(2, 2, 6),
        lambda x: np.flip(x.T[1:], 0).reshape(3, 3, 1, 2),
        lambda x: x[0, 1].reshape(2, 2).T[::-1],
    ]
    for chain in chains:
        view = looked(chain, x)
        assert view is not None
        np.testing.assert_array_equal(seen(view, x), chain(x))


def test_a_reshape_of_scattered_elements_is_no_view():
    assert looked(lambda x: x.T.reshape(24), np.zeros((2, 3, 4))) is None
    assert looked(lambda x: x[:, ::2].reshape(-1), np.zeros((3, 5))) is None


@pytest.mark.parametrize(
    ("shape", "axes", "wide"),
    [
        ((5, 4, 6, 32), (0, 2, 1, 3), (5, 6, 128)),  # heads of attention put together again
        ((96, 40), (1, 0), (30, 128)),  # rows of the input end within those of the result
        ((3, 128, 2, 5), (3, 0, 2, 1), (5, 6, 128)),
        ((7, 3, 256), (1, 0, 2), (3, 7 * 256)),
    ],
)
def test_scattered_elements_are_moved_into_rows_with_room_between_them(shape, axes, wide):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    w = np.random.default_rng(1).normal(size=(wide[-1], 3)).astype(np.float32)

    def function(x, w):
        return np.reshape(np.transpose(x + 1, axes), wide) @ w

    got = gd.compile(function, "native")(x, w)
    np.testing.assert_allclose(got, function(x, w), rtol=1e-4, atol=1e-4)


@st.composite
def divided(draw, size: int) -> tuple[int, ...]:
    shape = []
    while size > 1:
        factor = draw(st.sampled_from([f for f in range(2, size + 1) if size % f == 0]))
        shape.append(factor)
        size //= factor
    for _ in range(draw(st.integers(0, 2))):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    return tuple(shape)


@given(st.data(), st.sampled_from([1, 6, 12, 24, 36]))
def test_reshaping_agrees_with_numpy_on_what_needs_a_copy(data, size):
    old, new = data.draw(divided(size)), data.draw(divided(size))
    axes = data.draw(st.permutations(range(len(old))))
    x = np.arange(float(size)).reshape(old)
    view = looked(lambda x: np.transpose(x, axes).reshape(new), x)
    turned = np.transpose(x, axes)
    assert (view is not None) == np.shares_memory(turned, turned.reshape(new))
    if view is not None:
        np.testing.assert_array_equal(seen(view, x), turned.reshape(new))


def test_contiguity_ignores_axes_of_length_one():
    node = graph_of(lambda x: x, np.zeros((3, 1, 4))).inputs[0]
    view = View(node, np.dtype(float), (3, 1, 4), (4, 0, 1))
    assert view.is_contiguous
    assert not View(node, np.dtype(float), (3, 4), (1, 3)).is_contiguous
    assert contiguous((2, 3, 4)) == (12, 4, 1)
