"""Inputs of any memory layout work; they are never modified and never aliased by a result."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.trees import flatten

LAYOUTS = {
    "contiguous": lambda x: x,
    "fortran": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "strided": lambda x: np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3],
    "reversed": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    "unaligned": lambda x: np.frombuffer(b"1" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
    "read-only": lambda x: read_only(x.copy()),
    "subclass": lambda x: np.array(x).view(Special),
}  # fmt: skip
BROADCAST = np.broadcast_to(np.array([1.0, 2.0, 3.0, 4.0]), (3, 4))


class Special(np.ndarray):
    """An array of a class of the user's."""


def read_only(x):
    x.flags.writeable = False
    return x


def several(x, w):
    """Everything that could return a view, or write in place, and a few reductions."""
    return {
        "same": x,
        "reshaped": np.reshape(x, (2, 6)),
        "flat": np.ravel(x),
        "turned": x.T,
        "part": x[1:],
        "backwards": x[::-1],
        "wide": np.broadcast_to(x, (2, 3, 4)),
        "new axis": x[:, None],
        "squeezed": np.squeeze(x[:1]),
        "split": np.split(x, 2, axis=1),
        "joined": np.concatenate([x]),
        "row": x[0],
        "cast": x.astype(x.dtype),
        "copy": x.copy(),
        "stopped": gd.stop_gradient(x),
        "product": x @ w,
        "sum": np.sum(x, axis=0),
        "sorted": np.sort(x, axis=1),
        "tanh": np.tanh(x),
        "twice": (x + 1, x + 1),
        "padded": np.pad(x, 0),
        "taken": x[[0, 1, 2]],
        "picked": np.where(x > 0, x, w[0, 0]),
        "sum of products": np.einsum("ij,jk->ik", x, w),
        "put": gd.scatter_add(x, [0, 0], w.T[:, :]),
    }


def loss(x, w):
    return gd.sum(np.tanh(x @ w)) + gd.sum(x[::2] * x[1:, ::-1][:1]) + gd.sum(gd.sort(x) * x.T.T)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same(layout):
    random = np.random.default_rng(0)
    plain, w = random.normal(size=(3, 4)), random.normal(size=(4, 2))
    x = LAYOUTS[layout](plain.copy())
    np.testing.assert_array_equal(x, plain)
    for function in (several, gd.grad(loss, argnums=(0, 1)), loss):
        expected, got = flatten(function(plain, w))[0], flatten(gd.compile(function)(x, w))[0]
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-14)
            assert type(one) in (np.ndarray, np.float64)
    for one, other in zip(
        gd.grad(loss, argnums=(0, 1))(x, w), gd.grad(loss, argnums=(0, 1))(plain, w), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-14)
    np.testing.assert_array_equal(x, plain)


def test_arrays_that_repeat_in_memory_are_taken():
    w = np.ones((4, 2))
    expected = gd.grad(loss)(BROADCAST.copy(), w)
    np.testing.assert_array_equal(gd.grad(loss)(BROADCAST, w), expected)
    np.testing.assert_array_equal(gd.compile(gd.grad(loss))(BROADCAST, w), expected)


def results_and_inputs():
    random = np.random.default_rng(0)
    x, w = random.normal(size=(3, 4)), random.normal(size=(4, 2))
    one_input = lambda x: several(x, w)  # noqa: E731
    floats = lambda x: (x, x[0], x.T, x + 1)  # noqa: E731
    yield "compile", gd.compile(several)(x, w), (x, w)
    yield "closure", gd.compile(one_input)(x), (x, w)
    yield "aux", gd.grad(lambda x: (loss(x, w), several(x, w)), has_aux=True)(x), (x, w)
    yield "vjp", gd.vjp(floats, x)[0], (x,)
    yield "pullback", gd.vjp(lambda x: x, x)[1](x), (x,)
    yield "jvp", gd.jvp(floats, (x,), (x,)), (x,)
    yield "grad", gd.grad(lambda a, b: gd.sum(a * w + b * w), argnums=(0, 1))(w, w), (w,)
    yield "hvp", gd.hvp(lambda x: gd.sum(x * x) / 2, (x,), (x,)), (x,)
    yield "compiled grad", gd.compile(gd.grad(lambda a, b: gd.sum(a + b), (0, 1)))(w, w), (w,)


