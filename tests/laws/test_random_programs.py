"""Programs drawn at random: whatever is fused, ordered and overwritten, the values are NumPy's.

Each is a chain of many small steps on a few arrays, with results used again and again; the shapes
include lengths of 1, and as many rows as columns.
"""

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.compile import improved
from gradiente.backends.native import program as native
from gradiente.backends.native.run import NativeProgram, NativeSteps
from gradiente.backends.registry import backend_named
from gradiente.base.trees import flatten
from gradiente.graph.graph import Graph
from gradiente.trace.trace import input_names, slot_of, trace

SHAPES = [(5, 5), (5, 1), (1, 5), (5,), (1,), (), (3, 5), (2, 3, 5), (1, 1), (17, 17), (2, 1, 3)]
LARGEST = 700  # elements of a value
NUMPY = backend_named("numpy")


def graph_of(function, *args) -> Graph:
    leaves, structure = flatten((args, {}))
    names = input_names(function, args, {})
    return improved(trace(function, structure, [slot_of(x) for x in leaves], names).graph)


class Drawn:
    """Steps drawn one after the other; each takes some of the values there are and adds one."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.values: list = []

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return int(self.random.integers(low, high + 1))

    def one(self, *choices):
        """One of the choices."""
        return choices[self.number(0, len(choices) - 1)]

    def value(self):
        """One of the values, more often a late one."""
        count = len(self.values)
        return self.values[max(self.number(0, count - 1), self.number(0, count - 1))]

    def draw(self, values: list, steps: int) -> list:
        """The given values, and those of all steps."""
        self.values = list(values)
        kinds = (self.unary, self.binary, self.binary, self.look, self.reduction, self.row)
        for _ in range(steps):
            self.values.append(self.one(*kinds, self.product, self.moved, self.chosen)())
        return self.values

    def unary(self):
        x = self.value()
        functions = (np.tanh, np.sin, gd.sigmoid, np.abs, np.negative, lambda x: np.exp(-x * x))
        return self.one(*functions)(x)

    def binary(self):
        a, b = self.fitting()
        c = self.number(1, 3) * 0.37
        return self.one(
            lambda: a + b,
            lambda: a - c * b,
            lambda: np.tanh(a * b),
            lambda: np.maximum(a, b),
            lambda: gd.where(a > 0.1234, a, b),
            lambda: a / (1.5 + np.abs(b)),
        )()

    def fitting(self):
        """Two values whose shapes broadcast to one that is not too large."""
        a = self.value()
        for _ in range(20):
            b = self.value()
            try:
                shape = np.broadcast_shapes(a.shape, b.shape)
            except ValueError:
                continue
            if np.prod(shape) <= LARGEST:
                return a, b
        return a, a

    def look(self):
        """Another view of a value."""
        x = self.value()
        axes = tuple(int(axis) for axis in self.random.permutation(x.ndim))
        return self.one(
            lambda: np.transpose(x, axes),
            lambda: np.reshape(x, (-1,)),
            lambda: np.reshape(x, (1, *x.shape)) if x.ndim < 4 else x,
            lambda: np.reshape(np.transpose(x, axes), x.shape),
            lambda: x[self.slices(x)],
            lambda: np.flip(x, axes[:1]) if x.ndim else x,
            lambda: np.broadcast_to(x, (2, *x.shape)) if x.size * 2 < LARGEST and x.ndim < 4 else x,
            lambda: x[..., None] if x.ndim < 4 else x[0],
        )()

    def slices(self, x):
        def piece(length):
            if self.number(0, 2):
                return slice(None)
            start = self.number(0, length - 1)
            return slice(start, self.number(start + 1, length), self.number(1, 2))

        return tuple(piece(length) for length in x.shape)

    def reduction(self):
        x = self.value()
        count = self.number(0, x.ndim)
        axes = tuple(sorted(int(axis) for axis in self.random.permutation(x.ndim)[:count]))
        function = self.one(np.sum, np.mean, np.max, np.min, np.var)
        result = function(x, axis=axes, keepdims=bool(self.number(0, 1)))
        return result * 0.2 if function is np.sum else result

    def row(self):
        """What a softmax is made of, along the last axis or another."""
        x = self.value()
        if x.ndim == 0:
            return np.cos(x)
        axis = self.number(0, x.ndim - 1) if self.number(0, 2) == 0 else -1
        shifted = x - np.max(x, axis=axis, keepdims=True)
        return self.one(
            lambda: gd.softmax(x, axis=axis),
            lambda: gd.log_softmax(x, axis=axis) * 0.3,
            lambda: shifted / (1 + np.sum(shifted * shifted, axis=axis, keepdims=True)),
            lambda: np.tanh(np.cumsum(x, axis=axis)),
            lambda: np.sort(x, axis=axis),
        )()

    def product(self):
        a, b = self.value(), self.value()
        if a.ndim == 0 or b.ndim == 0:
            return a * b * 0.1
        a = a if a.shape[-1] <= 40 else a[..., :40]
        if b.ndim > 1 and b.shape[-2] == a.shape[-1] and a.ndim == 2:
            return np.tanh(a @ b) if a.shape[0] * b.size <= LARGEST * 10 else a
        if a.ndim > 1 and a.shape[-2] <= 40:
            return np.tanh(np.swapaxes(a, -1, -2) @ a * 0.3)
        return np.tanh(a @ np.swapaxes(a, 0, -1) * 0.3)

    def moved(self):
        x = self.value()
        if x.ndim == 0 or x.size * 2 > LARGEST:
            return x * 0.5
        axis = self.number(0, x.ndim - 1)
        return self.one(
            lambda: np.concatenate([x, x * 2.0], axis=axis),
            lambda: np.pad(x, [(1, 0)] * x.ndim) if x.ndim < 3 else x - 1.0,
            lambda: np.roll(x, 1, axis),
            lambda: np.stack([x, -x], axis=axis) if x.ndim < 4 else -x,
        )()

    def chosen(self):
        """Elements at indices that repeat, or numbers added up at such places."""
        x = self.value()
        if x.ndim == 0:
            return x + 0.25
        indices = self.random.integers(0, x.shape[0], self.number(1, x.shape[0]))
        if self.number(0, 1):
            return x[indices]
        return np.tanh(gd.scatter_add(x, indices, x[: len(indices)]))


def close(ours, numpys):
    for got, expected in zip(ours, numpys, strict=True):
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        size = np.max(np.abs(expected), initial=1.0)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11 * size)


def inputs(seed: int, count: int = 4) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = [SHAPES[int(place)] for place in random.permutation(len(SHAPES))[:count]]
    return [np.asarray(random.normal(size=shape)) for shape in shapes]


@pytest.mark.parametrize("seed", range(25))
def test_a_program(seed, monkeypatch):
    """All values, or only the last few, so that there is more to be fused."""
    arrays, drawn = inputs(seed), Drawn(seed)
    results = slice(None) if seed % 3 == 0 else slice(-4, None)
    graph = graph_of(lambda *given: tuple(drawn.draw(given, 30)[results]), *arrays)
    expected = NUMPY.program(graph, None)(arrays)
    close(NativeProgram(graph)(arrays), expected)
    monkeypatch.setattr(native, "SHARED_KERNEL", 0.0)
    close(NativeProgram(graph, threads=3)(arrays), expected)


@pytest.mark.parametrize("seed", range(25))
def test_a_state(seed, monkeypatch):
    """Steps whose state is made of the old one in all ways, over batches of rows."""
    state, drawn = inputs(seed), Drawn(seed)
    data = [np.random.default_rng(seed).normal(size=(9, 5)), np.arange(27.0).reshape(9, 3) / 30]
    order = np.random.default_rng(seed).integers(0, 9, (3, 4))

    def step(state, batch):
        values = drawn.draw([*state, *batch], 25)
        return [_in_shape(drawn, old.shape, values) for old in state]

    graph = graph_of(step, state, [column[order[0]] for column in data])
    expected = NUMPY.steps(graph, len(state), 4, None)(state, data, order)
    for threads in (1, 3):
        arrays = [np.array(array) for array in state]
        close(NativeSteps(graph, len(state), 4, threads)(arrays, data, order), expected)
        monkeypatch.setattr(native, "SHARED_KERNEL", 0.0)


def _in_shape(drawn, shape, values):
    """A value of this shape, made of one of them if none has it; or an old one in its place."""
    fitting = [value for value in values if value.shape == shape]
    if drawn.number(0, 3):
        return fitting[drawn.number(0, len(fitting) - 1)]
    other = drawn.value()
    return fitting[-1] * 0.9 + np.mean(other)
