"""Every local gradient of the registry is the derivative of its operation, to second order."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.ops.elementwise import INTEGER_ONLY
from gradiente.ops.operation import OPERATIONS, draw
from gradiente.trace.functions import bind

# Their gradient is not that of their value, on purpose; a cast rounds, and differences see it.
ON_PURPOSE = {"stop_gradient", "custom_gradient", "cast"}


def cases(wanted):
    for operation in OPERATIONS.values():
        for number, sample in enumerate(operation.examples):
            floating = any(isinstance(item, tuple) for item in sample.inputs)
            if floating and wanted(operation):
                yield pytest.param(operation, sample, id=f"{operation.name}-{number}")


def is_smooth(operation):
    return operation.pullback is not None and operation.name not in ON_PURPOSE


def is_stepwise(operation):
    taken = operation not in INTEGER_ONLY and operation.name not in ON_PURPOSE
    return operation.pullback is None and taken


SMOOTH, STEPWISE = list(cases(is_smooth)), list(cases(is_stepwise))


def setting(operation, sample, dtype=np.float64):
    """The inputs of an example, which of them are floating, and a weighted sum of its value."""
    random = np.random.default_rng(3)
    arrays = draw(sample, random, dtype)
    places = tuple(place for place, array in enumerate(arrays) if array.dtype.kind == "f")
    shape = np.shape(bind(operation, *arrays, **sample.params))
    weight = np.asarray(random.normal(size=shape), dtype)

    def weighted(*inputs):
        value = bind(operation, *inputs, **sample.params)
        return gd.sum(gd.cast(value, weight.dtype) * weight)

    return arrays, places, weighted


def linear_functional(function, arrays, places):
    """A weighted sum of all gradients of a function: what second derivatives are taken of."""
    random = np.random.default_rng(4)
    weights = [random.normal(size=arrays[place].shape) for place in places]

    def functional(*inputs):
        gradients = gd.grad(function, argnums=places)(*inputs)
        return sum(gd.sum(g * w) for g, w in zip(gradients, weights, strict=True))

    return functional


@pytest.mark.parametrize(("operation", "sample"), SMOOTH)
def test_local_gradients_are_derivatives(operation, sample, check_gradients):
    arrays, places, weighted = setting(operation, sample)
    gradients = gd.grad(weighted, argnums=places)(*arrays)
    check_gradients(weighted, arrays, gradients, places, tolerance=1e-7)


@pytest.mark.parametrize(("operation", "sample"), SMOOTH)
def test_gradients_of_local_gradients_are_derivatives(operation, sample, check_gradients):
    arrays, places, weighted = setting(operation, sample)
    functional = linear_functional(weighted, arrays, places)
    gradients = gd.grad(functional, argnums=places)(*arrays)
    check_gradients(functional, arrays, gradients, places, tolerance=1e-6, seed=1)


@pytest.mark.parametrize(("operation", "sample"), SMOOTH)
def test_the_gradient_has_the_type_of_the_input(operation, sample):
    arrays, places, weighted = setting(operation, sample, np.float32)
    gradients = gd.grad(weighted, argnums=places)(*arrays)
    for gradient, place in zip(gradients, places, strict=True):
        assert (gradient.shape, gradient.dtype) == (arrays[place].shape, np.float32)
    wide, _, weighted_wide = setting(operation, sample)
    same_numbers = (a.astype(w.dtype) for a, w in zip(arrays, wide, strict=True))
    expected = gd.grad(weighted_wide, argnums=places)(*same_numbers)
    for got, exact in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(got, exact, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(("operation", "sample"), SMOOTH)
def test_forward_and_backward_are_each_others_transpose(operation, sample):
    """g · (J t) = (gᵀ J) · t for random t and g."""
    arrays, places, _ = setting(operation, sample)
    random = np.random.default_rng(5)

    def apply(*floating):
        inputs = list(arrays)
        for place, value in zip(places, floating, strict=True):
            inputs[place] = value
        return bind(operation, *inputs, **sample.params)

    primals = tuple(arrays[place] for place in places)
    tangents = tuple(np.asarray(random.normal(size=x.shape)) for x in primals)
    value, pullback = gd.vjp(apply, *primals)
    upstream = np.asarray(random.normal(size=value.shape))
    again, moved = gd.jvp(apply, primals, tangents)
    np.testing.assert_array_equal(value, again)
    assert (moved.shape, moved.dtype) == (value.shape, value.dtype)
    backward = sum(np.sum(g * t) for g, t in zip(pullback(upstream), tangents, strict=True))
    np.testing.assert_allclose(np.sum(upstream * moved), backward, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("operation", "sample"), STEPWISE)
def test_where_there_is_no_local_gradient_it_is_zero(operation, sample):
    """And rightly so: the value does not change along any small step."""
    arrays, places, weighted = setting(operation, sample)
    random = np.random.default_rng(6)
    moved = [x + 1e-7 * random.normal(size=x.shape) if x.dtype.kind == "f" else x for x in arrays]
    assert weighted(*moved) == weighted(*arrays)
    value, gradients = gd.value_and_grad(weighted, argnums=places)(*arrays)
    assert np.isfinite(value)
    for gradient, place in zip(gradients, places, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros_like(arrays[place]), strict=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_gradient_of_a_cast_is_cast_back(dtype):
    x = np.array([1.0, -2.0, 0.5])
    g = gd.grad(lambda x: gd.sum(x.astype(dtype) * np.array([1, 2, 3], dtype)).astype(float))(x)
    np.testing.assert_array_equal(g, [1.0, 2.0, 3.0])
    assert g.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_no_gradient_passes_through_integers(dtype):
    x = np.array([1.0, 2.0, 0.5])
    g = gd.grad(lambda x: gd.sum(x.astype(dtype).astype(float) * x))(x)
    np.testing.assert_array_equal(g, x.astype(dtype).astype(float))


def test_stopped_gradients_are_zero_and_the_value_remains():
    x = np.array([1.0, 2.0])
    value, g = gd.value_and_grad(lambda x: gd.sum(gd.stop_gradient(x * 3) * x))(x)
    assert value == 15.0
    np.testing.assert_array_equal(g, [3.0, 6.0])
