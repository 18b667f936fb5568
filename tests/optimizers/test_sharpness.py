"""SAM takes its gradient where the paper says, and equals Optax's."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers import SGD, AdamW, apply_updates, chain, clip_by_value, groups, sam

POINT = {"a": np.array([1.0, -2.0]), "b": np.array([[0.5, 3.0]]), "zero": np.zeros(2)}


def loss(point):
    return np.sum(np.cosh(point["a"])) + np.sum(point["a"] * point["b"][0] ** 2)


def steps(optimizer, count=6):
    point, gradient = POINT, gd.grad(loss)
    state = optimizer.init(point)
    for _ in range(count):
        away = optimizer.perturb(gradient(point), point)
        updates, state = optimizer.update(gradient(away), state, point)
        point = apply_updates(point, updates)
    return point


def test_equals_optax():
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    contrib = pytest.importorskip("optax.contrib")

    def their_loss(point):
        return jax.numpy.sum(jax.numpy.cosh(point["a"])) + jax.numpy.sum(
            point["a"] * point["b"][0] ** 2
        )

    with jax.enable_x64(True):
        ascent = optax.chain(contrib.normalize(), optax.sgd(0.1))
        theirs = contrib.sam(optax.sgd(0.01, momentum=0.9), ascent, opaque_mode=True)
        point, gradient = POINT, jax.grad(their_loss)
        state = theirs.init(point)
        for _ in range(6):
            updates, state = theirs.update(
                gradient(point), state, point, grad_fn=lambda p, _: gradient(p)
            )
            point = optax.apply_updates(point, updates)
    ours = steps(sam(SGD(0.01, momentum=0.9), radius=0.1))
    for path in ours:
        np.testing.assert_allclose(ours[path], np.asarray(point[path]), rtol=1e-12)


def test_the_adaptive_distance_is_relative_to_the_weights():
    gradient = {path: np.ones_like(value) for path, value in POINT.items()}
    away = sam(SGD(0.1), 0.5, adaptive=True).perturb(gradient, POINT)
    norm = np.sqrt(1 + 4 + 0.25 + 9)
    for path, value in POINT.items():
        np.testing.assert_allclose(away[path] - value, 0.5 * value**2 / norm, rtol=1e-12)


def test_no_gradient_no_distance():
    nothing = {path: np.zeros_like(value) for path, value in POINT.items()}
    away = sam(SGD(0.1)).perturb(nothing, POINT)
    for path, value in POINT.items():
        np.testing.assert_array_equal(away[path], value)


def test_other_optimizers_keep_the_place_of_the_gradient():
    plain = steps(sam(SGD(0.01)))
    for outer in (chain(sam(SGD(0.01))), chain(clip_by_value(1e9), sam(SGD(0.01)))):
        again = steps(outer)
        for path, value in plain.items():
            np.testing.assert_array_equal(again[path], value)


def test_refused():
    with pytest.raises(InvalidArgumentError, match="`radius` is 0"):
        sam(AdamW(), radius=0)
    with pytest.raises(InvalidArgumentError, match="put it around `groups`"):
        groups({"*": sam(SGD(0.1))})
