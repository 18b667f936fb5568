"""Clipping and weight decay change gradients as their equations say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers import (
    SGD,
    add_weight_decay,
    chain,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
)

GRADIENTS = st.fixed_dictionaries(
    {
        "a": arrays(np.float64, (2, 3), elements=st.floats(-1e3, 1e3)),
        "b": arrays(np.float64, 4, elements=st.floats(-1e3, 1e3)),
    }
)


def apply(transform, gradients, parameters=None):
    parameters = gradients if parameters is None else parameters
    return transform.update(gradients, transform.init(parameters), parameters)[0]


def flat(gradients):
    return np.concatenate([gradient.ravel() for gradient in gradients.values()])


@settings(deadline=None)
@given(GRADIENTS, st.floats(0.01, 100))
def test_clip_by_global_norm(gradients, bound):
    clipped = apply(clip_by_global_norm(bound), gradients)
    norm = np.linalg.norm(flat(gradients))
    factor = 1.0 if norm <= bound else bound / norm
    np.testing.assert_allclose(flat(clipped), factor * flat(gradients), rtol=1e-12, atol=1e-300)


@settings(deadline=None)
@given(GRADIENTS, st.floats(0.01, 100))
def test_clip_by_norm(gradients, bound):
    clipped = apply(clip_by_norm(bound), gradients)
    for path, gradient in gradients.items():
        norm = np.linalg.norm(gradient)
        factor = 1.0 if norm <= bound else bound / norm
        np.testing.assert_allclose(clipped[path], factor * gradient, rtol=1e-12, atol=1e-300)


@settings(deadline=None)
@given(GRADIENTS, st.floats(0.01, 100))
def test_clip_by_value(gradients, bound):
    clipped = apply(clip_by_value(bound), gradients)
    np.testing.assert_array_equal(flat(clipped), np.clip(flat(gradients), -bound, bound))


@pytest.mark.parametrize("transform", [clip_by_global_norm, clip_by_norm, clip_by_value])
def test_small_gradients_keep_their_bits(transform):
    gradients = {"a": np.array([0.1, -0.3], np.float32), "b": np.array([[0.7]], np.float32)}
    clipped = apply(transform(1.0), gradients)
    np.testing.assert_array_equal(flat(clipped), flat(gradients))


@pytest.mark.parametrize("transform", [clip_by_global_norm, clip_by_norm, clip_by_value])
def test_zero_gradients_stay_zero(transform):
    clipped = apply(transform(1.0), {"a": np.zeros(3), "b": np.zeros((0, 2))})
    np.testing.assert_array_equal(flat(clipped), 0)


@pytest.mark.parametrize("transform", [clip_by_global_norm, clip_by_norm, clip_by_value])
def test_not_a_number_is_not_hidden(transform):
    clipped = apply(transform(1.0), {"a": np.array([np.nan, 1.0])})
    assert np.isnan(clipped["a"][0])


def test_the_norm_of_half_precision_does_not_overflow():
    gradients = {"a": np.full(1000, 200, np.float16)}
    np.testing.assert_allclose(global_norm(gradients), 200 * np.sqrt(1000), rtol=1e-6)
    clipped = apply(clip_by_global_norm(1.0), gradients)["a"]
    assert clipped.dtype == np.float16
    np.testing.assert_allclose(clipped, 1 / np.sqrt(1000), rtol=2e-3)


def test_the_norm_of_nothing_is_zero():
    assert global_norm({}) == 0
    assert apply(clip_by_global_norm(1.0), {}) == {}


def test_weight_decay_adds_the_parameter():
    gradients, parameters = {"a": np.array([1.0, 2.0])}, {"a": np.array([10.0, -20.0])}
    decayed = apply(add_weight_decay(0.5), gradients, parameters)
    np.testing.assert_array_equal(decayed["a"], [6.0, -8.0])


@pytest.mark.parametrize(
    "only", ["*.weight", ("*.weight",), lambda path, parameter: parameter.ndim > 1]
)
def test_weight_decay_of_some_parameters(only):
    parameters = {"dense.weight": np.full((2, 2), 4.0), "dense.bias": np.full(2, 4.0)}
    gradients = {"dense.weight": np.zeros((2, 2)), "dense.bias": np.zeros(2)}
    decayed = apply(add_weight_decay(0.5, only), gradients, parameters)
    np.testing.assert_array_equal(decayed["dense.weight"], 2.0)
    np.testing.assert_array_equal(decayed["dense.bias"], 0.0)


def test_a_pattern_nothing_matches():
    gradients = {"dense.weight": np.zeros(2)}
    with pytest.raises(InvalidArgumentError, match=r"'\*.wieght'.*dense.weight"):
        apply(add_weight_decay(0.5, "*.wieght"), gradients)


def test_coupled_weight_decay_is_that_of_sgd():
    random = np.random.default_rng(0)
    parameters, gradients = {"w": random.normal(size=5)}, {"w": random.normal(size=5)}
    composed = apply(chain(add_weight_decay(0.1), SGD(0.5)), gradients, parameters)
    built_in = apply(SGD(0.5, weight_decay=0.1), gradients, parameters)
    np.testing.assert_array_equal(composed["w"], built_in["w"])
