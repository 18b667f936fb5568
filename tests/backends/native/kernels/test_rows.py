"""Kernels that go row by row, where shapes alone do not say what a row is."""

import numpy as np
import pytest

import gradiente as gd

RANDOM = np.random.default_rng(0)
X, B = RANDOM.normal(size=(5, 5)), RANDOM.normal(size=5)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, b: gd.softmax(x) * b,  # a number for each place
        lambda x, b: gd.softmax(x) * b[:, None],  # a number for each row
        lambda x, b: np.sum(np.exp(x + b), axis=1) + b,  # both
        lambda x, b: gd.softmax(x + b) * b[:, None] + b * np.max(x, axis=1)[:, None],
        lambda x, b: x / (1 + np.sum(x * x, axis=1) * b)[:, None],
        lambda x, b: x - np.max(x, axis=1) * b,  # the numbers of rows, used for each place
        lambda x, b: gd.softmax(x) + gd.softmax(x).T * b,
    ],
)
@pytest.mark.parametrize("shape", [(5, 5), (1, 5)])
def test_in_square_arrays_rows_and_places_are_told_apart(function, shape):
    x, b = X[: shape[0]], B
    if shape == (1, 5):
        x, b = x[:, :1], b[:1]
    np.testing.assert_allclose(gd.compile(function, "native")(x, b), function(x, b), rtol=1e-13)
