"""Prediction, target and weight arrays fit together, or are refused in words."""

import numpy as np
import pytest

from gradiente.base.batch import (
    accumulation_dtype,
    align,
    expand_weight,
    repetitions,
    working_dtype,
)
from gradiente.base.errors import ShapeError


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        ((5,), (5,), (5,)),
        ((5, 1), (5,), (5,)),
        ((5,), (5, 1), (5,)),
        ((5, 1), (5, 1), (5, 1)),
        ((5, 3, 1), (5, 3), (5, 3)),
        ((1, 1), (1,), (1,)),
        ((0, 1), (0,), (0,)),
    ],
)
def test_align_gives_one_shape(prediction, target, expected):
    first, second = align(np.zeros(prediction), np.zeros(target))
    assert first.shape == second.shape == expected


@pytest.mark.parametrize(
    ("prediction", "target"),
    [((5, 1), (1, 5)), ((5, 2), (5,)), ((5,), (1,)), ((5, 1), (1,)), ((5,), ()), ((5, 1, 1), (5,))],
)
def test_align_never_broadcasts(prediction, target):
    with pytest.raises(ShapeError, match=r"prediction has shape .* Reshape the target"):
        align(np.zeros(prediction), np.zeros(target))


@pytest.mark.parametrize(
    ("weight", "shape", "expanded", "repeated"),
    [
        ((4,), (4,), (4,), 1.0),
        ((4,), (4, 3), (4, 1), 3.0),
        ((4,), (4, 3, 2), (4, 1, 1), 6.0),
        ((4, 3), (4, 3, 2), (4, 3, 1), 2.0),
        ((4, 1), (4,), (4,), 1.0),
        ((4, 1), (4, 3), (4, 1), 3.0),
        ((4, 1), (4, 1), (4, 1), 1.0),
        ((1,), (1, 3), (1, 1), 3.0),
    ],
)
def test_weights_are_expanded_over_further_axes(weight, shape, expanded, repeated):
    result = expand_weight(np.ones(weight), shape)
    assert result.shape == expanded
    assert repetitions(result, shape) == repeated
    assert np.sum(np.broadcast_to(result, shape)) == np.sum(result) * repeated


@pytest.mark.parametrize("weight", [(3,), (), (4, 2), (1,), (4, 3, 5)])
def test_weights_of_another_length_are_refused(weight):
    with pytest.raises(ShapeError, match="sample_weight has shape"):
        expand_weight(np.ones(weight), (4, 3))


def test_dtypes_follow_the_prediction():
    single, double, whole = (np.zeros(1, dtype) for dtype in ("float32", "float64", "int64"))
    assert working_dtype(single, double) == np.float32
    assert working_dtype(single, whole) == np.float32
    assert working_dtype(whole, single) == np.float64
    assert accumulation_dtype(np.float16) == np.float32
    assert accumulation_dtype(np.float32) == np.float32
    assert accumulation_dtype(np.int32) == np.float64
