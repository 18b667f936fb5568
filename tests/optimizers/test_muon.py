"""Newton and Schulz bring all singular values near one and keep the singular vectors."""

import numpy as np
import pytest

from gradiente.optimizers import AdamW, Muon
from gradiente.optimizers.muon import COEFFICIENTS, orthogonalized


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 6), (6, 1)])
def test_every_singular_value_follows_the_polynomial(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(values)
    a, b, c = COEFFICIENTS
    for _ in range(5):
        values = a * values + b * values**3 + c * values**5
    expected = left * values @ right
    np.testing.assert_allclose(orthogonalized(matrix, 5), expected, rtol=1e-9, atol=1e-12)
    assert np.all((values > 0.6) & (values < 1.3))


def test_a_zero_gradient_moves_nothing():
    np.testing.assert_array_equal(orthogonalized(np.zeros((3, 2)), 5), 0.0)


def test_a_kernel_moves_like_the_matrix_of_its_rows():
    random = np.random.default_rng(0)
    kernel, gradient = random.normal(size=(2, 3, 4)), random.normal(size=(2, 3, 4))
    optimizer = Muon(0.1)

    def moved(*shape):
        point = {"w": kernel.reshape(shape)}
        state = optimizer.init(point)
        return optimizer.update({"w": gradient.reshape(shape)}, state, point)[0]["w"].ravel()

    np.testing.assert_array_equal(moved(2, 3, 4), moved(6, 4))


def test_biases_follow_adamw():
    random = np.random.default_rng(0)
    point = {"b": random.normal(size=4), "s": random.normal(size=())}
    gradients = {"b": random.normal(size=4), "s": np.asarray(0.3)}
    ours, theirs = Muon(0.1, weight_decay=0.2), AdamW(0.1, weight_decay=0.2)
    moved, _ = ours.update(gradients, ours.init(point), point)
    expected, _ = theirs.update(gradients, theirs.init(point), point)
    for path in point:
        np.testing.assert_array_equal(moved[path], expected[path])