@pytest.mark.parametrize(
    ("results", "inputs"),
    [pytest.param(results, inputs, id=name) for name, results, inputs in results_and_inputs()],
)
def test_results_share_memory_with_nothing(results, inputs):
    """Each may be written to without changing an argument, a constant or another result."""
    leaves = [leaf for leaf in flatten(results)[0] if np.ndim(leaf)]
    assert leaves
    for place, leaf in enumerate(leaves):
        assert leaf.flags.writeable
        for other in (*inputs, *leaves[:place]):
            assert not np.shares_memory(leaf, other)


def test_writing_to_a_result_does_not_change_the_program():
    table = np.arange(3.0)

    @gd.compile
    def constants(x):
        return table, x * 0 + 1, np.ones(2)

    for _ in range(2):
        first, second, third = constants(np.zeros(2))
        np.testing.assert_array_equal(first, [0.0, 1.0, 2.0])
        np.testing.assert_array_equal(second, [1.0, 1.0])
        np.testing.assert_array_equal(third, [1.0, 1.0])
        for result in (first, second, third):
            result += 5.0
    np.testing.assert_array_equal(table, [0.0, 1.0, 2.0])


def test_arrays_of_the_surroundings_are_fixed_when_the_function_is_traced():
    table = np.arange(3.0)
    compiled = gd.compile(lambda x: x + table)
    first = compiled(np.zeros(3))
    table += 100.0
    np.testing.assert_array_equal(compiled(np.zeros(3)), first)
    _, pullback = gd.vjp(lambda x: x * table, table)
    table[:] = 0.0
    np.testing.assert_array_equal(pullback(np.ones(3))[0], [100.0, 101.0, 102.0])


ZERO_SIZE = [
    ((0,), lambda x: gd.sum(np.tanh(x))),
    ((0, 3), lambda x: gd.sum(x @ np.ones((3, 2)))),
    ((3, 0), lambda x: gd.sum(x @ np.ones((0, 2)))),
    ((2, 0), lambda x: gd.sum(np.prod(x, axis=1) - 1 + np.sum(x, axis=1))),
    ((0, 3), lambda x: gd.sum(np.max(x, axis=1) + np.argmax(x, axis=1))),
    ((0, 3), lambda x: gd.sum(gd.softmax(x) * x)),
    ((0, 2), lambda x: gd.sum(np.concatenate([x, x])[:, ::-1])),
    ((0, 2), lambda x: gd.sum(np.sort(x, axis=0) + np.cumsum(x, axis=0))),
    ((2, 0, 3), lambda x: gd.sum(np.einsum("aij,akj->aik", x, x))),
    ((0,), lambda x: gd.sum(x[:, None] * x)),
    ((0, 4), lambda x: gd.sum(np.reshape(x, (2, 0, 2)).T)),
]


@pytest.mark.parametrize(("shape", "function"), ZERO_SIZE)
@pytest.mark.parametrize("run", [lambda f: f, gd.compile])
def test_arrays_without_elements(shape, function, run):
    x = np.zeros(shape, np.float32)
    value, gradient = run(gd.value_and_grad(function))(x)
    assert value == 0.0
    assert (gradient.shape, gradient.dtype) == (shape, np.float32)


def test_the_mean_of_nothing_is_nan_without_a_warning():
    assert np.isnan(gd.compile(np.mean)(np.zeros(0)))
    assert np.isnan(gd.grad(lambda x: (x, gd.var(np.zeros(0))), has_aux=True)(1.0)[1])


def test_arrays_without_axes():
    value, gradient = gd.value_and_grad(lambda x: np.sin(x) * x)(np.array(2.0))
    assert isinstance(value, np.float64)
    assert isinstance(gradient, np.float64)
    np.testing.assert_allclose(gradient, np.cos(2.0) * 2 + np.sin(2.0))
    assert isinstance(gd.compile(lambda x: x + 1)(np.float32(1)), np.float32)
    assert gd.compile(lambda x: x[None])(np.float32(1)).shape == (1,)
