"""The error function, to the last bits."""

import math

import numpy as np
import pytest

import gradiente as gd
from gradiente.ops.special import erf


def test_it_equals_that_of_the_standard_library():
    x = np.concatenate([np.linspace(-7, 7, 20_001), np.logspace(-300, 1, 2_000), [0.46875, 4.0]])
    expected = np.array([math.erf(value) for value in x])
    np.testing.assert_allclose(erf(x), expected, rtol=4e-16 * 2, atol=0)


def test_it_is_odd_and_keeps_signs_and_ends():
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-320, 0.3, 2.0, 5.0])
    np.testing.assert_array_equal(erf(-x), -erf(x))
    np.testing.assert_array_equal(np.signbit(erf(x))[:2], [False, True])
    np.testing.assert_array_equal(erf(x)[2:4], [1.0, -1.0])
    assert np.isnan(erf(x)[4])


def test_it_grows_without_a_jump_where_the_formulas_meet():
    for joint in (0.46875, 4.0):
        x = joint + np.linspace(-1e-9, 1e-9, 101)
        assert np.all(np.diff(erf(x)) >= -2e-16)


@pytest.mark.parametrize(
    ("given", "expected"), [("f2", "f2"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("?", "f8")]
)
def test_data_types(given, expected):
    assert erf(np.ones(3, given)).dtype == expected
    assert gd.erf(np.ones(3, given)).dtype == expected


def test_it_does_not_write_into_its_input():
    x = np.linspace(-1, 1, 5)
    x.flags.writeable = False
    erf(x)
    assert erf(np.zeros((0, 2))).shape == (0, 2)
    assert erf(1.0) == pytest.approx(math.erf(1.0))
