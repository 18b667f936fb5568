"""Derivatives inside derivatives, inside compiled functions, and around both."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import GradienteError

RUNS = pytest.mark.parametrize("run", [lambda f: f, gd.compile], ids=["eager", "compiled"])


@RUNS
def test_derivatives_of_any_order(run):
    function = lambda x: x**5 + np.sin(x)  # noqa: E731
    expected = [5 * 16 + np.cos(2), 20 * 8 - np.sin(2), 60 * 4 - np.cos(2), 120 * 2 + np.sin(2)]
    for value in expected:
        function = gd.grad(function)
        np.testing.assert_allclose(run(function)(2.0), value, rtol=1e-12)


@RUNS
def test_perturbations_are_not_confused(run):
    """d/dx (x · d/dy (x + y)) is 1; a confused implementation says 2 (Siskind and Pearlmutter)."""
    inner = lambda x: gd.grad(lambda y: x + y)(1.0)  # noqa: E731
    assert run(gd.grad(lambda x: x * inner(x)))(1.0) == 1.0


@RUNS
@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: gd.grad(lambda y: x * y)(3.0), 2.0, 1.0),
        (lambda x: gd.grad(lambda y: x * x * y * y)(3.0), 2.0, 24.0),
        (lambda x: x * gd.grad(lambda y: x * y * y)(x), 2.0, 24.0),
        (lambda x: gd.grad(lambda y: gd.grad(lambda z: x * y * z)(1.0))(1.0), 2.0, 1.0),
        (lambda x: gd.value_and_grad(lambda y: x * y)(3.0)[0], 2.0, 3.0),
        (lambda x: gd.jvp(lambda y: x * y * y, (3.0,), (1.0,))[1], 2.0, 6.0),
        (lambda x: gd.jvp(lambda y: y * y, (3.0,), (x,))[1], 2.0, 6.0),
        (lambda x: gd.vjp(lambda y: x * y * y, 3.0)[1](1.0)[0], 2.0, 6.0),
        (lambda x: gd.vjp(lambda y: y * y, 3.0)[1](x)[0], 2.0, 6.0),
        (lambda x: gd.hvp(lambda y: x * y**3, (3.0,), (1.0,))[0], 2.0, 18.0),
        (lambda x: gd.jacobian(lambda y: x * y * np.ones(2))(3.0)[1], 2.0, 1.0),
        (lambda x: gd.hessian(lambda y: x * y**3)(3.0), 2.0, 18.0),
        (lambda x: gd.grad(lambda y: y * y)(x), 2.0, 2.0),
        (lambda x: gd.grad(lambda y: (y * x, y * x), has_aux=True)(1.0)[1], 2.0, 1.0),
    ],
)
def test_closures_over_outer_values_are_differentiated(function, x, expected, run):
    np.testing.assert_allclose(run(gd.grad(function))(x), expected, rtol=1e-12)


def test_inner_derivatives_that_use_nothing_outside_are_plain_numbers():
    def function(x):
        slope = gd.grad(lambda y: y * y)(3.0)
        assert isinstance(slope, np.float64)
        return x * slope

    assert gd.grad(function)(1.0) == 6.0
    assert gd.compile(function)(2.0) == 12.0


@RUNS
def test_a_function_compiled_inside_another_is_part_of_it(run):
    inner = gd.compile(lambda x: x * x * x)
    assert run(gd.grad(lambda x: inner(x) * 2.0))(2.0) == 24.0
    assert run(gd.grad(gd.grad(inner)))(2.0) == 12.0
    assert inner.variants == 0
    assert inner(2.0) == 8.0
    assert inner.variants == 1


@RUNS
def test_a_compiled_function_does_not_freeze_outer_values(run):
    """Compiled inside, and closing over the outer value: its gradient is there, nothing is kept."""

    def outer(w):
        return gd.compile(lambda x: w * x)(2.0) + gd.compile(gd.grad(lambda x: w * x * x))(1.0)

    assert run(gd.grad(outer))(3.0) == 4.0
    assert run(gd.grad(outer))(5.0) == 4.0
    assert run(outer)(3.0) == 12.0


def test_a_compiled_gradient_inside_a_gradient():
    loss = gd.compile(gd.grad(lambda w, x: gd.sum((x @ w) ** 2)))
    w, x = np.array([1.0, -1.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    outer = gd.grad(lambda w: gd.sum(loss(w, x) ** 2))(w)
    np.testing.assert_allclose(outer, 8 * (x.T @ x) @ (x.T @ x) @ w)


@RUNS
def test_a_step_of_training_inside_the_loss_is_differentiated(run):
    """Learning to learn: the loss after one step, as a function of the rate."""
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.5])

    def loss(w):
        return np.mean((w * x - y) ** 2)

    def after_one_step(rate):
        w = 0.5
        return loss(w - rate * gd.grad(loss)(w))

    got = run(gd.grad(after_one_step))(0.05)
    h = 1e-6
    expected = (after_one_step(0.05 + h) - after_one_step(0.05 - h)) / (2 * h)
    np.testing.assert_allclose(got, expected, rtol=1e-7)


def test_loops_of_nested_derivatives():
    def newton(a):
        x = 1.0
        for _ in range(6):
            residual = lambda x: x * x - a  # noqa: E731
            x = x - residual(x) / gd.grad(residual)(x)
        return x

    np.testing.assert_allclose(newton(2.0), np.sqrt(2.0))
    np.testing.assert_allclose(gd.grad(newton)(2.0), 0.5 / np.sqrt(2.0))
    np.testing.assert_allclose(gd.compile(gd.grad(gd.grad(newton)))(2.0), -0.25 * 2.0**-1.5)


def test_what_was_kept_of_another_trace_is_refused():
    kept = []
    gd.compile(lambda x: kept.append(x) or x * 1.0)(np.ones(2))
    with pytest.raises(GradienteError, match="was traced in another function and kept"):
        gd.compile(lambda y: y + kept[0])(np.ones(2))


def test_a_trace_that_fails_leaves_nothing_behind():
    for run in (gd.grad, gd.compile, gd.jacobian, lambda f: lambda x: gd.vjp(f, x)):
        with pytest.raises(ZeroDivisionError):
            run(lambda x: 1 / 0)(1.0)
    compiled = gd.compile(lambda x: x + 1)
    assert compiled(1.0) == 2.0
    assert compiled.variants == 1
    assert isinstance(gd.grad(lambda x: x * x)(1.0), np.float64)
