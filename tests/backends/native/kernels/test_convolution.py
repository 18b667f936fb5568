"""Convolution kernels: every way to cut them, the same bits for any number of threads."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.native import program
from gradiente.backends.native.kernels import convolution
from gradiente.trace.functions import m

# samples, lengths, channels, kernel, outputs, strides, padding, dilations, groups
SHAPES = {
    "tiles and what is left": (3, (13, 11), 5, (3, 3), 67, 1, 1, 1, 1),
    "one channel": (4, (9, 8), 1, (5, 5), 32, 1, 2, 1, 1),
    "one output": (4, (9, 8), 6, (3, 3), 1, 1, 1, 1, 1),
    "one place": (9, (3, 3), 6, (3, 3), 20, 1, 0, 1, 1),
    "strides": (2, (9, 8), 6, (3, 2), 20, (2, 3), 1, 1, 1),
    "dilations": (2, (9, 8), 6, (3, 2), 20, 1, 1, (2, 1), 1),
    "groups": (2, (9, 8), 6, (3, 2), 20, 1, 1, 1, 2),
    "depthwise": (2, (9, 8), 19, (3, 3), 19, 1, 1, 1, 19),
    "two for each": (2, (9, 8), 5, (3, 3), 10, 2, 1, 1, 5),
    "one axis": (3, (21,), 4, (4,), 18, 1, 2, 1, 1),
    "three axes": (2, (4, 5, 6), 3, (2, 3, 2), 17, 1, 1, 1, 1),
    "size one": (2, (5, 6), 33, (1, 1), 16, 1, 0, 1, 1),
}


def step_and_arguments(name, dtype):
    samples, lengths, channels, sizes, outputs, strides, padding, dilations, groups = SHAPES[name]
    random = np.random.default_rng(1)
    x = random.normal(size=(samples, *lengths, channels)).astype(dtype)
    w = random.normal(size=(*sizes, channels // groups, outputs)).astype(dtype)
    b = random.normal(size=outputs).astype(dtype)

    def loss(x, w, b):
        y = m.convolution(x, w, strides, padding, dilations, groups) + b
        return np.mean(np.tanh(y) ** 2)

    return gd.value_and_grad(loss, (0, 1, 2)), (x, w, b)


def flat(result):
    return [np.asarray(result[0]), *result[1]]


@pytest.mark.parametrize("long", [convolution.LONG, 10])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SHAPES)
def test_values_and_gradients_are_numpys_and_do_not_depend_on_threads(
    name, dtype, long, monkeypatch
):
    monkeypatch.setattr(convolution, "LONG", long)
    monkeypatch.setattr(program, "SHARED_KERNEL", 0.0)
    step, arguments = step_and_arguments(name, dtype)
    expected = flat(gd.compile(step, backend="numpy")(*arguments))
    alone = flat(gd.compile(step, backend="native", threads=1)(*arguments))
    for ours, numpys in zip(alone, expected, strict=True):
        assert ours.dtype == numpys.dtype
        size = np.max(np.abs(numpys))
        tolerance = {np.float32: 2e-5, np.float64: 1e-13}[dtype]
        np.testing.assert_allclose(ours, numpys, rtol=0, atol=tolerance * size)
    for threads in (2, 3, 7):
        shared = flat(gd.compile(step, backend="native", threads=threads)(*arguments))
        assert all(np.array_equal(a, b) for a, b in zip(alone, shared, strict=True))


@pytest.mark.usefixtures("every_improvement")
def test_what_follows_a_convolution_is_computed_in_its_kernel(capsys):
    _, arguments = step_and_arguments("strides", np.float32)

    def forward(x, w, b):
        return np.maximum(m.convolution(x, w, 2) + b, 0)

    gd.show(gd.compile(forward, backend="native"), *arguments, stage="llvm")
    text = capsys.readouterr().out
    assert text.count("define void @convolution_add") == 1
    assert "@add" not in text
    assert "@maximum" not in text


def test_layers_of_no_samples_have_no_values():
    x, w = np.ones((0, 4, 4, 2), np.float32), np.ones((2, 2, 2, 3), np.float32)
    assert gd.compile(m.convolution, backend="native")(x, w).shape == (0, 3, 3, 3)
